"""Jobs in MongoDB, the source of truth: a job that the queues lose is enqueued again from here."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from msgspec import Meta, Struct
from pymongo import IndexModel, ReturnDocument, UpdateOne

from grome.infrastructure.isolated_items import decode_each
from grome.infrastructure.jobs.models import Job, State
from grome.infrastructure.mongo.client import (
    CollectionSpec,
    Database,
    Document,
    from_document,
    insert_missing,
    to_document,
    with_weak_writes,
)
from grome.infrastructure.mongo.schema import validator_for

_KEPT: Final = timedelta(days=7)
# The time in which operators look at dead and dropped jobs.
_DEAD_KEPT: Final = timedelta(days=90)
_UNREAD_PUT_OFF: Final = timedelta(minutes=5)
COLLECTION = CollectionSpec(
    "jobs",
    validator_for(Job),
    [
        IndexModel("next_at", name="pending", partialFilterExpression={"state": State.PENDING.value}),
        IndexModel([("state", 1), ("created_at", -1), ("_id", -1)], name="newest"),
        IndexModel(
            [("kind", 1), ("created_at", -1), ("_id", -1)],
            name="newest_dead",
            partialFilterExpression={"state": State.DEAD.value},
        ),
        IndexModel(
            "ended_at",
            name="kept",
            expireAfterSeconds=int(_KEPT.total_seconds()),
            partialFilterExpression={"state": State.DONE.value},
        ),
        *(
            IndexModel(
                "ended_at",
                name=f"kept_{state.value}",
                expireAfterSeconds=int(_DEAD_KEPT.total_seconds()),
                partialFilterExpression={"state": state.value},
            )
            for state in (State.DEAD, State.DROPPED)
        ),
    ],
)


class AfterJob(Struct, frozen=True):
    """The position of the last job of a page."""

    created_at: Annotated[datetime, Meta(tz=True)]
    id: str


class JobRepository:
    def __init__(self, database: Database) -> None:
        self._jobs = database[COLLECTION.name]
        self._steps = with_weak_writes(self._jobs)

    async def add(self, jobs: Sequence[Job]) -> None:
        """Insert jobs with new ids; jobs with known ids stay unchanged."""
        await insert_missing(self._jobs, [to_document(job) for job in jobs])

    async def find(self, job_id: str) -> Job | None:
        document = await self._jobs.find_one({"_id": job_id})
        return from_document(document, Job) if document else None

    async def due(self, now: datetime, limit: int) -> list[Job]:
        """List pending jobs with a due `next_at`, the longest overdue first.

        Those that cannot be read are put off, or they would be the first of every page.
        """
        found = self._jobs.find({"state": State.PENDING.value, "next_at": {"$lte": now}}).sort("next_at", 1)
        documents = await found.limit(limit).to_list()
        jobs = decode_each(documents, Job, name="hand over jobs")
        if len(jobs) < len(documents):
            known = {job.id for job in jobs}
            unread = [document["_id"] for document in documents if document["_id"] not in known]
            put_off = {"$set": {"next_at": now + _UNREAD_PUT_OFF}}
            await self._steps.update_many({"_id": {"$in": unread}}, put_off, bypass_document_validation=True)
        return jobs

    async def postpone(self, until: Mapping[str, datetime], jobs: Iterable[Job]) -> None:
        """Count one more enqueueing of due jobs, and set their `next_at` to `until`."""
        await self._steps.bulk_write(
            [
                UpdateOne(
                    {"_id": job.id, "state": State.PENDING.value, "next_at": job.next_at},
                    {"$set": {"next_at": until[job.id], "claim": None}, "$inc": {"handed": 1}},
                )
                for job in jobs
            ],
            ordered=False,
        )

    async def claim(self, job_id: str, tries: int, claim: str, now: datetime, until: datetime) -> Job | None:
        """Begin the try after `tries`. Returns None if it has begun elsewhere or is no longer needed."""
        document = await self._steps.find_one_and_update(
            {"_id": job_id, "state": State.PENDING.value, "tries": tries, "claim": None},
            {"$set": {"claim": claim, "next_at": until, "started_at": now, "handed": 0}, "$inc": {"tries": 1}},
            return_document=ReturnDocument.AFTER,
        )
        return from_document(document, Job) if document else None

    async def renew_leases(self, held_ids: Mapping[str, str], until: datetime) -> None:
        """Extend the leases of jobs, given as ids by their claims."""
        held = {"_id": {"$in": list(held_ids.values())}, "claim": {"$in": list(held_ids)}}
        await self._steps.update_many(held, {"$set": {"next_at": until}})

    async def update_claimed(self, job: Job, fields: Mapping[str, Any]) -> bool:
        """Update a job if its claim is still held; return whether it was."""
        changed = await self._steps.update_one(
            {"_id": job.id, "state": State.PENDING.value, "claim": job.claim}, {"$set": dict(fields)}
        )
        return changed.matched_count == 1

    async def update_state(self, job_id: str, sources: Collection[State], fields: Mapping[str, Any]) -> Job | None:
        """Update a job in one of the states `sources`. Returns None if there is no such job."""
        document = await self._jobs.find_one_and_update(
            {"_id": job_id, "state": {"$in": [state.value for state in sources]}},
            {"$set": dict(fields)},
            return_document=ReturnDocument.AFTER,
        )
        return from_document(document, Job) if document else None

    async def page(self, state: State, kind: str | None, after: AfterJob | None, limit: int) -> list[Job]:
        """List jobs of a state, newest first."""
        wanted: Document = {"state": state.value}
        if kind:
            wanted["kind"] = kind
        if after:
            beyond = {"created_at": after.created_at, "_id": {"$lt": after.id}}
            wanted["$or"] = [{"created_at": {"$lt": after.created_at}}, beyond]
        found = self._jobs.find(wanted).sort([("created_at", -1), ("_id", -1)]).limit(limit)
        return [from_document(document, Job) async for document in found]

    async def count(self, state: State, most: int) -> int:
        """Count jobs in a state, up to `most`."""
        return await self._jobs.count_documents({"state": state.value}, limit=most)
