"""Create links to stored files that work for a limited time for any holder, without a sign-in."""

import base64
from typing import Final

import msgspec
from msgspec import Struct

from grome.common.clock import Clock
from grome.infrastructure.signed_tokens import LinkSigner

PATH: Final = "/v1/files"
_MAC_BYTES: Final = 32


class FileLink(Struct, frozen=True, array_like=True):
    """Allows fetching one file under this name until `expires` (Unix seconds)."""

    key: str
    expires: int
    download_name: str
    content_type: str


class FileLinks:
    """Writes and reads file links. The key is derived, so that no other signed token passes for a link."""

    def __init__(self, signing_key: str, public_url: str, clock: Clock) -> None:
        self._signer = LinkSigner(signing_key, "links to files", _MAC_BYTES)
        self._public_url, self._clock = public_url, clock

    def write(self, key: str, seconds: int, download_name: str, content_type: str) -> str:
        """The whole address."""
        expires = int(self._clock().timestamp()) + seconds
        link = msgspec.json.encode(FileLink(key, expires, download_name, content_type))
        token = base64.urlsafe_b64encode(self._signer.sign(link) + link).rstrip(b"=").decode()
        return f"{self._public_url}{PATH}/{token}"

    def read(self, token: str) -> FileLink | None:
        """None for anything that we did not write; whether it has expired is another question."""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except ValueError:  # of base64, and of text that is not ASCII
            return None
        mac, link = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        return msgspec.json.decode(link, type=FileLink) if self._signer.is_signed(link, mac) else None

    def has_expired(self, link: FileLink) -> bool:
        return link.expires <= self._clock().timestamp()
