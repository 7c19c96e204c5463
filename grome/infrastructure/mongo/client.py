"""MongoDB: the client, documents to and from Structs, and how a collection is declared."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar, cast
from uuid import UUID

import bson
import msgspec
import pymongo
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo import AsyncMongoClient, IndexModel, UpdateOne
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    ExecutionTimeout,
    NetworkTimeout,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
    WaitQueueTimeoutError,
    WriteConcernError,
)
from pymongo.write_concern import WriteConcern

from config.sections.servers import MongoSettings
from grome.infrastructure.mongo.command_spans import CommandSpans
from grome.infrastructure.mongo.pool_metrics import PoolMetrics
from grome.infrastructure.tracing.spans import is_tracing

Document = dict[str, Any]
Database = AsyncDatabase[Document]
Collection = AsyncCollection[Document]
Client = AsyncMongoClient[Document]
T = TypeVar("T")
DriverError = PyMongoError
_RAW: CodecOptions[Document] = CodecOptions(document_class=dict, tz_aware=True, tzinfo=UTC)
_UUIDS: CodecOptions[Document] = CodecOptions(uuid_representation=4)
# Codes of the server.
_DUPLICATE_KEY: Final = 11_000
_NAMESPACE_EXISTS: Final = 48
_INDEX_NOT_FOUND: Final = 27
_CREDENTIALS_REFUSED: Final = frozenset({13, 18})
# The end of a name, the length of a UUID, and the subtype (bsonspec.org). A text that contains the same bytes keeps its
# length, so the documents around it stay readable.
_ID_IS_UUID: Final = b"_id\x00\x10\x00\x00\x00\x04"
_ID_IS_BYTES: Final = b"_id\x00\x10\x00\x00\x00\x00"
_BATCH: Final = 500  # filled in in one go, in a fraction of the time that the driver gives a write
_BACKFILL_PASSES: Final = 10


class BackfillError(Exception):
    """Documents changed during every pass of a backfill; running the migration again continues it."""


def open_mongo(settings: MongoSettings) -> Client:
    """A client that connects at its first command. A write is answered when a majority has it in its journal."""
    return AsyncMongoClient(
        settings.url,
        tz_aware=True,
        tzinfo=UTC,
        uuidRepresentation="standard",
        w="majority",
        journal=True,
        retryWrites=True,
        timeoutMS=settings.timeout_ms,
        maxPoolSize=settings.max_pool,
        appname="grome",
        event_listeners=[PoolMetrics(), *([CommandSpans()] if is_tracing() else [])],
    )


async def close_mongo(client: Client) -> None:
    """Close the client within a second.

    The driver ends its sessions on the server, and would search an unavailable server for 30 s, longer than Ctrl-C may
    take.
    """
    with pymongo.timeout(1):
        await client.close()


@contextmanager
def without_deadline() -> Iterator[None]:
    """Let commands inside take as long as they need, e.g. a backup."""
    with pymongo.timeout(0):
        yield


def database(client: Client, settings: MongoSettings) -> Database:
    # A database taken from a client with tzinfo set still needs it said once more for raw aggregations.
    options: CodecOptions[Document] = CodecOptions(
        document_class=dict, tz_aware=True, tzinfo=UTC, uuid_representation=4
    )
    return client.get_database(settings.database, codec_options=options)


def with_weak_writes(collection: Collection) -> Collection:
    """Return the collection with fast writes that a failover may roll back, for writes that are repeated if lost."""
    return collection.with_options(write_concern=WriteConcern(w=1, j=False))


def is_transient_fault(error: BaseException) -> bool:
    """Return whether the same operation may succeed a moment later: server away, electing, too slow or unsure."""
    passing = (
        ConnectionFailure,
        ExecutionTimeout,
        NetworkTimeout,
        NotPrimaryError,
        WaitQueueTimeoutError,
        WriteConcernError,
    )
    return isinstance(error, passing) or (isinstance(error, PyMongoError) and error.timeout)


def describe_fault(error: DriverError) -> str:
    """Return a reason in our own words, since the words of the driver would tell strangers our addresses."""
    if isinstance(error, OperationFailure) and error.code in _CREDENTIALS_REFUSED:
        return "refuses our credentials"
    return "has no primary" if isinstance(error, NotPrimaryError) else "is not reachable"


def has_lost_primary(client: Client) -> bool:
    """Return whether members of the replica set are known, and none of them takes writes."""
    topology = client.topology_description
    is_known = any(server.is_readable for server in topology.server_descriptions().values())
    return is_known and not topology.has_writable_server()


def to_document(value: msgspec.Struct) -> Document:
    """The BSON document of a Struct: instants and UUIDs stay themselves, enums become their values."""
    document: Document = msgspec.to_builtins(value, builtin_types=(bytes, datetime, UUID))
    return document


def from_document(document: Document, struct: type[T]) -> T:
    """The Struct of a document that our own validators let in."""
    return msgspec.convert(document, struct)


def split_batch(batch: bytes) -> Iterator[bytes]:
    """The documents of a raw batch, each of which begins with its length (bsonspec.org)."""
    start = 0
    while start < len(batch):
        end = start + int.from_bytes(batch[start : start + 4], "little")
        yield batch[start:end]
        start = end


def decode_bson(raw: bytes) -> Document:
    """Decode a document's bytes. UUIDs stay binary values."""
    return bson.decode(raw, _RAW)


def decode_batch(batch: bytes) -> list[Document]:
    """Decode the documents of a raw batch, in a quarter of the time that `decode_bson` takes for them.

    UUIDs of fields with a name that ends with `_id` become plain bytes, which the driver makes in C.
    """
    return bson.decode_all(batch.replace(_ID_IS_UUID, _ID_IS_BYTES), _RAW)


def from_bson(raw: bytes, struct: type[T]) -> T:
    """The Struct of a document's bytes. UUIDs are made by msgspec, in half the time that the driver takes for them."""
    return msgspec.convert(bson.decode(raw, _RAW), struct)


@dataclass(frozen=True, slots=True)
class CollectionSpec:
    """Declares a collection of a repository: its name, `$jsonSchema` validator and indexes."""

    name: str
    validator: Document
    indexes: Sequence[IndexModel]


async def apply_collection(database: Database, spec: CollectionSpec) -> None:
    """Create the collection if it is missing, set its validator, and build its missing indexes.

    The validation level `moderate` allows updates of documents that were stored before a bound existed, e.g. to end
    them.
    """
    rules: Document = {"validator": spec.validator, "validationLevel": "moderate"}
    try:
        # Without the driver's own look whether it exists: between that and the making another process could make it.
        await database.create_collection(spec.name, check_exists=False, **rules)
    except OperationFailure as error:
        if error.code != _NAMESPACE_EXISTS:
            raise
        await database.command({"collMod": spec.name, **rules})
    if spec.indexes:
        await database[spec.name].create_indexes(list(spec.indexes))


async def insert_missing(collection: Collection, documents: Sequence[Document]) -> int:
    """Insert those that no unique index refuses and leave the rest; returns how many were inserted."""
    try:
        added = await collection.insert_many(documents, ordered=False)
    except BulkWriteError as error:
        told = error.details
        if told["writeConcernErrors"] or any(fault["code"] != _DUPLICATE_KEY for fault in told["writeErrors"]):
            raise
        return int(told["nInserted"])
    return len(added.inserted_ids)


async def insert_in_order(collection: Collection, documents: Sequence[bytes]) -> int:
    """Insert encoded documents up to the first that a unique index refuses; returns how many were inserted."""
    try:
        added = await collection.insert_many([cast("Document", RawBSONDocument(raw)) for raw in documents])
    except BulkWriteError as error:
        told = error.details
        if told["writeConcernErrors"] or any(fault["code"] != _DUPLICATE_KEY for fault in told["writeErrors"]):
            raise
        return int(told["nInserted"])
    return len(added.inserted_ids)


def encode_bson(document: Document) -> bytes:
    """Encode a document as the driver does for a write."""
    return bson.encode(document, codec_options=_UUIDS)


async def backfill(
    collection: Collection, name: str, whole: Callable[[Document], Document], among: Document | None = None
) -> None:
    """Write into each document without the field `name` the fields that `whole` returns for it, `name` among them.

    `among` narrows the documents. The application may write at the same time: a document that has changed since it was
    read is left alone and read again in the next pass. Raises BackfillError after ten passes.
    """
    lacking: Document = {**(among or {}), name: {"$exists": False}}
    for _ in range(_BACKFILL_PASSES):
        after: Document = {}
        while old := await collection.find({**lacking, **after}).sort("_id", 1).limit(_BATCH).to_list():
            # All fields of a document in one update, since the validator refuses a half-filled one.
            await collection.bulk_write([_backfill_unchanged(one, name, whole(one)) for one in old])
            after = {"_id": {"$gt": old[-1]["_id"]}}
        if not after:
            return
    raise BackfillError(f"{collection.name} kept changing while the field {name!r} was filled in")


def _backfill_unchanged(old: Document, name: str, filled: Document) -> UpdateOne:
    """An update that matches only while all fields of `filled`, and the version, are as they were read."""
    read = {field: old[field] for field in (filled.keys() | {"version"}) & old.keys()}
    absent = {field: {"$exists": False} for field in filled.keys() - old.keys()}
    new = {field: value for field, value in filled.items() if field in absent or value != old[field]}
    return UpdateOne({name: {"$exists": False}, **absent, **read, "_id": old["_id"]}, {"$set": new})


async def drop_index(collection: Collection, name: str) -> None:
    """Drop one that may be gone already."""
    try:
        await collection.drop_index(name)
    except OperationFailure as error:
        if error.code != _INDEX_NOT_FOUND:
            raise
