"""Store walk-ins in MongoDB."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from pymongo import IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from grome.common.actor import Actor
from grome.infrastructure.mongo.access import visible_to
from grome.infrastructure.mongo.client import CollectionSpec, Database, from_document, to_document
from grome.infrastructure.mongo.schema import validator_for
from grome.walk_ins.errors import AlreadyInQueue
from grome.walk_ins.models import State, WalkIn, WalkInEvent

# The booking of a seated walk-in is kept longer.
_RETENTION: Final = timedelta(days=90)
COLLECTION = CollectionSpec(
    "walk_ins",
    validator_for(WalkIn),
    [
        IndexModel([("barber_id", 1), ("day", 1), ("state", 1), ("joined_at", 1), ("_id", 1)], name="queue"),
        IndexModel(
            [("barber_id", 1), ("day", 1), ("customer_id", 1)],
            name="once",
            unique=True,
            partialFilterExpression={"state": State.WAITING.value, "customer_id": {"$type": "binData"}},
        ),
        IndexModel([("customer_id", 1), ("joined_at", -1)], name="customer"),
        IndexModel("joined_at", name="kept", expireAfterSeconds=int(_RETENTION.total_seconds())),
    ],
)


class WalkInRepository:
    def __init__(self, database: Database) -> None:
        self._walk_ins = database[COLLECTION.name]

    async def add(self, walk_in: WalkIn) -> None:
        """Store a walk-in. Raises AlreadyInQueue if the customer waits at the barber on that day."""
        try:
            await self._walk_ins.insert_one(to_document(walk_in))
        except DuplicateKeyError:
            raise AlreadyInQueue from None

    async def list_waiting(
        self, days_of_barbers: Mapping[UUID, Sequence[date]], since: datetime, limit: int
    ) -> list[WalkIn]:
        """Return the waiting walk-ins of these days that joined after `since`, the earliest first."""
        waiting = {"state": State.WAITING.value, "joined_at": {"$gt": since}}
        queues = [
            {"barber_id": barber_id, "day": {"$in": [day.isoformat() for day in days]}, **waiting}
            for barber_id, days in days_of_barbers.items()
        ]
        query = queues[0] if len(queues) == 1 else {"$or": queues}
        found = self._walk_ins.find(query).sort([("joined_at", 1), ("_id", 1)]).limit(limit)
        return [from_document(document, WalkIn) async for document in found]

    async def find(self, actor: Actor, walk_in_id: UUID) -> WalkIn | None:
        document = await self._walk_ins.find_one({"_id": walk_in_id, **visible_to(actor)})
        return from_document(document, WalkIn) if document else None

    async def find_many(self, walk_in_ids: Collection[UUID]) -> list[WalkIn]:
        found = self._walk_ins.find({"_id": {"$in": list(walk_in_ids)}})
        return [from_document(document, WalkIn) async for document in found]

    async def list_newest(self, customer_id: UUID, limit: int) -> list[WalkIn]:
        found = self._walk_ins.find({"customer_id": customer_id}).sort("joined_at", -1).limit(limit)
        return [from_document(document, WalkIn) async for document in found]

    async def end_waiting(self, actor: Actor, walk_in_id: UUID, state: State, event: WalkInEvent) -> WalkIn | None:
        """Change a waiting walk-in to another state, with its event. Returns None if it is not waiting."""
        document = await self._walk_ins.find_one_and_update(
            {"_id": walk_in_id, "state": State.WAITING.value, **visible_to(actor)},
            {"$set": {"state": state.value}, "$push": {"outbox": to_document(event)}},
            return_document=ReturnDocument.AFTER,
        )
        return from_document(document, WalkIn) if document else None

    async def mark_seated(self, walk_in_id: UUID, booking_id: UUID, event: WalkInEvent) -> None:
        """Mark a walk-in as seated in any state, because its visit has begun. A repeat changes nothing."""
        seated = {"state": State.SEATED.value, "booking_id": booking_id}
        await self._walk_ins.update_one(
            {"_id": walk_in_id, "state": {"$ne": State.SEATED.value}},
            {"$set": seated, "$push": {"outbox": to_document(event)}},
        )
