"""Read the tokens of earlier releases, which are out in mails and calendars.

Unsubscribe links and calendar addresses never expire, and links to receipts live for half a year. Their holders cannot
get new ones by themselves, so their tokens are read as long as their keys are in the settings. Links to files lived for
minutes, and are not read.
"""

from typing import Final

from grome.common.base64url import decode_base64url
from grome.infrastructure.secret_keys import Macs, SecretKeys

_MAC_BYTES: Final = 16


class EarlierTokens:
    """Reads tokens of one purpose: base64url of an HMAC and the signed bytes, without the dot of today's tokens."""

    def __init__(self, keys: SecretKeys, purpose: str) -> None:
        self._macs = Macs([*keys.derive(purpose), *keys.digest_texts(purpose)], _MAC_BYTES)

    def find_payload(self, token: str) -> bytes:
        """Return the bytes that the token claims, unverified; empty for any other text."""
        return (decode_base64url(token) or b"")[_MAC_BYTES:]

    def read(self, token: str, aside: bytes = b"") -> bytes | None:
        """Return the signed bytes; None for any other text. `aside` was signed too, but is not in the token."""
        payload = self.find_payload(token)
        mac = (decode_base64url(token) or b"")[:_MAC_BYTES]
        return payload if self._macs.is_signed(payload + aside, mac) else None
