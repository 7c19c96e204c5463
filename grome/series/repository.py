"""Store series in MongoDB. Their bookings are stored with all bookings, under ids derived from the series' id."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern

from grome.infrastructure.idempotency import WITHOUT_FIRST_ANSWER
from grome.infrastructure.mongo.client import CollectionSpec, Database, Document, from_document, to_document
from grome.infrastructure.mongo.schema import validator_for
from grome.series.models import Series

# The visits lie within a barber's horizon of a year; the bookings stay.
_RETENTION: Final = timedelta(days=3 * 366)
COLLECTION = CollectionSpec(
    "series",
    validator_for(Series),
    [
        IndexModel(
            [("customer_id", 1), ("idempotency.key", 1)],
            name="idempotency",
            unique=True,
            partialFilterExpression={"idempotency.key": {"$type": "string"}},
        ),
        IndexModel("customer_id", name="customer"),
        IndexModel("created_at", name="kept", expireAfterSeconds=int(_RETENTION.total_seconds())),
    ],
)


class SeriesRepository:
    def __init__(self, database: Database) -> None:
        self._series = database[COLLECTION.name]
        # A failover could roll back a write that no majority has; a repeated response must not depend on such a write.
        self._committed = self._series.with_options(read_concern=ReadConcern("majority"))

    async def insert(self, series: Series) -> bool:
        """Return False if the key is in use."""
        try:
            await self._series.insert_one(to_document(series))
        except DuplicateKeyError:
            return False
        return True

    async def store_made(self, series: Series) -> bool:
        """Store a completed series; return False if a concurrent request has stored it."""
        try:
            await self._series.replace_one({"_id": series.id, "is_made": False}, to_document(series), upsert=True)
        except DuplicateKeyError:
            return False
        return True

    async def delete_unmade(self, series: Series) -> None:
        """Delete a series without bookings, so that its key can be used again."""
        await self._series.delete_one({"_id": series.id, "is_made": False})

    async def find(self, scope: Document, series_id: UUID) -> Series | None:
        """Within `scope`, the filter that `visible_to` gives."""
        document = await self._series.find_one({**scope, "_id": series_id}, WITHOUT_FIRST_ANSWER)
        return from_document(document, Series) if document else None

    async def find_committed(self, series_id: UUID) -> Series | None:
        """Return the series with its first response, as a majority has it; None if it does not exist."""
        document = await self._committed.find_one({"_id": series_id})
        return from_document(document, Series) if document else None

    async def find_by_key(self, customer_id: UUID, key: str) -> Series | None:
        document = await self._committed.find_one({"customer_id": customer_id, "idempotency.key": key})
        return from_document(document, Series) if document else None
