"""Read the entries that book movements of the balance at Stripe, and all sealed entries in their order."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from grome.infrastructure.mongo.client import Database, from_document
from grome.ledger.models import DISPUTE_FEES, STRIPE, STRIPE_FEES, Entry
from grome.ledger.repository import ENTRIES

_FEES: Final = frozenset({STRIPE_FEES, DISPUTE_FEES})


class Movement(Struct, frozen=True, kw_only=True):
    """A movement of the balance as it is booked. `ref` is the balance transaction; `net` reached the balance."""

    ref: str
    entry_id: str
    net: int
    fee: int
    currency: str
    at: datetime


class Movements:
    def __init__(self, database: Database) -> None:
        self._entries = database[ENTRIES.name]

    async def find_booked(self, refs: Sequence[str]) -> dict[str, Movement]:
        """Return the booked movements with these balance transactions."""
        found = self._entries.find({"external_ref": {"$in": list(refs)}})
        booked = [movement_of(from_document(document, Entry)) async for document in found]
        return {movement.ref: movement for movement in booked if movement}

    async def list_sealed(self, after_seq: int, limit: int) -> list[Entry]:
        """Return the entries after the number `after_seq` in the order in which they were sealed."""
        found = self._entries.find({"seq": {"$gt": after_seq}}).sort("seq", 1).limit(limit)
        return [from_document(document, Entry) async for document in found]


def movement_of(entry: Entry) -> Movement | None:
    """Return the movement that the entry books; None for an entry that moves no money at Stripe."""
    if entry.external_ref is None:
        return None
    return Movement(
        ref=entry.external_ref,
        entry_id=entry.id,
        net=sum(line.amount for line in entry.lines if line.account == STRIPE),
        fee=sum(line.amount for line in entry.lines if line.account in _FEES),
        currency=entry.currency,
        at=entry.at,
    )
