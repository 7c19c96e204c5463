"""Files of a backup: a header, compressed blocks that may be encrypted, and a checksum.

A block is a BSON document that describes it, followed by bytes. With a key, each block is sealed by AES-GCM under a key
of the file, and bound to its number: a block that is missing, repeated or moved is noticed.
"""

import gzip
import hashlib
import os
import zlib
from collections.abc import Iterator
from contextlib import suppress
from io import SEEK_CUR
from pathlib import Path
from typing import IO, Final, NamedTuple, Self

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from grome.infrastructure.backup.errors import BackupError
from grome.infrastructure.mongo.client import Document, decode_bson, encode_bson

_MAGIC: Final = b"grome backup 1\n"
_LENGTH_BYTES: Final = 4
_KEY_BYTES: Final = 32
_COMPRESSION_LEVEL: Final = 2
_END: Final = "end"


class ArchiveHeader(msgspec.Struct, frozen=True):
    """Names the content of a file. `salt` is empty where the blocks are not encrypted."""

    kind: str
    database: str
    salt: bytes = b""


class Block(NamedTuple):
    about: Document
    body: bytes


class _BlockCipher:
    """Seals and opens blocks by their numbers. The key belongs to one file, so a number is used once."""

    def __init__(self, key: bytes, salt: bytes) -> None:
        self._cipher = AESGCM(HKDF(SHA256(), _KEY_BYTES, salt, b"grome backup").derive(key))

    def seal(self, number: int, content: bytes) -> bytes:
        return self._cipher.encrypt(number.to_bytes(12, "big"), content, None)

    def open(self, number: int, sealed: bytes) -> bytes:
        return self._cipher.decrypt(number.to_bytes(12, "big"), sealed, None)


class ArchiveWriter:
    """Writes a file beside its final name, and moves it there when it is complete."""

    def __init__(self, path: Path, kind: str, database: str, key: bytes | None) -> None:
        salt = os.urandom(_KEY_BYTES) if key else b""
        self._path, self._part = path, path.with_name(path.name + ".part")
        self._cipher = _BlockCipher(key, salt) if key else None
        self._number = 0
        self._hash = hashlib.sha256()
        self._file = self._part.open("wb")
        self._part.chmod(0o600)
        self._put(_MAGIC)
        self._put_sized(msgspec.json.encode(ArchiveHeader(kind, database, salt)))

    def write(self, about: Document, body: bytes = b"") -> None:
        content = gzip.compress(encode_bson(about) + body, _COMPRESSION_LEVEL, mtime=0)
        self._put_sized(self._cipher.seal(self._number, content) if self._cipher else content)
        self._number += 1

    def finish(self, summary: Document) -> int:
        """Write the summary and the checksum, and give the file its name; returns its size."""
        self.write({**summary, "block": _END})
        self._file.write(self._hash.digest())
        size = self._file.tell()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._part.replace(self._path)
        return size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._part.unlink(missing_ok=True)

    def _put_sized(self, content: bytes) -> None:
        self._put(len(content).to_bytes(_LENGTH_BYTES, "big"))
        self._put(content)

    def _put(self, content: bytes) -> None:
        self._hash.update(content)
        self._file.write(content)


class ArchiveReader:
    """Reads a file; each method raises BackupError for a file that is damaged or encrypted by another key."""

    def __init__(self, path: Path, key: bytes | None) -> None:
        self.path = path
        with path.open("rb") as file:
            self.header = self._read_header(file)
            self._start = file.tell()
        if self.header.salt and key is None:
            raise BackupError(f"{path} is encrypted: name the file with its key by --key-file.")
        self._cipher = _BlockCipher(key, self.header.salt) if key and self.header.salt else None

    def verify(self) -> None:
        """Compare the file with its checksum."""
        size = self.path.stat().st_size - hashlib.sha256().digest_size
        found = hashlib.sha256()
        with self.path.open("rb") as file:
            while size > 0 and (part := file.read(min(size, 1 << 20))):
                found.update(part)
                size -= len(part)
            if file.read() != found.digest():
                raise BackupError(f"{self.path} is damaged: its checksum is another. Use another copy of the backup.")

    def summary(self) -> Document:
        """Return the last block, without reading the others."""
        with self.path.open("rb") as file:
            file.seek(self._start)
            end = self.path.stat().st_size - hashlib.sha256().digest_size
            for number in range(1 << 40):
                length = self._read_length(file)
                if file.tell() + length >= end:
                    return self._open(number, file.read(length)).about
                file.seek(length, SEEK_CUR)
        raise self._damage()

    def blocks(self) -> Iterator[Block]:
        """Yield all blocks but the summary."""
        with self.path.open("rb") as file:
            file.seek(self._start)
            for number in range(1 << 40):
                block = self._open(number, file.read(self._read_length(file)))
                if block.about["block"] == _END:
                    return
                yield block

    def _read_header(self, file: IO[bytes]) -> ArchiveHeader:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise BackupError(f"{self.path} is no file of a backup by this version of Grome.")
        try:
            return msgspec.json.decode(file.read(self._read_length(file)), type=ArchiveHeader)
        except msgspec.DecodeError:
            raise self._damage() from None

    def _read_length(self, file: IO[bytes]) -> int:
        raw = file.read(_LENGTH_BYTES)
        if len(raw) < _LENGTH_BYTES:
            raise self._damage()
        return int.from_bytes(raw, "big")

    def _open(self, number: int, content: bytes) -> Block:
        with suppress(zlib.error, EOFError, OSError, InvalidTag):
            raw = gzip.decompress(self._cipher.open(number, content) if self._cipher else content)
            length = int.from_bytes(raw[:4], "little")
            return Block(decode_bson(raw[:length]), raw[length:])
        if self._cipher:
            raise BackupError(f"{self.path} cannot be decrypted: it is damaged, or the key is another.")
        raise self._damage()

    def _damage(self) -> BackupError:
        return BackupError(f"{self.path} is damaged or was cut off. Use another copy of the backup.")
