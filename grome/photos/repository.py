"""Store portfolios in MongoDB."""

from collections.abc import Collection
from uuid import UUID

from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError

from grome.infrastructure.mongo.client import CollectionSpec, Database, from_document, to_document
from grome.infrastructure.mongo.schema import validator_for
from grome.photos.models import Portfolio

COLLECTION = CollectionSpec(
    "portfolios",
    validator_for(Portfolio),
    [IndexModel("removed", name="removed", partialFilterExpression={"removed": {"$type": "binData"}})],
)


class PortfolioRepository:
    def __init__(self, database: Database) -> None:
        self._portfolios = database[COLLECTION.name]

    async def find(self, barber_id: UUID) -> Portfolio | None:
        document = await self._portfolios.find_one({"_id": barber_id})
        return from_document(document, Portfolio) if document else None

    async def replace(self, before: Portfolio, after: Portfolio) -> bool:
        """Store a portfolio, unless the stored portfolio has another version than `before`. Returns whether it did."""
        if before.version == 0:
            try:
                await self._portfolios.insert_one(to_document(after))
            except DuplicateKeyError:
                return False
            return True
        written = await self._portfolios.replace_one({"_id": before.id, "version": before.version}, to_document(after))
        return written.matched_count == 1

    async def mark_deleted(self, barber_id: UUID, upload_ids: Collection[UUID]) -> None:
        """Forget removed uploads after the deletion of their files."""
        await self._portfolios.update_one({"_id": barber_id}, {"$pull": {"removed": {"$in": list(upload_ids)}}})

    async def list_with_removed(self, after: UUID | None, limit: int) -> list[Portfolio]:
        behind = {"_id": {"$gt": after}} if after else {}
        found = self._portfolios.find({"removed": {"$type": "binData"}, **behind}).sort("_id", 1).limit(limit)
        return [from_document(document, Portfolio) async for document in found]
