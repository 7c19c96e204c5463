"""The chain of sealed entries: each hash covers an entry, its number and the hash before it.

A sealed entry is stored as its content followed by `hash`, `prev_hash` and `seq`, in this order (MongoDB adds fields by
name). So the content of a document is its bytes without the last 105, and is hashed without being decoded.
"""

import hashlib
from typing import Final

from grome.ledger.models import Seal

_HASH_BYTES: Final = 32
_BINARY_HEAD: Final = _HASH_BYTES.to_bytes(4, "little") + b"\x00"  # bsonspec.org: length and subtype
_HASH: Final = b"\x05hash\x00" + _BINARY_HEAD
_PREV_HASH: Final = b"\x05prev_hash\x00" + _BINARY_HEAD
_SEQ: Final = b"\x12seq\x00"
_LENGTH: Final = 4
_SEAL_BYTES: Final = len(_HASH) + len(_PREV_HASH) + 2 * _HASH_BYTES + len(_SEQ) + 8 + 1


def next_seal(last: Seal, content: bytes) -> Seal:
    """Seal the entry after `last`."""
    seq = last.seq + 1
    return Seal(seq, last.hash, hashlib.sha256(last.hash + seq.to_bytes(8, "big") + content).digest())


def unsealed_content(document: bytes) -> bytes:
    """Return the content of an entry that is not sealed yet, from the document's bytes."""
    return document[_LENGTH:-1]


def split_seal(document: bytes) -> tuple[bytes, Seal] | None:
    """Split a sealed document's bytes into content and seal. Returns None if they have another layout."""
    tail = document[-_SEAL_BYTES:]
    prev_at = len(_HASH) + _HASH_BYTES
    seq_at = prev_at + len(_PREV_HASH) + _HASH_BYTES
    if not (tail.startswith(_HASH) and tail.startswith(_PREV_HASH, prev_at) and tail.startswith(_SEQ, seq_at)):
        return None
    seal = Seal(
        int.from_bytes(tail[seq_at + len(_SEQ) : -1], "little"),
        tail[seq_at - _HASH_BYTES : seq_at],
        tail[len(_HASH) : prev_at],
    )
    return document[_LENGTH:-_SEAL_BYTES], seal
