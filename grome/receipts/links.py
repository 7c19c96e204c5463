"""Create and check links to receipts, which work for any holder, without a sign-in, for half a year."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from msgspec import Struct

from grome.common.clock import Clock
from grome.infrastructure.earlier_tokens import EarlierTokens
from grome.infrastructure.secret_keys import SecretKeys
from grome.infrastructure.signed_tokens import SignedTokens

PATH: Final = "/v1/receipts"
_VALID_FOR: Final = timedelta(days=180)
_PURPOSE: Final = "links to receipts"
_ID_BYTES: Final = 16


class ReceiptLink(Struct, frozen=True, array_like=True):
    """Names the booking of a receipt, and its reader. The receipt is in the language of the reader."""

    booking_id: UUID
    reader_id: UUID
    expires: int
    """Unix seconds."""


class ReceiptLinks:
    """Creates and checks links."""

    def __init__(self, keys: SecretKeys, public_url: str, clock: Clock) -> None:
        self._tokens, self._earlier = SignedTokens(keys, _PURPOSE, ReceiptLink), EarlierTokens(keys, _PURPOSE)
        self._public_url, self._clock = public_url, clock

    def url(self, booking_id: UUID, reader_id: UUID) -> str:
        """Return the full URL."""
        expires = int((self._clock() + _VALID_FOR).timestamp())
        return f"{self._public_url}{PATH}/{self._tokens.write(ReceiptLink(booking_id, reader_id, expires))}"

    def find(self, token: str) -> ReceiptLink | None:
        """Return the link of a token; None if the token is forged or has expired."""
        link = self._tokens.read(token) or self._find_earlier(token)
        return link if link is not None and self._clock().timestamp() <= link.expires else None

    def _find_earlier(self, token: str) -> ReceiptLink | None:
        payload = self._earlier.read(token)
        if payload is None:
            return None
        booking_id, reader_id, expires = payload[:_ID_BYTES], payload[_ID_BYTES:-5], payload[-5:]
        return ReceiptLink(UUID(bytes=booking_id), UUID(bytes=reader_id), int.from_bytes(expires, "big"))
