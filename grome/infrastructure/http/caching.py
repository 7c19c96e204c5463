"""Set the caching of answers, and skip an answer that the client still has (RFC 9111; RFC 9110, section 13)."""

from hashlib import blake2b
from typing import Final

from sanic import Request

# The default for routes without a declaration. An account, its bookings and its tokens (RFC 6749, section 5.1) must not
# be stored on any disk, for example of a shared phone: `private, no-cache` would only exclude shared caches. Errors are
# no exception: a cache may store a 404 by default (RFC 9110, section 15.1), and the resource may exist a moment later.
NO_STORE: Final = "no-store"
# `public`, since these answers are the same with a token and without: else caches between us and the client would not
# keep one that was asked for with a token (RFC 9111, section 3.5).
REVALIDATED: Final = "public, no-cache"
# For one person's, where a program of theirs keeps it in any case and asks again and again.
REVALIDATED_BY_ITS_OWNER: Final = "private, no-cache"


# For a file whose address changes with its content.
IMMUTABLE: Final = f"public, max-age={365 * 86_400}, immutable"


def kept_for(seconds: int) -> str:
    """Return the Cache-Control for an answer that may be this many seconds old.

    Use `REVALIDATED` for any other answer.
    """
    return f"public, max-age={seconds}"


def entity_tag(content: bytes, coding: str = "") -> str:
    """Return the strong tag of a body sent in this coding; `content` is the body before the coding."""
    return f'"{blake2b(content, digest_size=12).hexdigest()}{coding and "-"}{coding}"'


def is_fresh(request: Request, tag: str) -> bool:
    """Return whether the client already has the content of this tag. Weak tags match too (RFC 9110, section 13.1.2)."""
    known = ",".join(request.headers.getall("if-none-match", ()))
    return tag in known or known == "*"  # within a list of tags, one in its quotes is found only where it stands
