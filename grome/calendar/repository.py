"""Calendar feeds in MongoDB: of each person one document at most, found by the person's id."""

from datetime import datetime
from uuid import UUID

from pymongo import ReturnDocument

from grome.calendar.models import CalendarFeed
from grome.common.mongo import CollectionSpec, Database, from_document
from grome.common.mongo_schema import validator_for

COLLECTION = CollectionSpec("calendars", validator_for(CalendarFeed), [])


class CalendarRepository:
    def __init__(self, database: Database) -> None:
        self._feeds = database[COLLECTION.name]

    async def find(self, user_id: UUID) -> CalendarFeed | None:
        document = await self._feeds.find_one({"_id": user_id})
        return from_document(document, CalendarFeed) if document else None

    async def next_generation(self, user_id: UUID, *, is_on: bool, now: datetime) -> CalendarFeed:
        """Of two at once each gets a generation of its own."""
        document = await self._feeds.find_one_and_update(
            {"_id": user_id},
            {"$inc": {"generation": 1}, "$set": {"is_on": is_on, "changed_at": now}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        return from_document(document or {}, CalendarFeed)  # an upsert always returns its document
