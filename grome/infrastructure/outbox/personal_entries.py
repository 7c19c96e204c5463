"""Remove personal values from outbox entries. They are for the audit trail, which has recorded them by then."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from grome.infrastructure.mongo.client import Collection, Database, Document
from grome.infrastructure.outbox.models import BOOKINGS, OUTBOXES, PAYMENTS, PAYOUTS, REVIEWS, USERS

# The fields, each with an index, that name the accounts of a document.
_SIDES: Final = {
    BOOKINGS: ("customer_id", "barber_id"),
    PAYMENTS: ("customer_id", "barber_id"),
    REVIEWS: ("customer_id", "barber_id"),
    PAYOUTS: ("barber_id",),
    USERS: ("_id",),
}
_PERSONAL: Final = ("origin", "reason", "changes")
_ATTEMPTS: Final = 8


class PersonalEntries:
    """Forgets the origins of a deleted person's actions, and the values in the entries of the account.

    Origins of an admin's actions on documents of others stay.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def erase(self, person_id: UUID) -> None:
        """Erase the values of a person. A repeat is harmless."""
        for name, fields in _SIDES.items():
            outbox, collection = OUTBOXES[name], self._database[name]
            for field in fields:
                owned = {field: person_id, outbox: {"$ne": []}}
                async for document in collection.find(owned, {outbox: 1}):
                    await _erase(collection, document, outbox, None if name == USERS else person_id)


async def _erase(collection: Collection, document: Document, outbox: str, actor_id: UUID | None) -> None:
    """Erase the entries of an actor, or all entries.

    The paths name the positions: for an update of several entries by a filter the change stream reports the whole
    array, and all its events would be dispatched again. The ids show that no entry has moved meanwhile.
    """
    read: Document | None = document
    for _ in range(_ATTEMPTS):
        entries = enumerate(read.get(outbox, ()) if read else ())
        found = {at: names for at, entry in entries if (names := _personal_names(entry, actor_id))}
        if not read or not found:
            return
        unmoved = {f"{outbox}.{at}.id": read[outbox][at]["id"] for at in found}
        removed = {f"{outbox}.{at}.{name}": "" for at, names in found.items() for name in names}
        if (await collection.update_one({"_id": read["_id"], **unmoved}, {"$unset": removed})).matched_count:
            return
        read = await collection.find_one({"_id": read["_id"]}, {outbox: 1})


def _personal_names(entry: Mapping[str, Any], actor_id: UUID | None) -> list[str]:
    if actor_id is None:
        return [name for name in _PERSONAL if entry.get(name)]
    return ["origin"] if entry.get("origin") and entry.get("actor_id") == actor_id else []
