"""The catalogue in MongoDB."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct
from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError

from grome.catalogue.errors import ServiceExists
from grome.catalogue.models import Service
from grome.common.mongo import CollectionSpec, Database, Document, from_document, insert_missing, to_document
from grome.common.mongo_schema import validator_for

COLLECTION = CollectionSpec(
    "services",
    validator_for(Service),
    [
        IndexModel("name", name="name", unique=True),
        IndexModel([("category", 1), ("name", 1)], name="category"),
        IndexModel(
            [("name", "text"), ("category", "text"), ("description", "text")],
            name="words",
            weights={"name": 10, "category": 4, "description": 1},
            default_language="english",
            # A document field named `language` would else be taken for the text's language.
            language_override="text_language",
        ),
    ],
)


class AfterName(Struct, frozen=True):
    """Where a page of the plain list ended; names are unique."""

    name: str


class AfterScore(Struct, frozen=True):
    """Where a page of search results ended."""

    score: float
    id: UUID


class ServiceRepository:
    def __init__(self, database: Database) -> None:
        self._services = database[COLLECTION.name]

    async def add(self, service: Service) -> None:
        try:
            await self._services.insert_one(to_document(service))
        except DuplicateKeyError:
            raise ServiceExists(faults=(("name", "is in the catalogue already"),)) from None

    async def add_many(self, services: Sequence[Service]) -> int:
        """Add those whose id and name are free and leave the rest; returns how many were added."""
        return await insert_missing(self._services, [to_document(service) for service in services])

    async def find(self, service_id: UUID) -> Service | None:
        document = await self._services.find_one({"_id": service_id})
        return from_document(document, Service) if document else None

    async def find_all(self, ids: Collection[UUID]) -> dict[UUID, Service]:
        found = self._services.find({"_id": {"$in": list(ids)}})
        return {document["_id"]: from_document(document, Service) async for document in found}

    async def by_name(self, category: str | None, after: AfterName | None, limit: int) -> list[Service]:
        wanted: Document = {"category": category} if category else {}
        if after:
            wanted["name"] = {"$gt": after.name}
        found = self._services.find(wanted).sort("name", 1).limit(limit)
        return [from_document(document, Service) async for document in found]

    async def search(
        self, words: str, category: str | None, after: AfterScore | None, limit: int
    ) -> list[tuple[Service, float]]:
        """The best matches first, with their text score."""
        wanted: Document = {"$text": {"$search": words}}
        if category:
            wanted["category"] = category
        stages: list[dict[str, Any]] = [{"$match": wanted}, {"$set": {"score": {"$meta": "textScore"}}}]
        if after:
            beyond = [{"score": {"$lt": after.score}}, {"score": after.score, "_id": {"$gt": after.id}}]
            stages.append({"$match": {"$or": beyond}})
        stages += [{"$sort": {"score": -1, "_id": 1}}, {"$limit": limit}]
        found = await self._services.aggregate(stages)
        return [(from_document(document, Service), document["score"]) async for document in found]
