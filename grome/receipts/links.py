"""Create and check links to receipts, which work for any holder, without a sign-in, for half a year."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from msgspec import Struct

from grome.common.clock import Clock
from grome.infrastructure.secret_keys import SecretKeys
from grome.infrastructure.signed_tokens import decode_token, encode_token, link_signer

PATH: Final = "/v1/receipts"
_VALID_FOR: Final = timedelta(days=180)
_MAC_BYTES: Final = 16
_ID_BYTES: Final = 16
_TIME_BYTES: Final = 5


class ReceiptLink(Struct, frozen=True):
    """Names the booking of a receipt, and its reader. The receipt is in the language of the reader."""

    booking_id: UUID
    reader_id: UUID


class ReceiptLinks:
    """Creates and checks links. A token holds both ids, the end of its validity and an HMAC of the three."""

    def __init__(self, keys: SecretKeys, public_url: str, clock: Clock) -> None:
        self._signer = link_signer(keys, "links to receipts", _MAC_BYTES)
        self._public_url, self._clock = public_url, clock

    def url(self, booking_id: UUID, reader_id: UUID) -> str:
        """Return the full URL."""
        until = int((self._clock() + _VALID_FOR).timestamp())
        said = booking_id.bytes + reader_id.bytes + until.to_bytes(_TIME_BYTES, "big")
        return f"{self._public_url}{PATH}/{encode_token(self._signer.sign(said) + said)}"

    def find(self, token: str) -> ReceiptLink | None:
        """Return the link of a token; None if the token is forged or has expired."""
        raw = decode_token(token)
        if raw is None or len(raw) != _MAC_BYTES + 2 * _ID_BYTES + _TIME_BYTES:
            return None
        mac, said = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not self._signer.is_signed(said, mac):
            return None
        if datetime.fromtimestamp(int.from_bytes(said[2 * _ID_BYTES :], "big"), UTC) < self._clock():
            return None
        return ReceiptLink(UUID(bytes=said[:_ID_BYTES]), UUID(bytes=said[_ID_BYTES : 2 * _ID_BYTES]))
