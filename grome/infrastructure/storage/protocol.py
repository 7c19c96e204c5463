"""Store the files that clients fetch: in a local folder or in an S3 bucket, with the same guarantees."""

import re
import unicodedata
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import quote

_MAX_KEY: Final = 200
# No capitals, which some file systems do not tell apart, and no part that begins with a dot.
_SAFE: Final = re.compile(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*")
# Quotes and backslashes end or escape a quoted string; the others part paths, or mean something to a shell or browser.
_UNSAFE_IN_NAMES: Final = re.compile(r"[^\w .()+,=@~-]")

Source = Path | AsyncIterable[bytes]


class MissingFileError(Exception):
    """Nothing is stored under the key."""


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A stored file that is open for reading; replacing or deleting the file does not disturb the reader."""

    size: int
    chunks: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class UploadForm:
    """A form that stores one file: a POST of `fields` and then the file, in multipart/form-data, to `url`."""

    url: str
    fields: dict[str, str]


class Storage(Protocol):
    """A key is a path such as `reports/2f9c`: lower-case letters, digits, `.`, `_`, `-`; any other is a ValueError.

    Every method raises Unavailable where the storage does not answer in time or has no room.
    """

    async def put(self, key: str, source: Source) -> int:
        """Store the whole file or nothing, replacing any file under the key; returns its size in bytes."""

    async def put_public(self, key: str, content: bytes, content_type: str) -> None:
        """Store a small file that never changes, so that anybody may cache it for good.

        A bucket keeps the type and the caching with it, for caches in front of the bucket.
        """

    def open(self, key: str) -> AbstractAsyncContextManager[OpenFile]:
        """Raises MissingFileError."""

    async def exists(self, key: str) -> bool: ...

    async def copy(self, source: str, target: str) -> None:
        """Copy a file, replacing any file under `target`. Raises MissingFileError."""

    async def delete(self, key: str) -> None:
        """Delete the file; a missing file is no error."""

    def keys(self, prefix: str) -> AsyncGenerator[str]:
        """Yield the keys that begin with `prefix`, in no order; `prefix` ends with a slash."""

    async def signed_url(self, key: str, seconds: int, download_name: str, content_type: str) -> str:
        """Return an address at which any holder can fetch the file for `seconds`. The file need not exist."""

    async def upload_form(self, key: str, size: int, content_type: str, seconds: int) -> UploadForm:
        """Return a form with which any holder can store a file of this size and type for `seconds`.

        A bucket takes the form again until it expires, a folder only once. Neither looks into the file.
        """

    async def drop_unfinished(self, before: datetime) -> int:
        """Remove uploads by `put` that began before this moment in a process that died; return their number."""

    async def close(self) -> None: ...


def checked_key(key: str) -> str:
    if len(key) > _MAX_KEY or not _SAFE.fullmatch(key):
        raise ValueError(f"{key!r} cannot be the key of a file")
    return key


def attachment_disposition(download_name: str) -> str:
    """Return the Content-Disposition that makes a client save the file under this name (RFC 6266).

    Command-line clients read the plain parameter only, and would save the file under the last part of its address.
    """
    return f"attachment; {filename_parameters(download_name)}"


def filename_parameters(download_name: str) -> str:
    """Return the file name parameters: in ASCII for every client, and in full by RFC 8187."""
    ascii_name = unicodedata.normalize("NFKD", download_name).encode("ascii", "ignore").decode()
    plain = _UNSAFE_IN_NAMES.sub("_", ascii_name).lstrip(".") or "file"
    return f"filename=\"{plain}\"; filename*=UTF-8''{quote(download_name, safe='')}"
