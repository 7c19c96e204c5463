"""Recompute the chain of sealed entries and their totals. No I/O."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from grome.infrastructure.mongo.client import decode_batch, split_batch
from grome.infrastructure.mongo.hash_chain import GENESIS, Seal, next_seal, split_seal
from grome.ledger.models import AccountBalance, Total
from grome.ledger.totals import add_to_totals

MAX_FINDINGS: Final = 100


class Flaw(StrEnum):
    """The ways in which stored entries can differ from the entries that were sealed."""

    EDITED = "edited"
    REMOVED = "removed"
    REPLACED = "replaced"
    UNBALANCED = "unbalanced"
    WRONG_TOTAL = "wrong_total"
    OTHER_HEAD = "other_head"


class Finding(Struct, frozen=True):
    flaw: Flaw
    detail: str


class ChainCheck:
    """Accepts all sealed entries in their order, as batches of bytes.

    `noted` is a seal that was noted outside the database: even a chain that was recomputed as a whole differs from it.
    """

    def __init__(self, noted: tuple[int, bytes] | None = None) -> None:
        self.findings: list[Finding] = []
        self.flaws = Counter[Flaw]()
        self.last = GENESIS
        self.count = 0
        self._noted_seq, self._noted_hash = noted or (0, GENESIS.hash)
        self._totals: defaultdict[Total, int] = defaultdict(int)

    def add(self, batch: bytes) -> None:
        """Check a batch."""
        documents = list(split_batch(batch))
        entries = decode_batch(batch)
        for raw, entry in zip(documents, entries, strict=True):
            split = split_seal(raw)
            if split is None:
                self.report(
                    Flaw.EDITED, f"{entry['_id']} has fields behind its seal, or fields of the seal are missing"
                )
                self.last = Seal(entry["seq"], entry.get("prev_hash", b""), entry.get("hash", b""))
            else:
                self._follow(split[0], split[1], entry["_id"])
            if sum(line["amount"] for line in entry["lines"]):
                self.report(Flaw.UNBALANCED, f"the lines of {entry['_id']} do not add up to 0")
        self.count += len(documents)
        add_to_totals(self._totals, entries)

    def finish(self, head: Seal, stored: Iterable[AccountBalance], last_total: int) -> None:
        """Compare the results with the stored totals, the newest of which contains the entries up to `last_total`."""
        if last_total > self.last.seq:
            self.report(Flaw.REMOVED, f"entries {self.last.seq + 1} to {last_total} are missing at the end")
        if self._noted_seq > self.last.seq:
            self.report(Flaw.OTHER_HEAD, f"the chain ends at {head.seq}, before the noted {self._noted_seq}")
        sums = {(one.account, one.currency): one.amount for one in stored}
        for (name, currency), computed, told in _differences(self._totals, sums):
            self.report(Flaw.WRONG_TOTAL, f"{name} in {currency}: the entries add up to {computed}, stored is {told}")

    def report(self, flaw: Flaw, detail: str) -> None:
        """Count a finding; only the first hundred are kept."""
        self.flaws[flaw] += 1
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(flaw, detail))

    def _follow(self, content: bytes, seal: Seal, entry_id: str) -> None:
        last, self.last = self.last, seal
        if seal.seq != last.seq + 1:
            self.report(Flaw.REMOVED, f"entries {last.seq + 1} to {seal.seq - 1} are missing before {entry_id}")
            last = Seal(seal.seq - 1, b"", seal.prev_hash)
        elif seal.prev_hash != last.hash:
            self.report(Flaw.REPLACED, f"{entry_id} or the entry before it is not the entry that was sealed")
            last = Seal(last.seq, b"", seal.prev_hash)
        if next_seal(last, content).hash != seal.hash:
            self.report(Flaw.EDITED, f"{entry_id} has changed since it was sealed")
        if seal.seq == self._noted_seq and seal.hash != self._noted_hash:
            self.report(Flaw.OTHER_HEAD, f"the hash of entry {seal.seq} is not the noted hash")


def _differences(computed: Mapping[Total, int], stored: Mapping[Total, int]) -> Iterable[tuple[Total, int, int]]:
    for total in sorted({*computed, *stored}):
        if computed.get(total, 0) != stored.get(total, 0):
            yield total, computed.get(total, 0), stored.get(total, 0)
