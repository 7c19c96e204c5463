"""Store waitlist entries in MongoDB."""

from collections.abc import Collection
from datetime import datetime
from enum import Enum, auto
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct, structs
from pymongo import IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from grome.infrastructure.isolated_items import decode_each
from grome.infrastructure.mongo.client import CollectionSpec, Database, Document, from_document, to_document
from grome.infrastructure.mongo.numbered_documents import insert_with_free_number
from grome.infrastructure.mongo.schema import validator_for
from grome.waitlist.models import (
    ENDED_RETENTION,
    MAX_DECLINED_SLOTS,
    MAX_OPEN_ENTRIES,
    MAX_RADIUS_KM,
    MAX_UNANSWERED,
    OPEN_STATES,
    OfferEnd,
    State,
    Turn,
    WaitlistEntry,
)

_OPEN: Final = sorted(state.value for state in OPEN_STATES)
# Entries of the previous release have no place, and do not count towards the limits.
_HOLDS_PLACE: Final[Document] = {"state": {"$in": _OPEN}, "place": {"$type": "number"}}
_RETENTION_SECONDS: Final = int(ENDED_RETENTION.total_seconds())
COLLECTION = CollectionSpec(
    "waitlist",
    validator_for(WaitlistEntry),
    [
        IndexModel([("customer_id", 1), ("joined_at", -1), ("_id", -1)], name="customer"),
        IndexModel([("barber_id", 1), ("state", 1), ("joined_at", 1), ("_id", 1)], name="barber"),
        # In the order of offers, with the window, so that a long list is filtered in the index.
        IndexModel(
            [
                *(("barber_id", 1), ("state", 1), ("unanswered", 1), ("joined_at", 1), ("_id", 1)),
                *(("earliest", 1), ("latest", 1)),
            ],
            name="turn",
        ),
        IndexModel([("area.location", "2dsphere"), ("state", 1)], name="area"),
        IndexModel("booking_id", name="booking", partialFilterExpression={"state": State.OFFERED.value}),
        IndexModel([("state", 1), ("latest", 1)], name="over"),
        IndexModel([("state", 1), ("_id", 1), ("barber_id", 1)], name="round"),
        # The next three enforce the limit of entries, one entry per request, and one open offer per customer.
        IndexModel([("customer_id", 1), ("place", 1)], name="place", unique=True, partialFilterExpression=_HOLDS_PLACE),
        IndexModel(
            [("customer_id", 1), ("fingerprint", 1)],
            name="wish",
            unique=True,
            partialFilterExpression={"state": {"$in": _OPEN}, "fingerprint": {"$type": "binData"}},
        ),
        IndexModel(
            "customer_id",
            name="held",
            unique=True,
            partialFilterExpression={"state": State.OFFERED.value, "place": {"$type": "number"}},
        ),
        IndexModel("ended_at", name="ended", expireAfterSeconds=_RETENTION_SECONDS),
        # Deletes entries that a process of the previous release has ended, without `ended_at`.
        IndexModel("latest", name="window_over", expireAfterSeconds=_RETENTION_SECONDS),
    ],
)
_WAITING: Final = {"state": State.WAITING.value}
_TURN: Final = {"unanswered": 1, "joined_at": 1, "_id": 1}


class EntryCursor(Struct, frozen=True):
    """The position at which a page of a list ended."""

    joined_at: Annotated[datetime, Meta(tz=True)]
    id: UUID


class MarkResult(Enum):
    """The result of marking an entry as offered."""

    MARKED = auto()
    NOT_WAITING = auto()
    HOLDS_ANOTHER = auto()


class SearchedBarber(Struct, frozen=True):
    """A barber, for matching entries: `point` is a GeoJSON document; `services` are the services on offer."""

    barber_id: UUID
    point: Document
    services: list[UUID]


class WaitlistRepository:
    def __init__(self, database: Database) -> None:
        self._entries = database[COLLECTION.name]

    async def add(self, entry: WaitlistEntry) -> WaitlistEntry | None:
        """Store an entry in a free place. Returns the open entry for the same request if there is one; None if full."""
        same = {"customer_id": entry.customer_id, "fingerprint": entry.fingerprint, "state": {"$in": _OPEN}}
        try:
            place = await insert_with_free_number(
                self._entries,
                lambda place: to_document(structs.replace(entry, place=place)),
                owner={"customer_id": entry.customer_id, **_HOLDS_PLACE},
                field="place",
                limit=MAX_OPEN_ENTRIES,
            )
        except DuplicateKeyError:
            place = None
        if place is not None:
            return structs.replace(entry, place=place)
        document = await self._entries.find_one(same)
        return from_document(document, WaitlistEntry) if document else None

    async def find(self, customer_id: UUID, entry_id: UUID) -> WaitlistEntry | None:
        document = await self._entries.find_one({"_id": entry_id, "customer_id": customer_id})
        return from_document(document, WaitlistEntry) if document else None

    async def list_page(
        self, customer_id: UUID, state: State | None, after: EntryCursor | None, limit: int
    ) -> list[WaitlistEntry]:
        """Return a customer's entries, the latest first."""
        query: Document = {"customer_id": customer_id, **({"state": state.value} if state else {})}
        if after:
            query["$or"] = [
                {"joined_at": {"$lt": after.joined_at}},
                {"joined_at": after.joined_at, "_id": {"$lt": after.id}},
            ]
        found = self._entries.find(query).sort([("joined_at", -1), ("_id", -1)]).limit(limit)
        return [from_document(document, WaitlistEntry) async for document in found]

    async def list_waiting_for(self, barber_id: UUID, after: EntryCursor | None, limit: int) -> list[WaitlistEntry]:
        """Return the entries that wait for this barber by id, in the order in which they joined."""
        query: Document = {"barber_id": barber_id, **_WAITING}
        if after:
            query["$or"] = [
                {"joined_at": {"$gt": after.joined_at}},
                {"joined_at": after.joined_at, "_id": {"$gt": after.id}},
            ]
        found = self._entries.find(query).sort([("joined_at", 1), ("_id", 1)]).limit(limit)
        return [from_document(document, WaitlistEntry) async for document in found]

    async def list_candidates(
        self,
        around: SearchedBarber,
        window: tuple[datetime, datetime],
        customer: Document | None,
        after: Turn | None,
        limit: int,
    ) -> tuple[list[WaitlistEntry], Turn | None]:
        """Return the next entries in order that wait for the barber's services, at the barber or in an area around.

        `window` is the time that an entry's window must touch; `customer` is a condition on its customer's id. Also
        returns the turn behind which there may be more entries, or None.
        """
        start, end = window
        query: Document = {
            **_WAITING,
            "earliest": {"$lt": end},
            "latest": {"$gt": start},
            "service_ids": {"$not": {"$elemMatch": {"$nin": around.services}}},
        }
        if customer is not None:
            query["customer_id"] = customer
        if after:
            ahead = {"unanswered": after.unanswered, "joined_at": after.joined_at}
            query["$or"] = [
                {"unanswered": {"$gt": after.unanswered}},
                {"unanswered": after.unanswered, "joined_at": {"$gt": after.joined_at}},
                {**ahead, "_id": {"$gt": after.id}},
            ]
        by_name = self._entries.find({"barber_id": around.barber_id, **query}, hint="turn").sort(_TURN).limit(limit)
        near = {
            "near": around.point,
            "distanceField": "distance_m",
            "maxDistance": MAX_RADIUS_KM * 1000,
            "key": "area.location",
            "query": query,
        }
        reaches = {"$expr": {"$lte": ["$distance_m", {"$multiply": ["$area.radius_km", 1000]}]}}
        by_area = await self._entries.aggregate(
            [{"$geoNear": near}, {"$match": reaches}, {"$sort": _TURN}, {"$limit": limit}]
        )
        found = sorted([*await by_name.to_list(), *await by_area.to_list()], key=_turn_of)[:limit]
        last = _turn_of(found[-1]) if len(found) == limit else None
        return decode_each(found, WaitlistEntry, name="waitlist entry"), last

    async def mark_offered(self, entry: WaitlistEntry, booking_id: UUID, now: datetime) -> MarkResult:
        """Mark a waiting entry as offered. The index `held` refuses a customer with another open offer."""
        fields = {"state": State.OFFERED.value, "booking_id": booking_id, "offered_at": now}
        try:
            done = await self._entries.update_one({"_id": entry.id, **_WAITING}, {"$set": fields})
        except DuplicateKeyError:
            return MarkResult.HOLDS_ANOTHER
        return MarkResult.MARKED if done.modified_count else MarkResult.NOT_WAITING

    async def withdraw_offer(self, booking_id: UUID) -> None:
        """Set the entry back to waiting, as if it had no offer: the booking was not made."""
        fields = {"state": State.WAITING.value, "booking_id": None, "offered_at": None}
        await self._entries.update_one(_offered_filter(booking_id), {"$set": fields})

    async def end_offer(self, entry: WaitlistEntry, booking_id: UUID, ended: OfferEnd, now: datetime) -> None:
        """End an offer without a visit: the entry waits again, unless this was its last unanswered offer.

        The time is not offered again to any entry of the customer.
        """
        passed = to_document(ended.passed)
        push = {"passed": {"$each": [passed], "$slice": -MAX_DECLINED_SLOTS}}
        others = {"customer_id": entry.customer_id, "_id": {"$ne": entry.id}, **_WAITING}
        # The other entries come first: if the process dies in between, the next run repeats both writes.
        await self._entries.update_many({**others, "passed": {"$nin": [passed]}}, {"$push": push})
        is_last = ended.ran_out and entry.unanswered + 1 >= MAX_UNANSWERED
        over: Document = {"state": State.LAPSED.value, "ended_at": now} if is_last else {"state": State.WAITING.value}
        await self._entries.update_one(
            _offered_filter(booking_id),
            {
                "$set": {**over, "booking_id": None, "offered_at": None},
                "$push": push,
                "$inc": {"unanswered": int(ended.ran_out)},
            },
        )

    async def mark_booked(self, booking_id: UUID, now: datetime) -> None:
        """Mark the entry as booked: the visit is agreed."""
        fields = {"state": State.BOOKED.value, "ended_at": now}
        await self._entries.update_one(_offered_filter(booking_id), {"$set": fields})

    async def mark_left(self, entry: WaitlistEntry, now: datetime) -> WaitlistEntry | None:
        """Mark an entry as left. Returns None if it has changed since it was read."""
        document = await self._entries.find_one_and_update(
            {"_id": entry.id, "state": entry.state.value, "booking_id": entry.booking_id},
            {"$set": {"state": State.LEFT.value, "ended_at": now}},
            return_document=ReturnDocument.AFTER,
        )
        return from_document(document, WaitlistEntry) if document else None

    async def find_offered(self, booking_id: UUID) -> WaitlistEntry | None:
        document = await self._entries.find_one(_offered_filter(booking_id))
        return from_document(document, WaitlistEntry) if document else None

    async def find_customers_with_offer(self, customer_ids: Collection[UUID]) -> set[UUID]:
        """Return the customers among `customer_ids` that have an open offer."""
        holding = {"customer_id": {"$in": list(customer_ids)}, "state": State.OFFERED.value}
        return {document["customer_id"] async for document in self._entries.find(holding, {"customer_id": 1})}

    async def list_batch(
        self, query: Document, limit: int, after: UUID | None = None, until: UUID | None = None
    ) -> tuple[list[WaitlistEntry], UUID | None]:
        """Return the next entries by id, and the id behind which there may be more, or None.

        An entry that cannot be decoded is left out.
        """
        ids: Document = {**({"$gt": after} if after else {}), **({"$lte": until} if until else {})}
        found = self._entries.find({**query, **({"_id": ids} if ids else {})}).sort("_id", 1).limit(limit)
        documents = await found.to_list()
        last = documents[-1]["_id"] if len(documents) == limit else None
        return decode_each(documents, WaitlistEntry, name="waitlist entry"), last

    async def list_expired_ids(self, now: datetime, limit: int, after: UUID | None) -> list[UUID]:
        """Return the ids of waiting entries with a window that is over, in the order of their ids."""
        query: Document = {**_WAITING, "latest": {"$lte": now}, **({"_id": {"$gt": after}} if after else {})}
        found = self._entries.find(query, {"_id": 1}).sort("_id", 1).limit(limit)
        return [document["_id"] async for document in found]

    async def mark_lapsed(self, entry_id: UUID, now: datetime) -> None:
        fields = {"state": State.LAPSED.value, "ended_at": now}
        await self._entries.update_one({"_id": entry_id, **_WAITING}, {"$set": fields})


def _turn_of(document: Document) -> Turn:
    return Turn(document.get("unanswered", 0), document["joined_at"], document["_id"])


def _offered_filter(booking_id: UUID) -> Document:
    return {"booking_id": booking_id, "state": State.OFFERED.value}
