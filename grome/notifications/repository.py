"""Store sent messages, deduplication claims and push tokens in MongoDB."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct
from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError

from grome.infrastructure.mongo.client import (
    CollectionSpec,
    Database,
    Document,
    from_document,
    to_document,
    with_weak_writes,
)
from grome.infrastructure.mongo.schema import validator_for
from grome.notifications.models import Bounce, DedupeClaim, LogEntry, PushDevice, ReminderMark, State

_LOG_RETENTION: Final = timedelta(days=90)
_BOUNCE_RETENTION: Final = timedelta(days=7)
# Longer than any session, so that a device that is signed in has its token.
_TOKEN_RETENTION: Final = timedelta(days=400)
MAX_DEVICES: Final = 20
_PUT_ATTEMPTS: Final = 8

LOG = CollectionSpec(
    "notifications",
    validator_for(LogEntry),
    [
        IndexModel([("user_id", 1), ("at", -1), ("_id", -1)], name="newest"),
        IndexModel("at", name="kept", expireAfterSeconds=int(_LOG_RETENTION.total_seconds())),
    ],
)
DEDUPE_CLAIMS = CollectionSpec(
    "notification_slots", validator_for(DedupeClaim), [IndexModel("until", name="over", expireAfterSeconds=0)]
)
BOUNCES = CollectionSpec(
    "bounces",
    validator_for(Bounce),
    [IndexModel("at", name="kept", expireAfterSeconds=int(_BOUNCE_RETENTION.total_seconds()))],
)
PUSH_DEVICES = CollectionSpec(
    "push_devices",
    validator_for(PushDevice),
    [
        IndexModel("token", name="token", unique=True),
        IndexModel([("user_id", 1), ("device_id", 1)], name="user_device", unique=True),
        IndexModel("registered_at", name="kept", expireAfterSeconds=int(_TOKEN_RETENTION.total_seconds())),
    ],
)
REMINDER_MARKS = CollectionSpec("reminder_marks", validator_for(ReminderMark), [])
COLLECTIONS = (LOG, DEDUPE_CLAIMS, BOUNCES, PUSH_DEVICES, REMINDER_MARKS)


class AfterEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """Holds the position at which a page of the log ended."""

    at: Annotated[datetime, Meta(tz=True)]
    entry_id: UUID


class NotificationRepository:
    def __init__(self, database: Database) -> None:
        self._log, self._claims = with_weak_writes(database[LOG.name]), with_weak_writes(database[DEDUPE_CLAIMS.name])
        self._bounces = database[BOUNCES.name]

    async def record(self, entry: LogEntry) -> None:
        """Insert or replace the log entry, unless its message was sent. Devices that were reached stay reached."""
        fields = to_document(entry)
        reached = {"reached": {"$each": fields.pop("reached")}}
        with suppress(DuplicateKeyError):  # it was sent
            await self._log.update_one(
                {"_id": fields.pop("_id"), "state": {"$ne": State.SENT.value}},
                {"$set": fields, "$addToSet": reached},
                upsert=True,
            )

    async def find(self, entry_id: UUID) -> LogEntry | None:
        document = await self._log.find_one({"_id": entry_id})
        return from_document(document, LogEntry) if document else None

    async def page(self, user_id: UUID, after: AfterEntry | None, limit: int) -> list[LogEntry]:
        """Return a page of a user's log, newest first."""
        wanted: Document = {"user_id": user_id}
        if after:
            beyond = {"at": after.at, "_id": {"$lt": after.entry_id}}
            wanted["$or"] = [{"at": {"$lt": after.at}}, beyond]
        found = self._log.find(wanted).sort([("at", -1), ("_id", -1)]).limit(limit)
        return [from_document(document, LogEntry) async for document in found]

    async def claim(self, claim: DedupeClaim, now: datetime) -> bool:
        """Claim for an entry until `claim.until`. Returns False if another entry holds the claim.

        One atomic write: if another entry holds the claim, the filter matches nothing and the insert conflicts on its
        `_id`.
        """
        free = {"_id": claim.id, "$or": [{"until": {"$lte": now}}, {"entry_id": claim.entry_id}]}
        held = {"$set": {"entry_id": claim.entry_id, "until": claim.until}}
        try:
            await self._claims.update_one(free, held, upsert=True)
        except DuplicateKeyError:
            return False
        return True

    async def release(self, claim: DedupeClaim) -> None:
        await self._claims.delete_one({"_id": claim.id, "entry_id": claim.entry_id})

    async def record_bounce(self, bounce: Bounce) -> None:
        await self._bounces.replace_one({"_id": bounce.id}, to_document(bounce), upsert=True)

    async def has_bounced(self, address: str, entry_id: UUID) -> bool:
        """Return whether the address permanently refused another message in the last seven days."""
        return await self._bounces.find_one({"_id": address, "entry_id": {"$ne": entry_id}}) is not None


class PushDeviceRepository:
    def __init__(self, database: Database) -> None:
        self._devices = database[PUSH_DEVICES.name]

    async def put(self, device: PushDevice) -> None:
        """Store the token of a device.

        A token has one device, a device one token; the user's oldest beyond the 20th are deleted.
        """
        mine = {"user_id": device.user_id, "device_id": device.device_id}
        fields = {"token": device.token, "registered_at": device.registered_at}
        change = {"$set": fields, "$setOnInsert": {"_id": device.id}}
        for attempt in range(_PUT_ATTEMPTS):
            await self._devices.delete_many({"token": device.token, "$nor": [mine]})
            try:
                await self._devices.update_one(mine, change, upsert=True)
                break
            except DuplicateKeyError:  # a concurrent request stored the same token or device
                if attempt == _PUT_ATTEMPTS - 1:
                    raise
        newest = self._devices.find({"user_id": device.user_id}, {"_id": 1}).sort([("registered_at", -1), ("_id", -1)])
        if surplus := [document["_id"] async for document in newest.skip(MAX_DEVICES)]:
            await self._devices.delete_many({"_id": {"$in": surplus}})

    async def remove(self, user_id: UUID, device_id: UUID) -> bool:
        removed = await self._devices.delete_one({"user_id": user_id, "device_id": device_id})
        return removed.deleted_count == 1

    async def remove_by_name(self, user_id: UUID, device: str) -> None:
        """Remove a device by the name given at login, which need not be an id."""
        with suppress(ValueError):
            await self.remove(user_id, UUID(device))

    async def list_for_user(self, user_id: UUID) -> list[PushDevice]:
        found = self._devices.find({"user_id": user_id}).sort("registered_at", -1).limit(MAX_DEVICES)
        return [from_document(document, PushDevice) async for document in found]

    async def drop(self, tokens: Sequence[str]) -> None:
        if tokens:
            await self._devices.delete_many({"token": {"$in": tokens}})


class ReminderMarks:
    """Stores the time until which reminders have been planned."""

    def __init__(self, database: Database) -> None:
        self._marks = database[REMINDER_MARKS.name]

    async def find(self) -> datetime | None:
        document = await self._marks.find_one({"_id": _MARK_ID})
        return from_document(document, ReminderMark).until if document else None

    async def put(self, until: datetime) -> None:
        """Advance the mark; it never moves back, so concurrent runs are safe."""
        await self._marks.update_one({"_id": _MARK_ID}, {"$max": {"until": until}}, upsert=True)


_MARK_ID: Final = "reminders"
