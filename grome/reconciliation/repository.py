"""Store findings, the progress of the loops, and the watched accounts in MongoDB."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct
from pymongo import IndexModel, ReturnDocument, UpdateOne
from pymongo.errors import DuplicateKeyError

from grome.infrastructure.mongo.client import CollectionSpec, Database, Document, from_document, to_document
from grome.infrastructure.mongo.schema import validator_for
from grome.infrastructure.outbox.models import FINDINGS as _FINDINGS
from grome.reconciliation.models import (
    MAX_ENTRIES,
    RETENTION,
    Finding,
    FindingEntry,
    FindingKind,
    Progress,
    WatchedAccount,
)

FINDINGS: Final = CollectionSpec(
    _FINDINGS,
    validator_for(Finding),
    [
        IndexModel([("first_seen", -1), ("_id", -1)], name="newest"),
        IndexModel("resolved_at", name="kept", expireAfterSeconds=int(RETENTION.total_seconds())),
    ],
)
PROGRESS: Final = CollectionSpec("reconciliation_progress", validator_for(Progress), [])
# Accounts that are back at 0 are removed, so the collection is as large as the money that is on its way.
WATCHED: Final = CollectionSpec(
    "reconciliation_watched", validator_for(WatchedAccount), [IndexModel("check_at", name="due")]
)
COLLECTIONS: Final = (FINDINGS, PROGRESS, WATCHED)
_OPEN: Final[Document] = {"resolved_at": None}


class AfterFinding(Struct, frozen=True):
    """The position at which a page of findings ended."""

    first_seen: Annotated[datetime, Meta(tz=True)]
    id: UUID


class KindFigures(Struct, frozen=True):
    """The number of open findings of a kind, and the time since which the oldest is open."""

    kind: FindingKind
    count: int
    oldest: datetime


class FindingRepository:
    def __init__(self, database: Database) -> None:
        self._findings = database[FINDINGS.name]

    async def find(self, finding_id: UUID) -> Finding | None:
        document = await self._findings.find_one({"_id": finding_id})
        return from_document(document, Finding) if document else None

    async def insert(self, finding: Finding) -> None:
        """Insert a finding; a finding that is stored already stays as it is."""
        try:
            await self._findings.insert_one(to_document(finding))
        except DuplicateKeyError:
            return

    async def update(self, finding: Finding) -> None:
        """Write the fields that a check changes, unless an admin resolved the finding since it was read."""
        names = ("amount", "objects", "note", "first_seen", "last_seen", "resolved_at", "resolved_by", "reason")
        document = to_document(finding)
        fields = {name: document[name] for name in names}
        await self._findings.update_one({"_id": finding.id, "version": finding.version}, {"$set": fields})

    async def close(self, finding_id: UUID, now: datetime) -> None:
        """Resolve an open finding that is gone."""
        await self._findings.update_one({"_id": finding_id, **_OPEN}, {"$set": {"resolved_at": now}})

    async def resolve(self, finding: Finding, entry: FindingEntry) -> Finding | None:
        """Resolve a finding by an admin's decision. Returns None if it is not open in this version any more."""
        document = await self._findings.find_one_and_update(
            {"_id": finding.id, "version": finding.version, **_OPEN},
            {
                "$set": {
                    "resolved_at": entry.at,
                    "resolved_by": entry.actor_id,
                    "reason": entry.note,
                    "version": entry.version,
                },
                "$push": {"outbox": {"$each": [to_document(entry)], "$slice": -MAX_ENTRIES}},
            },
            return_document=ReturnDocument.AFTER,
        )
        return from_document(document, Finding) if document else None

    async def list_page(
        self, *, is_open: bool, kind: FindingKind | None, after: AfterFinding | None, limit: int
    ) -> list[Finding]:
        """Return a page of findings, newest first."""
        wanted: Document = dict(_OPEN) if is_open else {"resolved_at": {"$ne": None}}
        if kind:
            wanted["kind"] = kind.value
        if after:
            beyond = {"first_seen": after.first_seen, "_id": {"$lt": after.id}}
            wanted["$or"] = [{"first_seen": {"$lt": after.first_seen}}, beyond]
        found = self._findings.find(wanted).sort([("first_seen", -1), ("_id", -1)]).limit(limit)
        return [from_document(document, Finding) async for document in found]

    async def list_unseen(self, since: datetime, after: UUID | None, limit: int) -> list[Finding]:
        """Return open findings that no check has seen since then, in the order of their ids."""
        wanted: Document = {**_OPEN, "last_seen": {"$lt": since}, **({"_id": {"$gt": after}} if after else {})}
        found = self._findings.find(wanted).sort("_id", 1).limit(limit)
        return [from_document(document, Finding) async for document in found]

    async def figures(self) -> list[KindFigures]:
        """Return the figures of the kinds with open findings."""
        grouped = await self._findings.aggregate(
            [
                {"$match": _OPEN},
                {"$group": {"_id": "$kind", "count": {"$sum": 1}, "oldest": {"$min": "$first_seen"}}},
            ]
        )
        return [KindFigures(FindingKind(one["_id"]), one["count"], one["oldest"]) async for one in grouped]


class ProgressRepository:
    def __init__(self, database: Database) -> None:
        self._progress = database[PROGRESS.name]

    async def get(self, loop: str) -> Progress:
        """Return the progress of a loop; of a loop that never ran, a new one."""
        document = await self._progress.find_one({"_id": loop})
        return from_document(document, Progress) if document else Progress(id=loop)

    async def save(self, progress: Progress) -> None:
        document = to_document(progress)
        await self._progress.replace_one({"_id": progress.id}, document, upsert=True)


class WatchedRepository:
    def __init__(self, database: Database) -> None:
        self._watched = database[WATCHED.name]

    async def watch(self, accounts: Iterable[WatchedAccount]) -> None:
        """Watch accounts after new lines on them; an account that is watched keeps its `since`."""
        updates = [
            UpdateOne(
                {"_id": one.id},
                {
                    "$setOnInsert": {"account": one.account, "currency": one.currency, "since": one.since},
                    "$max": {"seq": one.seq},
                    "$min": {"check_at": one.check_at},
                },
                upsert=True,
            )
            for one in accounts
        ]
        if updates:
            await self._watched.bulk_write(updates, ordered=False)

    async def list_due(self, now: datetime, limit: int) -> list[WatchedAccount]:
        found = self._watched.find({"check_at": {"$lte": now}}).sort("check_at", 1).limit(limit)
        return [from_document(document, WatchedAccount) async for document in found]

    async def postpone(self, watched: WatchedAccount, check_at: datetime) -> None:
        """Set the time of the next check, unless the account has a line since it was read."""
        await self._watched.update_one({"_id": watched.id, "seq": watched.seq}, {"$set": {"check_at": check_at}})

    async def remove(self, watched: WatchedAccount) -> None:
        """Stop watching the account, unless it has a line since it was read."""
        await self._watched.delete_one({"_id": watched.id, "seq": watched.seq})
