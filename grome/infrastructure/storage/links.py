"""Create links and forms for stored files that work for a limited time for any holder, without a sign-in."""

from typing import Final

from msgspec import Struct

from grome.common.clock import Clock
from grome.infrastructure.secret_keys import SecretKeys
from grome.infrastructure.signed_tokens import SignedTokens
from grome.infrastructure.storage.protocol import UploadForm

PATH: Final = "/v1/files"


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
    """Writes and reads links and forms. No token of a form passes for a link."""

    def __init__(self, keys: SecretKeys, public_url: str, clock: Clock) -> None:
        self._links = SignedTokens(keys, "links to files", FileLink)
        self._forms = SignedTokens(keys, "forms for files", FileForm)
        self._public_url, self._clock = public_url, clock

    def write(self, key: str, seconds: int, download_name: str, content_type: str) -> str:
        """Return the full URL."""
        token = self._links.write(FileLink(key, self._expiry(seconds), download_name, content_type))
        return f"{self._public_url}{PATH}/{token}"

    def write_form(self, key: str, size: int, content_type: str, seconds: int) -> UploadForm:
        token = self._forms.write(FileForm(key, self._expiry(seconds), size, content_type))
        return UploadForm(f"{self._public_url}{PATH}", {"Content-Type": content_type, "token": token})

    def read(self, token: str) -> FileLink | None:
        """Return the link of a token, even if it has expired; None for a token that is not ours."""
        return self._links.read(token)

    def read_form(self, token: str) -> FileForm | None:
        """Return the form of a token, even if it has expired; None for a token that is not ours."""
        return self._forms.read(token)

    def has_expired(self, permission: FileLink | FileForm) -> bool:
        return permission.expires <= self._clock().timestamp()

    def _expiry(self, seconds: int) -> int:
        return int(self._clock().timestamp()) + seconds
