"""Create links to stored files that work for a limited time for any holder, without a sign-in."""

from typing import Final

import msgspec
from msgspec import Struct

from grome.common.clock import Clock
from grome.infrastructure.signed_tokens import LinkSigner, decode_token, encode_token

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
        """Return the full URL."""
        expires = int(self._clock().timestamp()) + seconds
        link = msgspec.json.encode(FileLink(key, expires, download_name, content_type))
        token = encode_token(self._signer.sign(link) + link)
        return f"{self._public_url}{PATH}/{token}"

    def read(self, token: str) -> FileLink | None:
        """Return the link of a token, even if it has expired; None for a token that is not ours."""
        raw = decode_token(token)
        if raw is None:
            return None
        mac, link = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        return msgspec.json.decode(link, type=FileLink) if self._signer.is_signed(link, mac) else None

    def has_expired(self, link: FileLink) -> bool:
        return link.expires <= self._clock().timestamp()
