"""Store promos and their uses in MongoDB. The unique indexes on the seats of uses enforce the limits."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final, cast
from uuid import UUID, uuid5

import msgspec
from msgspec import Struct
from pymongo import IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from grome.infrastructure.mongo.client import CollectionSpec, Database, Document, from_document, to_document
from grome.infrastructure.mongo.numbered_documents import insert_with_free_number
from grome.infrastructure.mongo.schema import validator_for
from grome.infrastructure.mongo.transactions import Transaction, Transactions
from grome.promos.errors import PromoExists, TooManyPromos
from grome.promos.models import (
    MAX_PROMO_OUTBOX,
    MAX_PROMOS_PER_BARBER,
    MAX_QUOTE_HOLD,
    HoldWindow,
    Promo,
    PromoEntry,
    PromoUse,
)

PROMOS: Final = CollectionSpec(
    "promos",
    validator_for(Promo),
    [
        IndexModel([("owner_id", 1), ("code", 1)], name="code", unique=True),
        IndexModel([("owner_id", 1), ("_id", -1)], name="newest"),
        # Enforces the limit of promos per barber.
        IndexModel(
            [("owner_id", 1), ("place", 1)],
            name="place",
            unique=True,
            partialFilterExpression={"place": {"$type": "number"}},
        ),
    ],
)
ONE_HOLD: Final = IndexModel(
    [("promo_id", 1), ("customer_id", 1)], name="one_hold", unique=True, partialFilterExpression={"firm": False}
)
# One insert claims both of its seats, or neither.
USES: Final = CollectionSpec(
    "promo_uses",
    validator_for(PromoUse),
    [
        IndexModel([("promo_id", 1), ("total_seat", 1)], name="total_seat", unique=True),
        IndexModel([("promo_id", 1), ("customer_id", 1), ("customer_seat", 1)], name="customer_seat", unique=True),
        ONE_HOLD,
        IndexModel(
            [("customer_id", 1), ("first_visit_of", 1)],
            name="first_visit",
            unique=True,
            partialFilterExpression={"first_visit_of": {"$type": "binData"}},
        ),
        IndexModel("customer_id", name="customer"),
        IndexModel("held_until", name="held", partialFilterExpression={"held_until": {"$type": "date"}}),
    ],
)
HOLD_WINDOWS: Final = CollectionSpec(
    "promo_hold_windows",
    validator_for(HoldWindow),
    [IndexModel("forgotten_at", name="old", expireAfterSeconds=0)],
)
COLLECTIONS: Final = (PROMOS, USES, HOLD_WINDOWS)


class PromoCursor(Struct, frozen=True, forbid_unknown_fields=True):
    """The position at which a page of the list ended."""

    id: UUID


class LapsedUse(Struct, frozen=True):
    """A use with a hold that ended at `held_until`."""

    id: UUID
    held_until: datetime


class UseTotals(Struct, frozen=True):
    """The number and total discount of a promo's uses in one currency, either held or confirmed."""

    currency: str
    held: bool
    uses: int
    amount: int


class PromoRepository:
    def __init__(self, database: Database) -> None:
        self._promos = database[PROMOS.name]

    async def add(self, promo: Promo) -> None:
        """Store a promo. Raises PromoExists if the code is taken, and TooManyPromos if a barber has too many."""
        try:
            if promo.owner_id is None:
                await self._promos.insert_one(to_document(promo))
                return
            place = await insert_with_free_number(
                self._promos,
                lambda place: to_document(msgspec.structs.replace(promo, place=place)),
                owner={"owner_id": promo.owner_id, "place": {"$type": "number"}},
                field="place",
                limit=MAX_PROMOS_PER_BARBER,
            )
        except DuplicateKeyError:
            raise PromoExists(faults=(("code", "is taken"),)) from None
        if place is None:
            raise TooManyPromos

    async def find(self, scope: Document, promo_id: UUID) -> Promo | None:
        """Find a promo within `scope`, the filter that `managed_by` returns. Returns None if there is none."""
        document = await self._promos.find_one({**scope, "_id": promo_id})
        return from_document(document, Promo) if document else None

    async def list_by_code(self, code: str, barber_id: UUID) -> list[Promo]:
        """Return the promos that an upper-case code can mean at a barber: the barber's own, then the platform's."""
        found = self._promos.find({"owner_id": {"$in": [barber_id, None]}, "code": code}).sort("owner_id", -1)
        return [from_document(document, Promo) async for document in found]

    async def list_page(self, scope: Document, after: PromoCursor | None, limit: int, **fields: object) -> list[Promo]:
        """Return the promos with these values of `fields`, the newest first."""
        query: Document = {**scope, **fields, **({"_id": {"$lt": after.id}} if after else {})}
        found = self._promos.find(query).sort("_id", -1).limit(limit)
        return [from_document(document, Promo) async for document in found]

    async def increment_given_back(self, promo_ids: Collection[UUID]) -> None:
        await self._promos.update_many({"_id": {"$in": list(promo_ids)}}, {"$inc": {"given_back": 1}})

    async def update_if_version(self, promo: Promo, fields: Document, entry: PromoEntry) -> Promo | None:
        """Write the fields with the entry; returns None if the promo has changed since it was read."""
        unchanged = {"$in": [promo.version, *([] if promo.version else [None])]}  # None: stored before versions
        outbox = {"$each": [to_document(entry)], "$slice": -MAX_PROMO_OUTBOX}
        document = await self._promos.find_one_and_update(
            {"_id": promo.id, "version": unchanged},
            {"$set": {**fields, "version": entry.version}, "$push": {"outbox": outbox}},
            return_document=ReturnDocument.AFTER,
        )
        return from_document(document, Promo) if document else None


class PromoUseRepository:
    def __init__(self, database: Database, transactions: Transactions) -> None:
        self._uses, self._windows = database[USES.name], database[HOLD_WINDOWS.name]
        self._transactions = transactions

    async def add(self, use: PromoUse) -> bool:
        """Store a use. Returns False if a seat, the id, the customer's hold or a first visit is taken."""
        try:
            await self._uses.insert_one(to_document(use))
        except DuplicateKeyError:
            return False
        return True

    async def replace_hold(self, held: PromoUse, use: PromoUse) -> bool:
        """Replace a hold of the same customer by `use` in one transaction: no other use can take its seats.

        Returns False if the hold has changed since it was read, and if `add` would be refused.
        """

        async def swap(transaction: Transaction) -> bool:
            session = transaction.session
            if not (await self._uses.delete_one(_unchanged_filter(held), session=session)).deleted_count:
                return False
            await self._uses.insert_one(to_document(use), session=session)
            return True

        try:
            return await self._transactions.run(held.customer_id, swap)
        except DuplicateKeyError:
            return False

    async def get_hold_end(self, promo_id: UUID, customer_id: UUID, now: datetime) -> datetime:
        """Return until when a customer's quotes may hold a use of a promo; the first quote starts the period."""

        def unless_known(name: str, length: timedelta) -> Document:
            return {name: {"$cond": [{"$gt": ["$forgotten_at", now]}, f"${name}", now + length]}}

        fields = {
            "promo_id": promo_id,
            "customer_id": customer_id,
            **unless_known("ends_at", MAX_QUOTE_HOLD),
            **unless_known("forgotten_at", 2 * MAX_QUOTE_HOLD),
        }
        document = await self._windows.find_one_and_update(
            {"_id": uuid5(promo_id, customer_id.hex)},
            [{"$set": fields}],
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        return from_document(cast("Document", document), HoldWindow).ends_at  # an upsert returns a document

    async def list_first_visits(self, customer_id: UUID, first_visit_of: Sequence[UUID]) -> list[PromoUse]:
        """Return the customer's firm uses for a first visit to any of `first_visit_of`."""
        found = self._uses.find({"customer_id": customer_id, "first_visit_of": {"$in": list(first_visit_of)}})
        return [from_document(document, PromoUse) async for document in found]

    async def find(self, use_id: UUID) -> PromoUse | None:
        document = await self._uses.find_one({"_id": use_id})
        return from_document(document, PromoUse) if document else None

    async def find_many(self, use_ids: Sequence[UUID]) -> list[PromoUse]:
        found = self._uses.find({"_id": {"$in": list(use_ids)}})
        return [from_document(document, PromoUse) async for document in found]

    async def list_for_customer(self, promo_id: UUID, customer_id: UUID) -> list[PromoUse]:
        """Return a customer's uses of a promo, the oldest first."""
        found = self._uses.find({"promo_id": promo_id, "customer_id": customer_id})
        return sorted([from_document(document, PromoUse) async for document in found], key=lambda use: use.at)

    async def list_lapsed_of(self, now: datetime, limit: int, promo_id: UUID) -> list[PromoUse]:
        """Return the uses of a promo with an expired hold, the earliest first."""
        query: Document = {"held_until": {"$type": "date", "$lte": now}, "promo_id": promo_id}
        found = self._uses.find(query, hint="held").sort("held_until", 1).limit(limit)
        return [from_document(document, PromoUse) async for document in found]

    async def list_lapsed(self, now: datetime, after: LapsedUse | None, limit: int) -> list[LapsedUse]:
        """Return the uses of all promos with an expired hold, the earliest first, after the use `after`."""
        query: Document = {"held_until": {"$type": "date", "$lte": now}}
        if after:
            query["held_until"]["$gte"] = after.held_until
            behind = {"held_until": after.held_until, "_id": {"$gt": after.id}}
            query["$or"] = [{"held_until": {"$gt": after.held_until}}, behind]
        fields = {"_id": 1, "held_until": 1}
        found = self._uses.find(query, fields, hint="held").sort([("held_until", 1), ("_id", 1)]).limit(limit)
        return [LapsedUse(document["_id"], document["held_until"]) async for document in found]

    async def make_firm(self, use: PromoUse, held_until: datetime, first_visit_of: Sequence[UUID]) -> bool:
        """Make a use firm, and hold it until `held_until`.

        Returns False if the use has changed since it was read, or if the first visit is taken.
        """
        fields = {"held_until": held_until, "firm": True, "first_visit_of": list(first_visit_of)}
        try:
            done = await self._uses.update_one(_unchanged_filter(use), {"$set": fields})
        except DuplicateKeyError:
            return False
        return done.matched_count == 1

    async def confirm(self, use_id: UUID, *, is_visit: bool = True) -> None:
        """Confirm a use for good. If its booking was cancelled, the use is no longer a first visit."""
        of_none: Document = {} if is_visit else {"first_visit_of": []}
        await self._uses.update_one({"_id": use_id}, {"$set": {"held_until": None, "firm": True, **of_none}})

    async def remove(self, use_id: UUID) -> bool:
        return (await self._uses.delete_one({"_id": use_id})).deleted_count == 1

    async def remove_if_unchanged(self, use: PromoUse) -> bool:
        """Remove a use. Returns False if it was confirmed or held anew since it was read."""
        return (await self._uses.delete_one(_unchanged_filter(use))).deleted_count == 1

    async def count_slots(self, promo_id: UUID, first: int, end: int | None = None) -> int:
        """Count the taken total seats in [first, end), or from `first` on, by the index alone."""
        span = {"$gte": first} if end is None else {"$gte": first, "$lt": end}
        return await self._uses.count_documents({"promo_id": promo_id, "total_seat": span}, hint="total_seat")

    async def taken_slots(self, promo_id: UUID, first: int, end: int) -> set[int]:
        """Return the taken total seats in [first, end), by the index alone."""
        span = {"promo_id": promo_id, "total_seat": {"$gte": first, "$lt": end}}
        found = self._uses.find(span, {"_id": 0, "total_seat": 1}, hint="total_seat")
        return {document["total_seat"] async for document in found}

    async def list_totals(self, promo_id: UUID) -> list[UseTotals]:
        held = {"$ne": ["$held_until", None]}
        found = await self._uses.aggregate(
            [
                {"$match": {"promo_id": promo_id}},
                {
                    "$group": {
                        "_id": {"currency": "$currency", "held": held},
                        "uses": {"$sum": 1},
                        "amount": {"$sum": "$amount"},
                    }
                },
                {"$replaceWith": {"$mergeObjects": ["$_id", {"uses": "$uses", "amount": "$amount"}]}},
                {"$sort": {"currency": 1}},
            ]
        )
        return [msgspec.convert(document, UseTotals) async for document in found]

    async def count_customers(self, promo_id: UUID) -> int:
        """Count the different customers with confirmed uses."""
        found = await self._uses.aggregate(
            [
                {"$match": {"promo_id": promo_id, "held_until": None}},
                {"$group": {"_id": "$customer_id"}},
                {"$count": "customers"},
            ]
        )
        counted = await found.to_list()
        return int(counted[0]["customers"]) if counted else 0


def _unchanged_filter(use: PromoUse) -> Document:
    return {"_id": use.id, "held_until": use.held_until, "firm": use.firm}
