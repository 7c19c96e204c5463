"""Remove personal values from outbox entries. They are for the audit trail, which has recorded them by then."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from grome.infrastructure.isolated_items import for_each
from grome.infrastructure.mongo.client import Collection as DocumentCollection
from grome.infrastructure.mongo.client import Database, Document
from grome.infrastructure.outbox.models import (
    ADJUSTMENTS,
    BOOKINGS,
    COMMISSIONS,
    FACTORS,
    FINDINGS,
    MESSAGE_REPORTS,
    OUTBOXES,
    PAYMENTS,
    PAYOUT_ACCOUNTS,
    PAYOUTS,
    PROMOS,
    REVIEWS,
    USERS,
    VERIFICATIONS,
)

# The fields, each with an index, that name the accounts of a document.
_SIDES: Final = {
    BOOKINGS: ("customer_id", "barber_id"),
    PAYMENTS: ("customer_id", "barber_id"),
    REVIEWS: ("customer_id", "barber_id"),
    PAYOUTS: ("barber_id",),
    USERS: ("_id",),
}
# The collections with outbox entries by the family of their events. The other ones with addresses expire in 90 days.
_COLLECTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "account": (USERS, FACTORS),
    "adjustment": (ADJUSTMENTS,),
    "barber": (COMMISSIONS,),
    "booking": (BOOKINGS,),
    "finding": (FINDINGS,),
    "message_report": (MESSAGE_REPORTS,),
    "payment": (PAYMENTS,),
    "payout": (PAYOUTS, PAYOUT_ACCOUNTS),
    "promo": (PROMOS,),
    "review": (REVIEWS,),
    "verification": (VERIFICATIONS,),
}
WITH_ADDRESSES: Final = frozenset(name for names in _COLLECTIONS.values() for name in names)
_PERSONAL: Final = ("origin", "reason", "changes")
_ATTEMPTS: Final = 8


NamesPersonal = Callable[[Mapping[str, Any]], list[str]]


class PersonalEntries:
    """Removes values of outbox entries: of a deleted person, or of an age.

    Of a person it removes the origins of the actions, and the values in the entries of the account. Origins of an
    admin's actions on documents of others stay until they are old.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def erase(self, person_id: UUID) -> None:
        """Erase the values of a person. A repeat is harmless."""
        for name, fields in _SIDES.items():
            outbox, collection = OUTBOXES[name], self._database[name]
            find_names = _find_all if name == USERS else _find_origin_by(person_id)
            for field in fields:
                owned = {field: person_id, outbox: {"$ne": []}}
                async for document in collection.find(owned, {outbox: 1}):
                    await _erase(collection, document, outbox, find_names)

    async def erase_addresses(self, family: str, ids: Collection[UUID], before: datetime) -> None:
        """Erase the addresses in entries from before a moment, in the documents that events of a family are about."""
        find_names = _find_address_before(before)
        for name in _COLLECTIONS.get(family, ()):
            outbox, collection = OUTBOXES[name], self._database[name]
            found = await collection.find({"_id": {"$in": list(ids)}}, {outbox: 1}).to_list()

            async def erase(
                document: Document, collection: DocumentCollection = collection, outbox: str = outbox
            ) -> None:
                await _erase(collection, document, outbox, find_names)

            await for_each(found, erase, name="erase_addresses")


async def _erase(collection: DocumentCollection, document: Document, outbox: str, find_names: NamesPersonal) -> None:
    """Remove the fields that `find_names` returns for each entry.

    The paths name the positions: for an update of several entries by a filter the change stream reports the whole
    array, and all its events would be dispatched again. The ids show that no entry has moved meanwhile.
    """
    read: Document | None = document
    for _ in range(_ATTEMPTS):
        entries = enumerate(read.get(outbox, ()) if read else ())
        found = {at: names for at, entry in entries if (names := find_names(entry))}
        if not read or not found:
            return
        unmoved = {f"{outbox}.{at}.id": read[outbox][at]["id"] for at in found}
        removed = {f"{outbox}.{at}.{name}": "" for at, names in found.items() for name in names}
        if (await collection.update_one({"_id": read["_id"], **unmoved}, {"$unset": removed})).matched_count:
            return
        read = await collection.find_one({"_id": read["_id"]}, {outbox: 1})


def _find_all(entry: Mapping[str, Any]) -> list[str]:
    return [name for name in _PERSONAL if entry.get(name)]


def _find_origin_by(actor_id: UUID) -> NamesPersonal:
    return lambda entry: ["origin"] if entry.get("origin") and entry.get("actor_id") == actor_id else []


def _find_address_before(before: datetime) -> NamesPersonal:
    def find(entry: Mapping[str, Any]) -> list[str]:
        has_address = (entry.get("origin") or {}).get("address") is not None
        return ["origin.address"] if has_address and entry["at"] < before else []

    return find
