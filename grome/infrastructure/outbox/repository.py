"""Store the relay's lease and position in MongoDB, and read the changes there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

from bson.codec_options import CodecOptions, DatetimeConversion
from msgspec import Struct, field
from pymongo.errors import OperationFailure
from pymongo.read_concern import ReadConcern

from grome.infrastructure.isolated_items import report_failure
from grome.infrastructure.mongo.client import CollectionSpec, Database, Document, from_document, with_weak_writes
from grome.infrastructure.mongo.schema import validator_for
from grome.infrastructure.outbox.models import BARBERS, OUTBOXES, ChangeRecord

_ID: Final = "relay"
# The server's error codes for a resume token that is no longer in the oplog.
_TOKEN_IS_LOST: Final = frozenset({260, 280, 286})
# A change event over 16 MB: a stream that starts before the event fails at it every time.
_TOO_LARGE: Final = 10_334
# The time that the server waits for a change before it answers without one.
_AWAIT_MS: Final = 1_000
_WATCHED: Final = list(OUTBOXES)
_OUTBOX_FIELDS: Final = sorted(set(OUTBOXES.values()))
# The fields that events are built from; the rest of a document may be large and stays on the server.
_KEPT_FIELDS: Final = ("_id", "customer_id", "barber_id", "user_id", "booking_id", "message_id", "currency")


class RelayState(Struct, frozen=True, kw_only=True):
    """The relay's leader, the end of its lease, and the position up to which changes are handed on.

    `fence` grows with every new leader, and a write of a leader succeeds under its own fence only. Without a `token`
    all changes since `since` are read anew. `position_at` is the time of the last change handed on. `lag_s` is the age
    of the change in hand at `seen_at`.
    """

    id: str = field(name="_id")
    holder: str | None = None
    until: datetime
    fence: int = 0
    token: dict[str, Any] | None = None
    since: datetime
    position_at: datetime | None = None
    handed_on: int = 0
    lag_s: float = 0.0
    seen_at: datetime | None = None


COLLECTION = CollectionSpec("relay", validator_for(RelayState), [])


class TokenLostError(Exception):
    """The change stream cannot resume at the stored position."""


class RelayRepository:
    def __init__(self, database: Database) -> None:
        self._database = database.with_options(codec_options=_lenient(database.codec_options))
        self._relay = with_weak_writes(database[COLLECTION.name])  # a lost write shows at the next renewal

    async def begin(self, since: datetime) -> None:
        """Create the relay if there is none: it dispatches all events from `since` on."""
        new = {"holder": None, "until": since, "fence": 0, "token": None, "since": since, "position_at": None}
        await self._relay.update_one(
            {"_id": _ID}, {"$setOnInsert": {**new, "handed_on": 0, "lag_s": 0.0, "seen_at": None}}, upsert=True
        )

    async def state(self) -> RelayState | None:
        document = await self._relay.find_one({"_id": _ID})
        return from_document(document, RelayState) if document else None

    async def acquire(self, holder: str, lease_ms: int) -> RelayState | None:
        """Acquire the lease; returns None while another process holds it. The server's clock decides."""
        await self._relay.update_one(
            {"_id": _ID, "$expr": {"$lte": ["$until", "$$NOW"]}},
            [{"$set": {"holder": holder, "until": {"$add": ["$$NOW", lease_ms]}, "fence": {"$add": ["$fence", 1]}}}],
        )
        state = await self.state()
        return state if state and state.holder == holder else None

    async def renew(self, state: RelayState, lease_ms: int, fields: Document) -> bool:
        """Renew the lease and store the position. Returns False if another process leads."""
        until = {"$add": ["$$NOW", lease_ms]}
        renewed = await self._relay.update_one(
            {"_id": _ID, "holder": state.holder, "fence": state.fence},
            [{"$set": {"until": until, **{name: {"$literal": value} for name, value in fields.items()}}}],
        )
        return renewed.matched_count == 1

    async def release(self, state: RelayState, fields: Document) -> None:
        """Store the position and end the lease, so that another process can lead at once."""
        await self.renew(state, 0, fields)

    @asynccontextmanager
    async def changes(self, token: Document | None) -> AsyncIterator["ChangeStream"]:
        """Open the change stream after `token`, or from now on. Raises TokenLostError at once or while reading."""
        matching = {"ns.coll": {"$in": _WATCHED}, "operationType": {"$in": ["insert", "update", "replace"]}}
        start: dict[str, Any] = {"resume_after": token}
        if token is None:
            start = {"start_at_operation_time": (await self._database.command("ping"))["operationTime"]}
        stream = self._database.watch(
            [{"$match": matching}, {"$set": _projection_stage()}],
            full_document="updateLookup",
            max_await_time_ms=_AWAIT_MS,
            **start,
        )
        try:
            async with await stream as opened:
                yield ChangeStream(opened)
        except OperationFailure as error:
            if error.code == _TOO_LARGE:
                report_failure("relay", "a change that is too large", error)
            if error.code in _TOKEN_IS_LOST | {_TOO_LARGE}:
                raise TokenLostError from error
            raise

    async def changed_since(self, since: datetime) -> AsyncIterator[ChangeRecord]:
        """Yield each document that has outbox entries at or after `since`.

        The outbox is another field in each collection. Reads whole collections: an index for this query would make
        every write slower, and the query is rarely needed.
        """
        for name, outbox in OUTBOXES.items():
            collection = self._database[name].with_options(read_concern=ReadConcern("majority"))
            fields = [*_KEPT_FIELDS, outbox]
            async for document in collection.find({f"{outbox}.at": {"$gte": since}}, fields):
                yield ChangeRecord(name, document, None, since)


def _lenient(options: CodecOptions[Document]) -> CodecOptions[Document]:
    """Decode dates outside Python's range, and broken text, without an error.

    The code that converts the values detects and skips them.
    """
    return options.with_options(
        datetime_conversion=DatetimeConversion.DATETIME_AUTO, unicode_decode_error_handler="replace"
    )


def _projection_stage() -> Document:
    """Build the stage that keeps only the ids, the currency and the new outbox entries of an update.

    A barber's document stays whole, for caches, and so do its updated fields: from them the waitlist tells whether time
    may have become free.
    """
    is_slim = {"$and": [{"$eq": ["$operationType", "update"]}, {"$ne": ["$ns.coll", BARBERS]}]}
    updated = {"$objectToArray": {"$ifNull": ["$updateDescription.updatedFields", {}]}}
    of_outbox = {"$in": [{"$first": {"$split": ["$$field.k", "."]}}, _OUTBOX_FIELDS]}
    outboxes = {"$arrayToObject": {"$filter": {"input": updated, "as": "field", "cond": of_outbox}}}
    set_fields = {"$cond": [{"$eq": ["$ns.coll", BARBERS]}, "$updateDescription.updatedFields", outboxes]}
    ids = {name: f"$fullDocument.{name}" for name in _KEPT_FIELDS}
    return {
        "updateDescription": {"updatedFields": set_fields, "removedFields": "$$REMOVE", "truncatedArrays": "$$REMOVE"},
        "fullDocument": {"$cond": [is_slim, ids, "$fullDocument"]},
    }


class ChangeStream:
    """An open change stream."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 -- a type of the driver
        self._stream = stream

    async def next(self) -> tuple[ChangeRecord | None, Document]:
        """Return the next change and its resume token; the change is None if a second passed without a change."""
        raw = await self._stream.try_next()
        token: Document = self._stream.resume_token
        if raw is None or not raw.get("fullDocument"):  # deleted before the lookup
            return None, token
        updated = raw["updateDescription"]["updatedFields"] if raw["operationType"] == "update" else None
        return ChangeRecord(raw["ns"]["coll"], raw["fullDocument"], updated, raw["wallTime"]), token
