"""Create and check the secret URLs of calendar feeds, which are derived and never stored."""

from typing import Final
from uuid import UUID

from msgspec import Struct

from grome.infrastructure.earlier_tokens import EarlierTokens
from grome.infrastructure.secret_keys import SecretKeys
from grome.infrastructure.signed_tokens import SignedTokens

PATH: Final = "/v1/calendars"
FILE: Final = "grome.ics"  # some calendar apps recognize a calendar by this suffix only
_PURPOSE: Final = "calendar addresses"
_ID_BYTES: Final = 16


class FeedAddress(Struct, frozen=True, array_like=True):
    """Names the user of a feed, and the generation of its URL: each reset makes the next one."""

    user_id: UUID
    generation: int


class FeedUrls:
    """Creates and checks feed URLs."""

    def __init__(self, keys: SecretKeys, public_url: str) -> None:
        self._tokens, self._earlier = SignedTokens(keys, _PURPOSE, FeedAddress), EarlierTokens(keys, _PURPOSE)
        self._public_url = public_url

    def build(self, user_id: UUID, generation: int) -> str:
        """Return the full URL."""
        return f"{self._public_url}{PATH}/{self._tokens.write(FeedAddress(user_id, generation))}/{FILE}"

    def find_user_id(self, token: str) -> UUID | None:
        """Return the user id of a token; None if it has none. Only `is_valid` tells whether the token is valid."""
        address = self._tokens.read(token)
        if address is not None:
            return address.user_id
        payload = self._earlier.find_payload(token)
        return UUID(bytes=payload) if len(payload) == _ID_BYTES else None

    def is_valid(self, token: str, user_id: UUID, generation: int) -> bool:
        """Return whether the token is of this user and generation."""
        address = self._tokens.read(token)
        if address is not None:
            return address == FeedAddress(user_id, generation)
        return self._earlier.read(token, generation.to_bytes(8, "big")) == user_id.bytes
