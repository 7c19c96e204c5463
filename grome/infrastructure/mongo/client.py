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
    WriteError,
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
E = TypeVar("E")
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
class IndexReplacement:
    """Declares the indexes that take the place of the index `old` once a command has replaced it.

    `rule` builds a condition for the validator from the moment of the replacement. Its field names differ from
    `$jsonSchema`.
    """

    old: str
    new: Sequence[IndexModel]
    rule: Callable[[datetime], Document]

    @property
    def new_names(self) -> frozenset[str]:
        return frozenset(index.document["name"] for index in self.new)


@dataclass(frozen=True, slots=True)
class CollectionSpec:
    """Declares a collection of a repository: its name, `$jsonSchema` validator and indexes."""

    name: str
    validator: Document
    indexes: Sequence[IndexModel]
    replacement: IndexReplacement | None = None


async def apply_collection(database: Database, spec: CollectionSpec) -> None:
    """Create the collection if it is missing, set its validator, and build its missing indexes.

    The validation level `moderate` allows updates of documents that were stored before a bound existed, e.g. to end
    them. An index that was replaced stays away, and the rule that came with its replacement stays.
    """
    try:
        # Without the driver's own look whether it exists: between that and the making another process could make it.
        await database.create_collection(spec.name, check_exists=False, **_rules(spec.validator))
    except OperationFailure as error:
        if error.code != _NAMESPACE_EXISTS:
            raise
        await set_validator(database, spec)
    if indexes := [index for index in spec.indexes if not await _is_replaced(database, spec, index)]:
        await database[spec.name].create_indexes(indexes)


async def set_validator(database: Database, spec: CollectionSpec, rule: Document | None = None) -> None:
    """Set the validator, with the rule of a replacement: the given rule, or else the rule that is set."""
    if rule is None:
        rule = await find_rule(database, spec) if spec.replacement else {}
    await database.command({"collMod": spec.name, **_rules({**spec.validator, **rule})})


async def find_rule(database: Database, spec: CollectionSpec) -> Document:
    """Return the part of the stored validator that a replacement of an index has added; empty if there is none."""
    (described,) = await (await database.list_collections(filter={"name": spec.name})).to_list()
    validator: Document = described["options"].get("validator", {})
    return {name: condition for name, condition in validator.items() if name != "$jsonSchema"}


def _rules(validator: Document) -> Document:
    return {"validator": validator, "validationLevel": "moderate"}


async def _is_replaced(database: Database, spec: CollectionSpec, index: IndexModel) -> bool:
    if spec.replacement is None or index.document["name"] != spec.replacement.old:
        return False
    return spec.replacement.new_names <= (await database[spec.name].index_information()).keys()


async def insert_each(
    collection: Collection, documents: Sequence[Document], duplicate_error: Callable[[Document], E]
) -> list[E | DriverError | None]:
    """Insert the documents, and return None for each that is stored, else its error.

    `duplicate_error` builds the error of a document that a unique index refuses. If the call itself raises, no document
    is known to be stored.
    """
    verdicts: list[E | DriverError | None] = [None] * len(documents)
    try:
        await collection.insert_many(documents, ordered=False)
    except BulkWriteError as error:
        if unsure := error.details["writeConcernErrors"]:
            raise WriteConcernError(unsure[-1]["errmsg"], unsure[-1]["code"], unsure[-1]) from None
        for fault in error.details["writeErrors"]:
            # Only duplicate-key errors have a `keyPattern`. The document is kept out of the logs.
            details = {name: value for name, value in fault.items() if name != "op"}
            verdicts[fault["index"]] = (
                duplicate_error(fault) if "keyPattern" in fault else WriteError(fault["errmsg"], fault["code"], details)
            )
    return verdicts


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
