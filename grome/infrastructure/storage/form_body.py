"""Read a form in multipart/form-data as it arrives: first its fields, then its file (RFC 7578)."""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Final

from grome.common.errors import MalformedBody

_MAX_HEAD: Final = 2**12
_MAX_FIELD: Final = 2**12
_MAX_FIELDS: Final = 20
_NAME: Final = re.compile(
    rb"""^content-disposition:\s*form-data\s*;.*?\bname="([^"\r\n]*)\"""", re.IGNORECASE | re.MULTILINE
)


class FormBody:
    """Reads a form with its file, named `file`, as the last part. Raises MalformedBody for any other body."""

    def __init__(self, chunks: AsyncIterator[bytes], boundary: str) -> None:
        self._chunks = chunks
        self._delimiter = b"\r\n--" + boundary.encode()
        # The first delimiter lacks its line break.
        self._buffer = bytearray(b"\r\n")

    async def read_fields(self) -> dict[str, str]:
        """Return the fields before the file."""
        fields: dict[str, str] = {}
        await self._read_until(self._delimiter, _MAX_HEAD)
        while len(fields) <= _MAX_FIELDS:
            name = await self._read_name()
            if name == "file":
                return fields
            value = await self._read_until(self._delimiter, _MAX_FIELD)
            try:
                fields[name] = value.decode()
            except UnicodeDecodeError:
                raise MalformedBody("The form is not UTF-8.") from None
        raise MalformedBody("The form has too many fields.")

    async def file_chunks(self) -> AsyncGenerator[bytes]:
        """Yield the content of the file, then read the rest of the body."""
        kept = len(self._delimiter) - 1  # may be the beginning of a delimiter
        while (end := self._buffer.find(self._delimiter)) < 0:
            if len(self._buffer) > kept:
                yield bytes(self._buffer[:-kept])
                del self._buffer[:-kept]
            await self._receive()
        yield bytes(self._buffer[:end])
        async for _ in self._chunks:
            pass

    async def _read_name(self) -> str:
        if not (await self._read_until(b"\r\n", _MAX_HEAD)).strip(b" \t") == b"":
            raise MalformedBody("The form has no file, or is not in multipart/form-data.")
        head = await self._read_until(b"\r\n\r\n", _MAX_HEAD)
        name = _NAME.search(head)
        if name is None:
            raise MalformedBody("A part of the form has no name.")
        return name[1].decode(errors="replace")

    async def _read_until(self, mark: bytes, limit: int) -> bytes:
        while (end := self._buffer.find(mark)) < 0 and len(self._buffer) <= limit:
            await self._receive()
        if not 0 <= end <= limit:
            raise MalformedBody("The form is not in multipart/form-data, or a field is too long.")
        found = bytes(self._buffer[:end])
        del self._buffer[: end + len(mark)]
        return found

    async def _receive(self) -> None:
        async for chunk in self._chunks:
            self._buffer += chunk
            return
        raise MalformedBody("The form ends before its file.")
