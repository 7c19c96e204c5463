"""Create and check the secret URLs of calendar feeds, which are derived and never stored."""

from typing import Final
from uuid import UUID

from grome.infrastructure.secret_keys import SecretKeys
from grome.infrastructure.signed_tokens import decode_token, encode_token, link_signer

PATH: Final = "/v1/calendars"
FILE: Final = "grome.ics"  # some calendar apps recognize a calendar by this suffix only
_ID_BYTES: Final = 16
_MAC_BYTES: Final = 16


class FeedUrls:
    """Creates and checks feed URLs.

    A token holds the user's id and an HMAC of id and generation, by a key that follows from the secrets key.
    """

    def __init__(self, keys: SecretKeys, public_url: str) -> None:
        self._signer = link_signer(keys, "calendar addresses", _MAC_BYTES)
        self._public_url = public_url

    def build(self, user_id: UUID, generation: int) -> str:
        """Return the full URL."""
        return f"{self._public_url}{PATH}/{self._token(user_id, generation)}/{FILE}"

    def find_user_id(self, token: str) -> UUID | None:
        """Return the user id in an unverified token; None if it has none."""
        raw = _decode(token)
        return UUID(bytes=raw[_MAC_BYTES:]) if raw else None

    def is_valid(self, token: str, user_id: UUID, generation: int) -> bool:
        raw = _decode(token)
        return raw is not None and self._signer.is_signed(_signed_bytes(user_id, generation), raw[:_MAC_BYTES])

    def _token(self, user_id: UUID, generation: int) -> str:
        return encode_token(self._signer.sign(_signed_bytes(user_id, generation)) + user_id.bytes)


def _signed_bytes(user_id: UUID, generation: int) -> bytes:
    return user_id.bytes + generation.to_bytes(8, "big")


def _decode(token: str) -> bytes | None:
    """Return MAC and user id of a token; None for any other text."""
    raw = decode_token(token)
    return raw if raw is not None and len(raw) == _MAC_BYTES + _ID_BYTES else None
