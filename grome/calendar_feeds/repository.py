"""Store calendar feeds in MongoDB, at most one document a person under the account id."""

from datetime import datetime
from uuid import UUID

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from grome.calendar_feeds.models import CalendarFeed, PublishedFeed
from grome.infrastructure.mongo.client import CollectionSpec, Database, from_document, to_document, with_weak_writes
from grome.infrastructure.mongo.schema import validator_for

COLLECTION = CollectionSpec("calendars", validator_for(CalendarFeed), [])
PUBLISHED = CollectionSpec("calendars_told", validator_for(PublishedFeed), [])


class CalendarRepository:
    def __init__(self, database: Database) -> None:
        self._feeds, self._published = database[COLLECTION.name], with_weak_writes(database[PUBLISHED.name])

    async def find(self, user_id: UUID) -> CalendarFeed | None:
        document = await self._feeds.find_one({"_id": user_id})
        return from_document(document, CalendarFeed) if document else None

    async def advance_generation(self, user_id: UUID, *, is_on: bool, now: datetime) -> CalendarFeed:
        """Increment the generation. Concurrent calls get different generations."""
        document = await self._feeds.find_one_and_update(
            {"_id": user_id},
            {"$inc": {"generation": 1}, "$set": {"is_on": is_on, "changed_at": now}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        return from_document(document or {}, CalendarFeed)  # an upsert always returns its document

    async def get_published(self, user_id: UUID) -> PublishedFeed:
        document = await self._published.find_one({"_id": user_id})
        return from_document(document, PublishedFeed) if document else PublishedFeed(id=user_id)

    async def replace_published(self, told: PublishedFeed) -> bool:
        """Replace the previous version. Returns False if a concurrent reader has replaced it."""
        before = {"_id": told.id, "version": told.version - 1}
        try:
            done = await self._published.replace_one(before, to_document(told), upsert=told.version == 1)
        except DuplicateKeyError:
            return False
        return done.matched_count == 1 or done.upserted_id is not None
