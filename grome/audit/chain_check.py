"""Recompute the chain of records and compare it with signed heads. No I/O."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from grome.audit.sealed_records import is_ours, split_record
from grome.infrastructure.mongo.client import decode_bson, split_batch
from grome.infrastructure.mongo.hash_chain import GENESIS, Seal, next_seal
from grome.infrastructure.secret_keys import Macs

MAX_FINDINGS: Final = 100


class Flaw(StrEnum):
    """The ways in which the stored trail can differ from the trail that Grome wrote."""

    EDITED = "edited"
    REMOVED = "removed"
    REPLACED = "replaced"
    FORGED = "forged"
    OTHER_HEAD = "other_head"
    EDITED_HEAD = "edited_head"
    REMOVED_HEAD = "removed_head"
    OUTSIDE = "outside"


class Finding(Struct, frozen=True):
    flaw: Flaw
    detail: str


class Findings:
    """Counts all findings; only the first hundred are kept."""

    def __init__(self) -> None:
        self.kept: list[Finding] = []
        self.count = 0

    def report(self, flaw: Flaw, detail: str) -> None:
        self.count += 1
        if len(self.kept) < MAX_FINDINGS:
            self.kept.append(Finding(flaw, detail))


class ChainCheck:
    """Accepts consecutive records in their order, as batches of bytes.

    `known` maps numbers of records to hashes that are known from heads. Records after the number `signed` must carry a
    valid HMAC, because no signed head covers them.
    """

    def __init__(self, known: Mapping[int, bytes], signed: int, macs: Macs, start: Seal = GENESIS) -> None:
        self.findings = Findings()
        self.last = start
        self.count = 0
        self._known, self._signed, self._macs = known, signed, macs

    def add(self, batch: bytes) -> None:
        """Check a batch."""
        for document in split_batch(batch):
            self._check(document)
            self.count += 1

    def finish(self, end: int) -> None:
        """Check that the records reach the number `end`, and the numbers of all heads."""
        end = max(end, *self._known, 0)
        if end > self.last.seq:
            self.findings.report(Flaw.REMOVED, f"records {self.last.seq + 1} to {end} are missing at the end")

    def _check(self, document: bytes) -> None:
        split = split_record(document)
        if split is None:
            fields = decode_bson(document)
            self.findings.report(Flaw.EDITED, f"record {fields['seq']} has fields that Grome did not write")
            self.last = Seal(fields["seq"], fields.get("prev_hash", b""), fields.get("hash", b""))
            return
        content, seal = split
        last, self.last = self.last, seal
        if seal.seq != last.seq + 1:
            self.findings.report(Flaw.REMOVED, f"records {last.seq + 1} to {seal.seq - 1} are missing")
            last = Seal(seal.seq - 1, b"", seal.prev_hash)
        elif seal.prev_hash != last.hash:
            self.findings.report(Flaw.REPLACED, f"record {seal.seq} does not follow the record before it")
            last = Seal(last.seq, b"", seal.prev_hash)
        if next_seal(last, content).hash != seal.hash:
            self.findings.report(Flaw.EDITED, f"record {seal.seq} has changed since it was written")
        elif seal.seq > self._signed and not is_ours(last, content, self._macs):
            self.findings.report(Flaw.FORGED, f"record {seal.seq} was not written by Grome")
        if self._known.get(seal.seq, seal.hash) != seal.hash:
            self.findings.report(Flaw.OTHER_HEAD, f"the hash of record {seal.seq} is not the signed or noted hash")
