"""The secret addresses of calendar feeds, which can be told again and are stored nowhere."""

import base64
from typing import Final
from uuid import UUID

from grome.infrastructure.signed_tokens import LinkSigner

PATH: Final = "/v1/calendars"
FILE: Final = "grome.ics"  # some calendar apps take an address for a calendar by its end only
_ID_BYTES: Final = 16
_MAC_BYTES: Final = 16


class FeedUrls:
    """A token is the user's id and an HMAC of it and the generation, under a key that follows from the signing key."""

    def __init__(self, signing_key: str, public_url: str) -> None:
        self._signer = LinkSigner(signing_key, "calendar addresses", _MAC_BYTES)
        self._public_url = public_url

    def build(self, user_id: UUID, generation: int) -> str:
        """Return the full address."""
        return f"{self._public_url}{PATH}/{self._token(user_id, generation)}/{FILE}"

    def find_user_id(self, token: str) -> UUID | None:
        """Return the user id in an unverified address; None if there is no user id."""
        raw = _decode(token)
        return UUID(bytes=raw[_MAC_BYTES:]) if raw else None

    def is_valid(self, token: str, user_id: UUID, generation: int) -> bool:
        raw = _decode(token)
        return raw is not None and self._signer.is_signed(_signed_bytes(user_id, generation), raw[:_MAC_BYTES])

    def _token(self, user_id: UUID, generation: int) -> str:
        return _encode(self._signer.sign(_signed_bytes(user_id, generation)) + user_id.bytes)


def _signed_bytes(user_id: UUID, generation: int) -> bytes:
    return user_id.bytes + generation.to_bytes(8, "big")


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(token: str) -> bytes | None:
    """The bytes of a token in the one spelling that we write; None for anything else."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except ValueError:  # of base64, and of text that is not ASCII
        return None
    return raw if len(raw) == _MAC_BYTES + _ID_BYTES and _encode(raw) == token else None
