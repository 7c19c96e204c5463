"""The bytes of records in the chain: each has an HMAC and a seal. No I/O.

The hash of a seal needs no key, so that anybody can check the chain against a signed head. The HMAC shows that Grome
made a record that no signed head covers yet.
"""

from typing import Final, NamedTuple

from grome.audit.models import AuditRecord
from grome.infrastructure.mongo.client import encode_bson, to_document
from grome.infrastructure.mongo.hash_chain import Seal, join_seal, next_seal, split_seal, unsealed_content
from grome.infrastructure.secret_keys import KEY_BYTES, Macs

_MAC_HEAD: Final = b"\x05mac\x00" + KEY_BYTES.to_bytes(4, "little") + b"\x00"  # bsonspec.org: length and subtype
_MAC_LENGTH: Final = len(_MAC_HEAD) + KEY_BYTES


class SealedRecord(NamedTuple):
    content: bytes
    seal: Seal


def encode_record(record: AuditRecord) -> bytes:
    """Return the bytes of a record, to be sealed."""
    return unsealed_content(encode_bson(to_document(record)))


def seal_record(last: Seal, encoded: bytes, macs: Macs) -> tuple[Seal, bytes]:
    """Return the seal of the record after `last`, and the bytes of the document."""
    content = encoded + _MAC_HEAD + macs.sign(_signed(last, encoded))
    seal = next_seal(last, content)
    return seal, join_seal(content, seal)


def split_record(document: bytes) -> SealedRecord | None:
    """Return None if the fields of the seal are not where they belong."""
    split = split_seal(document)
    return SealedRecord(*split) if split else None


def is_ours(last: Seal, content: bytes, macs: Macs) -> bool:
    """Return whether Grome made the record after `last`. Only keys that are still in use can tell."""
    encoded, head, mac = content[:-_MAC_LENGTH], content[-_MAC_LENGTH:-KEY_BYTES], content[-KEY_BYTES:]
    return head == _MAC_HEAD and macs.is_signed(_signed(last, encoded), mac)


def _signed(last: Seal, encoded: bytes) -> bytes:
    return last.hash + last.seq.to_bytes(8, "big") + encoded
