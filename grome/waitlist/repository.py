"""The waitlist in MongoDB."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct
from pymongo import IndexModel, ReturnDocument

from grome.common.mongo import CollectionSpec, Database, Document, from_document, to_document
from grome.common.mongo_schema import validator_for
from grome.waitlist.models import MOST_PASSED, OPEN, Entry, Freed, Passed, State

COLLECTION = CollectionSpec(
    "waitlist",
    validator_for(Entry),
    [
        IndexModel([("customer_id", 1), ("joined_at", -1), ("_id", -1)], name="customer"),
        IndexModel([("barber_id", 1), ("state", 1), ("joined_at", 1), ("_id", 1)], name="barber"),
        IndexModel([("area.location", "2dsphere"), ("state", 1)], name="area"),
        IndexModel("booking_id", name="booking", partialFilterExpression={"state": State.OFFERED.value}),
        IndexModel([("state", 1), ("latest", 1)], name="over"),
    ],
)
_FARTHEST_M: Final = 50_000
_ASKED: Final = {"state": State.WAITING.value}
# The order in which people are asked, and how many of them because of one freed time.
_TURN: Final = {"unanswered": 1, "joined_at": 1, "_id": 1}
_MOST_ASKED: Final = 200


class AfterEntry(Struct, frozen=True):
    """Where a page of a list ended."""

    joined_at: Annotated[datetime, Meta(tz=True)]
    id: UUID


class WaitlistRepository:
    def __init__(self, database: Database) -> None:
        self._entries = database[COLLECTION.name]

    async def add(self, entry: Entry) -> None:
        await self._entries.insert_one(to_document(entry))

    async def count_open(self, customer_id: UUID) -> int:
        states = [state.value for state in OPEN]
        return await self._entries.count_documents({"customer_id": customer_id, "state": {"$in": states}})

    async def find(self, customer_id: UUID, entry_id: UUID) -> Entry | None:
        document = await self._entries.find_one({"_id": entry_id, "customer_id": customer_id})
        return from_document(document, Entry) if document else None

    async def page(self, customer_id: UUID, state: State | None, after: AfterEntry | None, limit: int) -> list[Entry]:
        """Latest first."""
        wanted: Document = {"customer_id": customer_id, **({"state": state.value} if state else {})}
        if after:
            wanted["$or"] = [
                {"joined_at": {"$lt": after.joined_at}},
                {"joined_at": after.joined_at, "_id": {"$lt": after.id}},
            ]
        found = self._entries.find(wanted).sort([("joined_at", -1), ("_id", -1)]).limit(limit)
        return [from_document(document, Entry) async for document in found]

    async def waiting_for(self, barber_id: UUID, after: AfterEntry | None, limit: int) -> list[Entry]:
        """Those who wait for this very barber, who joined first in front."""
        wanted: Document = {"barber_id": barber_id, **_ASKED}
        if after:
            wanted["$or"] = [
                {"joined_at": {"$gt": after.joined_at}},
                {"joined_at": after.joined_at, "_id": {"$gt": after.id}},
            ]
        found = self._entries.find(wanted).sort([("joined_at", 1), ("_id", 1)]).limit(limit)
        return [from_document(document, Entry) async for document in found]

    async def matching(self, freed: Freed) -> list[Entry]:
        """Whose window the freed time touches, at this barber or in an area around, in the order of their turns."""
        touches: Document = {**_ASKED, "earliest": {"$lt": freed.end}, "latest": {"$gt": freed.start}}
        by_name = self._entries.find({"barber_id": freed.barber.id, **touches}).sort(_TURN).limit(_MOST_ASKED)
        near = {
            "near": to_document(freed.barber.location),
            "distanceField": "distance_m",
            "maxDistance": _FARTHEST_M,
            "key": "area.location",
            "query": touches,
        }
        reaches = {"$expr": {"$lte": ["$distance_m", {"$multiply": ["$area.radius_km", 1000]}]}}
        by_area = await self._entries.aggregate(
            [{"$geoNear": near}, {"$match": reaches}, {"$sort": _TURN}, {"$limit": _MOST_ASKED}]
        )
        found = [*await by_name.to_list(), *await by_area.to_list()]
        entries = [from_document(document, Entry) for document in found]
        return sorted(entries, key=lambda entry: (entry.unanswered, entry.joined_at, entry.id))

    async def offer(self, entry: Entry, booking_id: UUID, now: datetime) -> bool:
        """From waiting to offered; False where the entry does not wait any more."""
        return await self._move({"_id": entry.id, **_ASKED}, State.OFFERED, booking_id=booking_id, offered_at=now)

    async def withdraw(self, booking_id: UUID) -> None:
        """Back to waiting, as if nothing had been offered: the booking did not come about."""
        await self._move(_offered(booking_id), State.WAITING, booking_id=None, offered_at=None)

    async def pass_over(self, booking_id: UUID, passed: Passed, state: State, *, unanswered: bool) -> None:
        await self._entries.update_one(
            _offered(booking_id),
            {
                "$set": {"state": state.value, "booking_id": None, "offered_at": None},
                "$push": {"passed": {"$each": [to_document(passed)], "$slice": -MOST_PASSED}},
                "$inc": {"unanswered": int(unanswered)},
            },
        )

    async def settle(self, booking_id: UUID) -> None:
        await self._move(_offered(booking_id), State.BOOKED)

    async def leave(self, entry: Entry) -> Entry | None:
        """None where it is not as it was read."""
        document = await self._entries.find_one_and_update(
            {"_id": entry.id, "state": entry.state.value, "booking_id": entry.booking_id},
            {"$set": {"state": State.LEFT.value}},
            return_document=ReturnDocument.AFTER,
        )
        return from_document(document, Entry) if document else None

    async def offered_to(self, booking_id: UUID) -> Entry | None:
        document = await self._entries.find_one(_offered(booking_id))
        return from_document(document, Entry) if document else None

    async def offered_before(self, moment: datetime, limit: int) -> list[Entry]:
        found = self._entries.find({"state": State.OFFERED.value, "offered_at": {"$lte": moment}}).limit(limit)
        return [from_document(document, Entry) async for document in found]

    async def end_over(self, now: datetime) -> int:
        """Those whose window is over wait no more."""
        ended = await self._entries.update_many(
            {**_ASKED, "latest": {"$lte": now}}, {"$set": {"state": State.LAPSED.value}}
        )
        return ended.modified_count

    async def _move(self, wanted: Document, state: State, **fields: object) -> bool:
        moved = await self._entries.update_one(wanted, {"$set": {"state": state.value, **fields}})
        return moved.modified_count == 1


def _offered(booking_id: UUID) -> Document:
    return {"booking_id": booking_id, "state": State.OFFERED.value}
