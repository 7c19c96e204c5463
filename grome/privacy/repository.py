"""Store exports and marks of the retention in MongoDB. A unique index allows one open export a person."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from pymongo import IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from grome.infrastructure.mongo.client import CollectionSpec, Database, Document, from_document, to_document
from grome.infrastructure.mongo.schema import validator_for
from grome.privacy.models import Export, ExportEvent, RetentionMark

_OPEN = {"is_open": True}
COLLECTION = CollectionSpec(
    "exports",
    validator_for(Export),
    [
        IndexModel("user_id", name="one_open", unique=True, partialFilterExpression=_OPEN),
        IndexModel([("user_id", 1), ("_id", -1)], name="newest"),
        IndexModel("created_at", name="open", partialFilterExpression=_OPEN),
        IndexModel("expires_at", name="expiry"),
    ],
)
MARKS = CollectionSpec("retention_marks", validator_for(RetentionMark), [])


class AfterExport(Struct, frozen=True, forbid_unknown_fields=True):
    """The position at which a page of exports ended."""

    id: UUID


class ExportRepository:
    def __init__(self, database: Database) -> None:
        self._exports = database[COLLECTION.name]

    async def add(self, export: Export) -> bool:
        """Store an export. Returns False if the person has an open export."""
        try:
            await self._exports.insert_one(to_document(export))
        except DuplicateKeyError:
            return False
        return True

    async def find_open(self, user_id: UUID) -> Export | None:
        return await self._find({"user_id": user_id, **_OPEN})

    async def find(self, user_id: UUID, export_id: UUID) -> Export | None:
        return await self._find({"_id": export_id, "user_id": user_id})

    async def find_any(self, export_id: UUID) -> Export | None:
        """Find an export of any person. Returns None if there is none."""
        return await self._find({"_id": export_id})

    async def list_page(self, user_id: UUID, after: AfterExport | None, limit: int) -> list[Export]:
        """List exports of a person, newest first."""
        wanted: Document = {"user_id": user_id, **({"_id": {"$lt": after.id}} if after else {})}
        found = self._exports.find(wanted).sort("_id", -1).limit(limit)
        return [from_document(document, Export) async for document in found]

    async def update_open(
        self, export_id: UUID, fields: Mapping[str, Any], event: ExportEvent | None = None
    ) -> Export | None:
        """Update an open export, and record the event. Returns None if the export has ended or is gone."""
        push = {"$push": {"outbox": to_document(event)}} if event else {}
        document = await self._exports.find_one_and_update(
            {"_id": export_id, **_OPEN}, {"$set": dict(fields), **push}, return_document=ReturnDocument.AFTER
        )
        return from_document(document, Export) if document else None

    async def remove(self, export_id: UUID) -> None:
        await self._exports.delete_one({"_id": export_id})

    async def list_open_before(self, moment: datetime, after: UUID | None, limit: int) -> list[UUID]:
        """List the ids of open exports created before the moment, oldest first."""
        return await self._ids({**_OPEN, "created_at": {"$lt": moment}}, after, limit)

    async def list_expired(self, now: datetime, after: UUID | None, limit: int) -> list[UUID]:
        """List the ids of exports that have expired, oldest first."""
        return await self._ids({"expires_at": {"$lte": now}}, after, limit)

    async def existing_ids(self, export_ids: Collection[UUID]) -> set[UUID]:
        found = self._exports.find({"_id": {"$in": list(export_ids)}}, {"_id": 1})
        return {document["_id"] async for document in found}

    async def _find(self, wanted: Document) -> Export | None:
        document = await self._exports.find_one(wanted)
        return from_document(document, Export) if document else None

    async def _ids(self, wanted: Document, after: UUID | None, limit: int) -> list[UUID]:
        behind = {"_id": {"$gt": after}} if after else {}
        found = self._exports.find({**wanted, **behind}, {"_id": 1}).sort("_id", 1).limit(limit)
        return [document["_id"] async for document in found]


class RetentionMarks:
    def __init__(self, database: Database) -> None:
        self._marks = database[MARKS.name]

    async def find(self, name: str) -> datetime | None:
        document = await self._marks.find_one({"_id": name})
        return from_document(document, RetentionMark).until if document else None

    async def put(self, name: str, until: datetime) -> None:
        """Advance the mark; it never moves back, so that concurrent runs are safe."""
        await self._marks.update_one({"_id": name}, {"$max": {"until": until}}, upsert=True)
