"""Store the audit trail in MongoDB. Records are only inserted, each with its place in the chain."""

import hashlib
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Final, cast
from uuid import UUID

from msgspec import Meta, Struct, field
from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern

from grome.audit.models import AuditHead, AuditRecord, EarlierRecords, StoredAddressKey
from grome.infrastructure.mongo.client import (
    CollectionSpec,
    Database,
    Document,
    from_document,
    insert_in_order,
    insert_missing,
    split_batch,
    to_document,
)
from grome.infrastructure.mongo.hash_chain import GENESIS, Seal
from grome.infrastructure.mongo.schema import validator_for
from grome.infrastructure.outbox.models import EventType

_SCAN_BATCH: Final = 2_000
_CHAINED: Final[Document] = {"seq": {"$gt": 0}}
_OUTSIDE: Final[Document] = {"seq": {"$not": {"$gt": 0}}}
_NEWEST: Final = (("at", -1), ("_id", -1))


def _validator() -> Document:
    validator = validator_for(AuditRecord)
    fields = validator["$jsonSchema"]["properties"]
    fields["seq"] = {"bsonType": "long", "minimum": 1}
    fields["mac"] = fields["prev_hash"] = fields["hash"] = {"bsonType": "binData"}
    return validator


COLLECTION: Final = CollectionSpec(
    "audit",
    _validator(),
    [
        IndexModel(list(_NEWEST), name="all"),
        IndexModel([("subject_id", 1), *_NEWEST], name="subject"),
        IndexModel([("actor_id", 1), *_NEWEST], name="actor"),
        IndexModel([("people", 1), *_NEWEST], name="person"),
        IndexModel([("type", 1), *_NEWEST], name="type"),
        IndexModel("seq", name="seq", unique=True, partialFilterExpression=_CHAINED),
    ],
)
HEADS: Final = CollectionSpec(
    "audit_heads", validator_for(AuditHead), [IndexModel("number", name="number", unique=True)]
)
ADDRESS_KEYS: Final = CollectionSpec("audit_address_keys", validator_for(StoredAddressKey), [])
COLLECTIONS: Final = (COLLECTION, HEADS)


class AfterRecord(Struct, frozen=True):
    """Holds the position at which a page of the list ended."""

    at: Annotated[datetime, Meta(tz=True)]
    id: UUID


class RecordedSubject(Struct, frozen=True):
    """Names the document that a record is about."""

    id: UUID = field(name="_id")
    type: EventType
    subject_id: UUID
    at: datetime

    @property
    def family(self) -> str:
        return self.type.partition(".")[0]


class AuditRepository:
    def __init__(self, database: Database) -> None:
        self._records = database[COLLECTION.name]
        # Of the end of the chain, only what no failover can take back.
        self._settled = self._records.with_options(read_concern=ReadConcern("majority"))

    async def get_end(self) -> Seal:
        """Return the seal of the last record, or GENESIS."""
        found = await self._settled.find_one(_CHAINED, {"seq": 1, "prev_hash": 1, "hash": 1}, sort=[("seq", -1)])
        return Seal(int(found["seq"]), found.get("prev_hash", b""), found.get("hash", b"")) if found else GENESIS

    async def find_recorded(self, ids: Collection[UUID]) -> set[UUID]:
        """Return the ids among these that have a record."""
        found = self._settled.find({"_id": {"$in": list(ids)}}, {"_id": 1})
        return {document["_id"] async for document in found}

    async def append(self, documents: Sequence[bytes]) -> int:
        """Insert sealed records in their order, up to the first with an id or a place that is taken.

        Returns the number of inserted records.
        """
        return await insert_in_order(self._records, documents)

    async def page(self, query: Document, after: AfterRecord | None, limit: int) -> list[AuditRecord]:
        """Return a page of the records that match `query`, latest first."""
        if after:
            behind = [{"at": {"$lt": after.at}}, {"at": after.at, "_id": {"$lt": after.id}}]
            query = {"$and": [query, {"$or": behind}]}
        found = self._records.find(query).sort(list(_NEWEST)).limit(limit)
        return [from_document(document, AuditRecord) async for document in found]

    async def list_subjects(
        self, since: datetime, until: datetime, after: AfterRecord | None, limit: int
    ) -> list[RecordedSubject]:
        """Return the subjects of the records of [since, until) that have an origin, from the oldest on."""
        query: Document = {"at": {"$gte": since, "$lt": until}, "origin": {"$ne": None}}
        if after:
            behind = [{"at": after.at, "_id": {"$gt": after.id}}, {"at": {"$gt": after.at}}]
            query = {"$and": [{**query, "at": {"$gte": after.at, "$lt": until}}, {"$or": behind}]}
        found = self._records.find(query, {"type": 1, "subject_id": 1, "at": 1}).sort([("at", 1), ("_id", 1)])
        return [from_document(document, RecordedSubject) async for document in found.limit(limit)]

    async def scan(self, first: int, last: int) -> AsyncIterator[bytes]:
        """Yield the bytes of the records with these numbers, in batches, in their order."""
        query = {"seq": {"$gte": first, "$lte": last}}
        async for batch in self._records.find_raw_batches(query, batch_size=_SCAN_BATCH).sort("seq", 1):
            yield cast("bytes", batch)

    async def describe_earlier(self) -> EarlierRecords:
        """Describe the records outside the chain: those from before it, unless others were added."""
        count, digest = 0, hashlib.sha256()
        async for batch in self._settled.find_raw_batches(_OUTSIDE, batch_size=_SCAN_BATCH).sort("_id", 1):
            raw = cast("bytes", batch)
            digest.update(raw)
            count += len(list(split_batch(raw)))
        return EarlierRecords(count, digest.digest())

    async def have_grown_outside(self, known: EarlierRecords) -> bool:
        """Return whether there are more records outside the chain, by counts that the server has at hand."""
        total = await self._records.estimated_document_count()
        return total - (await self.get_end()).seq > known.count


class AuditHeadRepository:
    def __init__(self, database: Database) -> None:
        self._heads = database[HEADS.name]

    async def find_newest(self) -> AuditHead | None:
        document = await self._heads.find_one({}, sort=[("number", -1)])
        return from_document(document, AuditHead) if document else None

    async def list_all(self) -> list[AuditHead]:
        """Return all heads, oldest first; there is one for each day."""
        return [from_document(document, AuditHead) async for document in self._heads.find().sort("number", 1)]

    async def put(self, head: AuditHead) -> None:
        """Store the head of a day in place of an earlier head of the day. A head that is not newer changes nothing."""
        document = to_document(head)
        older = {"_id": document.pop("_id"), "seq": {"$lte": head.seq}}
        with suppress(DuplicateKeyError):  # another process has stored a newer head, or the head of another day
            await self._heads.update_one(older, {"$set": document}, upsert=True)


class AddressKeyRepository:
    def __init__(self, database: Database) -> None:
        self._keys = database[ADDRESS_KEYS.name]

    async def find_many(self, months: Collection[str]) -> list[StoredAddressKey]:
        return await self._list({"_id": {"$in": list(months)}})

    async def list_all(self) -> list[StoredAddressKey]:
        """Return all keys; there is one for each month of the retention time."""
        return await self._list({})

    async def add_missing(self, keys: Sequence[StoredAddressKey]) -> None:
        """Store the keys of months without a key."""
        if keys:
            await insert_missing(self._keys, [to_document(key) for key in keys])

    async def remove_before(self, month: str) -> int:
        """Remove the keys of earlier months; returns their number."""
        return (await self._keys.delete_many({"_id": {"$lt": month}})).deleted_count

    async def replace_sealed(self, key: StoredAddressKey, sealed: bytes) -> None:
        """Replace a sealed key by the same key sealed anew, unless it was removed meanwhile."""
        await self._keys.update_one({"_id": key.month, "sealed": key.sealed}, {"$set": {"sealed": sealed}})

    async def _list(self, wanted: Document) -> list[StoredAddressKey]:
        return [from_document(document, StoredAddressKey) async for document in self._keys.find(wanted)]
