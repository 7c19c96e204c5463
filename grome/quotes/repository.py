"""Store quotes in MongoDB, each for its customer only."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from pymongo import IndexModel

from grome.infrastructure.mongo.client import CollectionSpec, Database, from_document, to_document
from grome.infrastructure.mongo.schema import validator_for
from grome.quotes.models import Quote

# For so long after its end a quote is answered as expired, and then as not found.
_RETENTION: Final = timedelta(days=1)
COLLECTION = CollectionSpec(
    "quotes",
    validator_for(Quote),
    [
        IndexModel("customer_id", name="customer"),
        IndexModel("expires_at", name="old", expireAfterSeconds=int(_RETENTION.total_seconds())),
    ],
)


class QuoteRepository:
    def __init__(self, database: Database) -> None:
        self._quotes = database[COLLECTION.name]

    async def add(self, quote: Quote) -> None:
        await self._quotes.insert_one(to_document(quote))

    async def find(self, customer_id: UUID, quote_id: UUID) -> Quote | None:
        """Return the quote even if it has expired; None if it does not exist (any more)."""
        document = await self._quotes.find_one({"_id": quote_id, "customer_id": customer_id})
        return from_document(document, Quote) if document else None
