"""Store portfolios in MongoDB."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from pymongo import IndexModel

from grome.infrastructure.mongo.client import CollectionSpec, Database, from_document, to_document
from grome.infrastructure.mongo.schema import validator_for
from grome.photos.models import Portfolio

COLLECTION = CollectionSpec(
    "portfolios",
    validator_for(Portfolio),
    [IndexModel("tidy_at", name="tidy", partialFilterExpression={"tidy_at": {"$type": "date"}})],
)


class PortfolioRepository:
    def __init__(self, database: Database) -> None:
        self._portfolios = database[COLLECTION.name]

    async def find(self, barber_id: UUID) -> Portfolio | None:
        document = await self._portfolios.find_one({"_id": barber_id})
        return from_document(document, Portfolio) if document else None

    async def replace(self, before: Portfolio, after: Portfolio) -> bool:
        """Store a portfolio, unless the stored portfolio has another version than `before`. Returns whether it did."""
        written = await self._portfolios.replace_one({"_id": before.id, "version": before.version}, to_document(after))
        return written.matched_count == 1

    async def mark_deleted(self, barber_id: UUID, upload_ids: Collection[UUID]) -> None:
        """Forget removed uploads after the deletion of their files."""
        await self._portfolios.update_one({"_id": barber_id}, {"$pull": {"removed": {"$in": list(upload_ids)}}})

    async def mark_begun(self, barber_id: UUID, tidy_at: datetime) -> None:
        """Set `tidy_at` before uploads are claimed, also for a barber without a portfolio."""
        new = to_document(Portfolio(id=barber_id))
        first = {name: value for name, value in new.items() if name not in {"_id", "tidy_at"}}
        await self._portfolios.update_one(
            {"_id": barber_id}, {"$set": {"tidy_at": tidy_at}, "$setOnInsert": first}, upsert=True
        )

    async def mark_tidied(self, portfolio: Portfolio, tidy_at: datetime | None) -> None:
        """Set the next `tidy_at`, unless the portfolio has changed."""
        await self._portfolios.update_one(
            {"_id": portfolio.id, "version": portfolio.version, "tidy_at": portfolio.tidy_at},
            {"$set": {"tidy_at": tidy_at}},
        )

    async def list_untidy(self, now: datetime, after: UUID | None, limit: int) -> list[Portfolio]:
        """List the portfolios with files that may be deleted."""
        behind = {"_id": {"$gt": after}} if after else {}
        found = self._portfolios.find({"tidy_at": {"$lte": now}, **behind}).sort("_id", 1).limit(limit)
        return [from_document(document, Portfolio) async for document in found]
