"""Chains of documents: each hash covers the content of a document, its number and the hash before it.

A sealed document is stored as its content followed by `hash`, `prev_hash` and `seq`, in this order (MongoDB adds fields
by name). So the content of a document is its bytes without the last 105, and is hashed without being decoded.
"""

import hashlib
from struct import Struct
from typing import Final, NamedTuple

_HASH_BYTES: Final = 32
_BINARY_HEAD: Final = _HASH_BYTES.to_bytes(4, "little") + b"\x00"  # bsonspec.org: length and subtype
_HASH: Final = b"\x05hash\x00" + _BINARY_HEAD
_PREV_HASH: Final = b"\x05prev_hash\x00" + _BINARY_HEAD
_SEQ: Final = b"\x12seq\x00"
_LENGTH: Final = 4
_SEAL: Final = Struct(f"<{len(_HASH)}s{_HASH_BYTES}s{len(_PREV_HASH)}s{_HASH_BYTES}s{len(_SEQ)}sqx")


class Seal(NamedTuple):
    """The position of a document in its chain. `seq` begins with 1 and has no gaps."""

    seq: int
    prev_hash: bytes
    hash: bytes


GENESIS: Final = Seal(0, b"", bytes(_HASH_BYTES))


def next_seal(last: Seal, content: bytes) -> Seal:
    """Seal the document after `last`."""
    seq = last.seq + 1
    return Seal(seq, last.hash, hashlib.sha256(last.hash + seq.to_bytes(8, "big") + content).digest())


def unsealed_content(document: bytes) -> bytes:
    """Return the content of a document that is not sealed yet, from its bytes."""
    return document[_LENGTH:-1]


def split_seal(document: bytes) -> tuple[bytes, Seal] | None:
    """Split a sealed document's bytes into content and seal. Returns None if they have another layout."""
    if len(document) < _SEAL.size:
        return None
    hash_head, own_hash, prev_head, prev_hash, seq_head, seq = _SEAL.unpack_from(document, len(document) - _SEAL.size)
    if hash_head != _HASH or prev_head != _PREV_HASH or seq_head != _SEQ:
        return None
    return document[_LENGTH : -_SEAL.size], Seal(seq, prev_hash, own_hash)


def join_seal(content: bytes, seal: Seal) -> bytes:
    """Return the bytes of the sealed document."""
    fields = _SEAL.pack(_HASH, seal.hash, _PREV_HASH, seal.prev_hash, _SEQ, seal.seq)
    return (_LENGTH + len(content) + len(fields)).to_bytes(_LENGTH, "little") + content + fields
