"""Store verifications in MongoDB."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta, Struct
from pymongo import IndexModel

from grome.infrastructure.mongo.client import CollectionSpec, Database, Document, from_document, to_document
from grome.infrastructure.mongo.schema import validator_for
from grome.infrastructure.mongo.transactions import Session
from grome.verification.models import MAX_HISTORY, State, Verification, VerificationEntry

COLLECTION = CollectionSpec(
    "verifications",
    validator_for(Verification),
    [
        IndexModel([("state", 1), ("submitted_at", 1), ("_id", 1)], name="queue"),
        IndexModel("tidy_at", name="tidy", partialFilterExpression={"tidy_at": {"$type": "date"}}),
    ],
)


class AfterVerification(Struct, frozen=True, forbid_unknown_fields=True):
    """The position at which a page of the queue ended."""

    submitted_at: Annotated[datetime, Meta(tz=True)] | None
    user_id: UUID


class VerificationRepository:
    def __init__(self, database: Database) -> None:
        self._verifications = database[COLLECTION.name]

    async def find(self, barber_id: UUID, session: Session | None = None) -> Verification | None:
        document = await self._verifications.find_one({"_id": barber_id}, session=session)
        return from_document(document, Verification) if document else None

    async def mark_begun(self, barber_id: UUID, tidy_at: datetime) -> None:
        """Set `tidy_at` before uploads are claimed, also for a barber without a verification."""
        new = to_document(Verification(id=barber_id))
        first = {name: value for name, value in new.items() if name not in {"_id", "tidy_at"}}
        await self._verifications.update_one(
            {"_id": barber_id}, {"$set": {"tidy_at": tidy_at}, "$setOnInsert": first}, upsert=True
        )

    async def store(
        self, session: Session, verification: Verification, fields: Mapping[str, Any], entry: VerificationEntry
    ) -> None:
        """Write the fields and the entry in the transaction that read the verification, or found none."""
        plain: Document = msgspec.to_builtins(fields, builtin_types=(datetime, UUID))
        await self._verifications.update_one(
            {"_id": verification.id},
            {
                "$set": {**plain, "version": entry.version},
                "$push": {"history": {"$each": [to_document(entry)], "$slice": -MAX_HISTORY}},
            },
            upsert=True,
            session=session,
        )

    async def list_page(self, state: State, after: AfterVerification | None, limit: int) -> list[Verification]:
        """List the verifications in a state, the oldest submission first."""
        query: Document = {"state": state.value}
        if after:
            same = {"submitted_at": after.submitted_at, "_id": {"$gt": after.user_id}}
            # Barbers that have sent nothing come first; no moment is greater than null.
            later = {"$gt": after.submitted_at} if after.submitted_at else {"$ne": None}
            query["$or"] = [same, {"submitted_at": later}]
        found = self._verifications.find(query).sort([("submitted_at", 1), ("_id", 1)]).limit(limit)
        return [from_document(document, Verification) async for document in found]

    async def list_untidy(self, now: datetime, after: UUID | None, limit: int) -> list[Verification]:
        """List the verifications with uploads that may be deleted."""
        behind = {"_id": {"$gt": after}} if after else {}
        found = self._verifications.find({"tidy_at": {"$lte": now}, **behind}).sort("_id", 1).limit(limit)
        return [from_document(document, Verification) async for document in found]

    async def mark_tidied(self, verification: Verification, tidy_at: datetime | None, *, keeps: bool) -> bool:
        """Set the next `tidy_at`, and drop the documents unless it `keeps` them. Returns False if it has changed."""
        dropped: Document = {} if keeps else {"id_doc": None, "certificates": []}
        written = await self._verifications.update_one(
            {"_id": verification.id, "version": verification.version}, {"$set": {"tidy_at": tidy_at, **dropped}}
        )
        return written.matched_count == 1
