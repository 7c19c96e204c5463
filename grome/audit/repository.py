"""Store the audit trail in MongoDB."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct
from pymongo import IndexModel

from grome.audit.models import AuditRecord
from grome.infrastructure.mongo.client import (
    CollectionSpec,
    Database,
    Document,
    from_document,
    insert_missing,
    to_document,
)
from grome.infrastructure.mongo.schema import validator_for

COLLECTION = CollectionSpec(
    "audit",
    validator_for(AuditRecord),
    [
        IndexModel([("at", -1), ("_id", -1)], name="all"),
        IndexModel([("subject_id", 1), ("at", -1), ("_id", -1)], name="subject"),
        IndexModel([("actor_id", 1), ("at", -1), ("_id", -1)], name="actor"),
    ],
)


class AfterRecord(Struct, frozen=True):
    """Holds the position at which a page of the list ended."""

    at: Annotated[datetime, Meta(tz=True)]
    id: UUID


class AuditRepository:
    def __init__(self, database: Database) -> None:
        self._records = database[COLLECTION.name]

    async def add(self, records: Sequence[AuditRecord]) -> None:
        """Insert records; existing records stay unchanged."""
        await insert_missing(self._records, [to_document(record) for record in records])

    async def page(
        self, subject_id: UUID | None, actor_id: UUID | None, after: AfterRecord | None, limit: int
    ) -> list[AuditRecord]:
        """Return a page of records, latest first."""
        named = {"subject_id": subject_id, "actor_id": actor_id}
        wanted: Document = {name: value for name, value in named.items() if value}
        if after:
            wanted["$or"] = [{"at": {"$lt": after.at}}, {"at": after.at, "_id": {"$lt": after.id}}]
        found = self._records.find(wanted).sort([("at", -1), ("_id", -1)]).limit(limit)
        return [from_document(document, AuditRecord) async for document in found]
