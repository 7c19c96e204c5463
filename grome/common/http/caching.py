"""Who may keep an answer, and how one that a client still has is not sent again (RFC 9111; RFC 9110, section 13)."""

from hashlib import blake2b
from typing import Final

from sanic import Request

# What no route declares otherwise. An account, its bookings and its tokens (RFC 6749, section 5.1) belong on no disk,
# that of a shared phone included: `private, no-cache` would keep only shared caches away. Refusals are no exception,
# since a cache may keep a 404 unasked (RFC 9110, section 15.1), and that thing may be there a moment later.
NO_STORE: Final = "no-store"
# `public`, since these answers are the same with a token and without: else caches between us and the client would not
# keep one that was asked for with a token (RFC 9111, section 3.5).
REVALIDATED: Final = "public, no-cache"
# For one person's, where a program of theirs keeps it in any case and asks again and again.
REVALIDATED_BY_ITS_OWNER: Final = "private, no-cache"


def kept_for(seconds: int) -> str:
    """For what may be so old without harm. `REVALIDATED` is for what may not: it is asked for each time."""
    return f"public, max-age={seconds}"


def entity_tag(content: bytes, coding: str = "") -> str:
    """A strong tag of a body that goes out in this coding; `content` is the body before it."""
    return f'"{blake2b(content, digest_size=12).hexdigest()}{coding and "-"}{coding}"'


def has_already(request: Request, tag: str) -> bool:
    """Whether the client says that it has what this tag stands for. Weak tags count too (RFC 9110, section 13.1.2)."""
    known = ",".join(request.headers.getall("if-none-match", ()))
    return tag in known or known == "*"  # within a list of tags, one in its quotes is found only where it stands
