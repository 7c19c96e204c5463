"""The secret addresses of calendar feeds, which can be told again and are stored nowhere."""

import base64
import hashlib
import hmac
from typing import Final
from uuid import UUID

PATH: Final = "/v1/calendars"
FILE: Final = "grome.ics"  # some calendar apps take an address for a calendar by its end only
_ID_BYTES: Final = 16
_MAC_BYTES: Final = 16


class CalendarAddresses:
    """A token is the user's id and an HMAC of it and the generation, under a key that follows from the signing key."""

    def __init__(self, signing_key: str, public_url: str) -> None:
        self._key = hashlib.sha256(b"calendar addresses\0" + signing_key.encode()).digest()
        self._public_url = public_url

    def write(self, user_id: UUID, generation: int) -> str:
        """The whole address."""
        return f"{self._public_url}{PATH}/{self._token(user_id, generation)}/{FILE}"

    def user_of(self, token: str) -> UUID | None:
        """Whose address it would be if it were one; None where it is nobody's."""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except ValueError:  # of base64, and of text that is not ASCII
            return None
        return UUID(bytes=raw[_MAC_BYTES:]) if len(raw) == _MAC_BYTES + _ID_BYTES else None

    def is_good(self, token: str, user_id: UUID, generation: int) -> bool:
        return hmac.compare_digest(token.encode(), self._token(user_id, generation).encode())

    def _token(self, user_id: UUID, generation: int) -> str:
        mac = hmac.digest(self._key, user_id.bytes + generation.to_bytes(8, "big"), "sha256")[:_MAC_BYTES]
        return base64.urlsafe_b64encode(mac + user_id.bytes).rstrip(b"=").decode()
