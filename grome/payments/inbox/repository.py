"""Store events of Stripe in MongoDB."""

from datetime import datetime
from typing import Final

from pymongo import IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from grome.infrastructure.mongo.client import CollectionSpec, Database, from_document, to_document
from grome.infrastructure.mongo.schema import validator_for
from grome.payments.inbox.models import EVENT_RETENTION, Outcome, StripeEvent

STRIPE_EVENTS: Final = CollectionSpec(
    "stripe_events",
    validator_for(StripeEvent),
    [IndexModel("received_at", name="kept", expireAfterSeconds=int(EVENT_RETENTION.total_seconds()))],
)


class StripeEventRepository:
    def __init__(self, database: Database) -> None:
        self._events = database[STRIPE_EVENTS.name]

    async def insert(self, event: StripeEvent) -> bool:
        """Store an event; False if its id is known."""
        try:
            await self._events.insert_one(to_document(event))
        except DuplicateKeyError:
            return False
        return True

    async def find(self, event_id: str) -> StripeEvent | None:
        document = await self._events.find_one({"_id": event_id})
        return from_document(document, StripeEvent) if document else None

    async def begin_try(self, event_id: str) -> StripeEvent | None:
        """Count a try. Returns None if the event is processed, or is not stored any more."""
        document = await self._events.find_one_and_update(
            {"_id": event_id, "processed_at": None}, {"$inc": {"tries": 1}}, return_document=ReturnDocument.AFTER
        )
        return from_document(document, StripeEvent) if document else None

    async def end(self, event_id: str, outcome: Outcome, now: datetime) -> None:
        await self._events.update_one(
            {"_id": event_id, "processed_at": None}, {"$set": {"processed_at": now, "outcome": outcome.value}}
        )
