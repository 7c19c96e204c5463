"""Create links and forms for stored files that work for a limited time for any holder, without a sign-in."""

from typing import Final

import msgspec
from msgspec import Struct

from grome.common.clock import Clock
from grome.infrastructure.secret_keys import Macs, SecretKeys
from grome.infrastructure.signed_tokens import decode_token, encode_token, link_signer
from grome.infrastructure.storage.protocol import UploadForm

PATH: Final = "/v1/files"
_MAC_BYTES: Final = 32


class FileLink(Struct, frozen=True, array_like=True):
    """Allows fetching one file under this name until `expires` (Unix seconds)."""

    key: str
    expires: int
    download_name: str
    content_type: str


class FileForm(Struct, frozen=True, array_like=True):
    """Allows storing one file of this size and type under this key until `expires` (Unix seconds)."""

    key: str
    expires: int
    size: int
    content_type: str


class FileLinks:
    """Writes and reads links and forms. The keys are derived, so that no other signed token passes for either."""

    def __init__(self, keys: SecretKeys, public_url: str, clock: Clock) -> None:
        self._link_signer = link_signer(keys, "links to files", _MAC_BYTES)
        self._form_signer = link_signer(keys, "forms for files", _MAC_BYTES)
        self._public_url, self._clock = public_url, clock

    def write(self, key: str, seconds: int, download_name: str, content_type: str) -> str:
        """Return the full URL."""
        link = msgspec.json.encode(FileLink(key, self._expiry(seconds), download_name, content_type))
        return f"{self._public_url}{PATH}/{_signed(self._link_signer, link)}"

    def write_form(self, key: str, size: int, content_type: str, seconds: int) -> UploadForm:
        form = msgspec.json.encode(FileForm(key, self._expiry(seconds), size, content_type))
        fields = {"Content-Type": content_type, "token": _signed(self._form_signer, form)}
        return UploadForm(f"{self._public_url}{PATH}", fields)

    def read(self, token: str) -> FileLink | None:
        """Return the link of a token, even if it has expired; None for a token that is not ours."""
        link = _verified(self._link_signer, token)
        return None if link is None else msgspec.json.decode(link, type=FileLink)

    def read_form(self, token: str) -> FileForm | None:
        """Return the form of a token, even if it has expired; None for a token that is not ours."""
        form = _verified(self._form_signer, token)
        return None if form is None else msgspec.json.decode(form, type=FileForm)

    def has_expired(self, permission: FileLink | FileForm) -> bool:
        return permission.expires <= self._clock().timestamp()

    def _expiry(self, seconds: int) -> int:
        return int(self._clock().timestamp()) + seconds


def _signed(signer: Macs, said: bytes) -> str:
    return encode_token(signer.sign(said) + said)


def _verified(signer: Macs, token: str) -> bytes | None:
    raw = decode_token(token)
    if raw is None:
        return None
    mac, said = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    return said if signer.is_signed(said, mac) else None
