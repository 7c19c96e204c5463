"""Store reports in MongoDB. Indexes enforce two limits: one report a key, and five open reports a person."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct
from pymongo import IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern

from grome.infrastructure.idempotency import WITHOUT_FIRST_ANSWER
from grome.infrastructure.mongo.client import CollectionSpec, Database, Document, from_document, to_document
from grome.infrastructure.mongo.numbered_documents import insert_with_free_number
from grome.infrastructure.mongo.schema import validator_for
from grome.reports.errors import TooManyReports
from grome.reports.models import MAX_OPEN_REPORTS, Failure, Report, State

_OPEN = (State.PENDING.value, State.RUNNING.value)
# Retention without a file; a deleted report is removed at once.
_RETENTION: Final = timedelta(days=90)
COLLECTION = CollectionSpec(
    "reports",
    validator_for(Report),
    [
        IndexModel(
            [("by.id", 1), ("idempotency.key", 1)],
            name="idempotency",
            unique=True,
            partialFilterExpression={"idempotency.key": {"$type": "string"}},
        ),
        IndexModel(
            [("by.id", 1), ("slot", 1)],
            name="slot",
            unique=True,
            partialFilterExpression={"slot": {"$type": "number"}},
        ),
        IndexModel([("by.id", 1), ("_id", -1)], name="owner"),
        IndexModel(
            [("state", 1), ("created_at", 1)], name="open", partialFilterExpression={"state": {"$in": list(_OPEN)}}
        ),
        IndexModel("expires_at", name="expiry", partialFilterExpression={"state": State.DONE.value}),
        *(
            IndexModel(
                "ended_at",
                name=f"kept_{state.value}",
                expireAfterSeconds=int(_RETENTION.total_seconds()),
                partialFilterExpression={"state": state.value},
            )
            for state in (State.EXPIRED, State.FAILED)
        ),
    ],
)


class AfterReport(Struct, frozen=True, forbid_unknown_fields=True):
    """Holds the position at which a page of the list ended."""

    id: UUID


class KeyTakenError(Exception):
    """Raised if another report of the same person has the same idempotency key."""


class ReportRepository:
    def __init__(self, database: Database) -> None:
        self._reports = database[COLLECTION.name]
        # Majority reads: a failover must not undo a response that is repeated.
        self._settled = self._reports.with_options(read_concern=ReadConcern("majority"))

    async def add(self, report: Report) -> Report:
        """Store a report in a free slot. Raises TooManyReports if there is none, and KeyTakenError."""
        try:
            slot = await insert_with_free_number(
                self._reports,
                lambda slot: to_document(msgspec.structs.replace(report, slot=slot)),
                owner={"by.id": report.by.id, "slot": {"$type": "number"}},
                field="slot",
                limit=MAX_OPEN_REPORTS,
            )
        except DuplicateKeyError:
            raise KeyTakenError from None
        if slot is None:
            key = report.idempotency and report.idempotency.key
            if key and await self._reports.find_one({"by.id": report.by.id, "idempotency.key": key}, {"_id": 1}):
                raise KeyTakenError  # a concurrent copy of the request took the last slot
            raise TooManyReports
        return msgspec.structs.replace(report, slot=slot)

    async def find_by_key(self, owner_id: UUID, key: str) -> Report | None:
        document = await self._settled.find_one({"by.id": owner_id, "idempotency.key": key})
        return from_document(document, Report) if document else None

    async def find(self, owner_id: UUID, report_id: UUID) -> Report | None:
        document = await self._reports.find_one({"_id": report_id, "by.id": owner_id}, WITHOUT_FIRST_ANSWER)
        return from_document(document, Report) if document else None

    async def page(self, owner_id: UUID, after: AfterReport | None, limit: int) -> list[Report]:
        """Return a page of a person's reports, newest first."""
        wanted: Document = {"by.id": owner_id, **({"_id": {"$lt": after.id}} if after else {})}
        found = self._reports.find(wanted, WITHOUT_FIRST_ANSWER).sort("_id", -1).limit(limit)
        return [from_document(document, Report) async for document in found]

    async def remove(self, owner_id: UUID, report_id: UUID) -> bool:
        return (await self._reports.delete_one({"_id": report_id, "by.id": owner_id})).deleted_count == 1

    async def mark_running(self, report_id: UUID) -> Report | None:
        """Mark a report as running. Returns None if it is done, expired or gone.

        A failed report may begin again: its job was retried on request.
        """
        return await self._change(report_id, (*_OPEN, State.FAILED.value), state=State.RUNNING.value, failure=None)

    async def mark_done(self, report_id: UUID, size: int, now: datetime, expires_at: datetime) -> Report | None:
        """Mark a report as done. Returns None if it was deleted or has failed meanwhile.

        A report that is built a second time is also marked a second time.
        """
        fields = {"state": State.DONE.value, "size": size, "ended_at": now, "expires_at": expires_at, "slot": None}
        return await self._change(report_id, (State.RUNNING.value, State.DONE.value), **fields)

    async def mark_failed(self, report_id: UUID, failure: Failure, now: datetime) -> Report | None:
        fields = {"state": State.FAILED.value, "failure": failure.value, "ended_at": now, "slot": None}
        return await self._change(report_id, _OPEN, **fields)

    async def mark_expired(self, report: Report) -> Report | None:
        """Mark a report as expired. Returns None if its file was rebuilt since the report was read."""
        state = [{"state": State.DONE.value, "expires_at": report.expires_at}]
        document = await self._reports.find_one_and_update(
            {"_id": report.id, "$and": state}, {"$set": {"state": State.EXPIRED.value}}
        )
        return from_document(document, Report) if document else None

    async def find_any(self, report_id: UUID) -> Report | None:
        """Find a report of any owner. Returns None if there is none."""
        document = await self._reports.find_one({"_id": report_id}, WITHOUT_FIRST_ANSWER)
        return from_document(document, Report) if document else None

    async def list_open_before(self, moment: datetime, after: UUID | None, limit: int) -> list[UUID]:
        """List the ids of open reports created before the moment, oldest first."""
        return await self._ids({"state": {"$in": _OPEN}, "created_at": {"$lt": moment}}, after, limit)

    async def list_overdue(self, now: datetime, after: UUID | None, limit: int) -> list[UUID]:
        """List the ids of reports with an expired file, oldest first."""
        return await self._ids({"state": State.DONE.value, "expires_at": {"$lte": now}}, after, limit)

    async def _ids(self, wanted: Document, after: UUID | None, limit: int) -> list[UUID]:
        behind = {"_id": {"$gt": after}} if after else {}
        found = self._reports.find({**wanted, **behind}, {"_id": 1}).sort("_id", 1).limit(limit)
        return [document["_id"] async for document in found]

    async def existing_ids(self, report_ids: Collection[UUID]) -> set[UUID]:
        found = self._reports.find({"_id": {"$in": list(report_ids)}}, {"_id": 1})
        return {document["_id"] async for document in found}

    async def _change(self, report_id: UUID, states: Sequence[str], **fields: Any) -> Report | None:  # noqa: ANN401
        document = await self._reports.find_one_and_update(
            {"_id": report_id, "state": {"$in": states}},
            {"$set": fields},
            projection=WITHOUT_FIRST_ANSWER,
            return_document=ReturnDocument.AFTER,
        )
        return from_document(document, Report) if document else None
