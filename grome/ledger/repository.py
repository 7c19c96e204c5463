"""Store journal entries in MongoDB. Entries are only inserted, and sealed once."""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final, cast
from uuid import UUID

from bson import Int64
from msgspec import Struct
from pymongo import IndexModel, UpdateOne

from grome.infrastructure.mongo.client import (
    CollectionSpec,
    Database,
    Document,
    decode_bson,
    from_document,
    split_batch,
    to_document,
)
from grome.infrastructure.mongo.hash_chain import GENESIS, Seal
from grome.infrastructure.mongo.schema import validator_for
from grome.infrastructure.mongo.transactions import Session
from grome.ledger.models import AccountBalance, Entry, StoredTotal, Total

_SEAL_FIELDS: Final = ("seq", "prev_hash", "hash")
_UNSEALED: Final[Document] = {"seq": None}
_SEALED: Final[Document] = {"seq": {"$gt": 0}}
_NEWEST: Final = (("at", -1), ("_id", -1))
_SCAN_BATCH: Final = 2_000
_PAGE: Final = 200
_EXPORT_PAGE: Final = 2_000


def _validator() -> Document:
    validator = validator_for(Entry)
    fields = validator["$jsonSchema"]["properties"]
    # Sealing adds these fields in the layout that `chain` reads; they are never null.
    fields["seq"] = {"bsonType": "long", "minimum": 1}
    fields["prev_hash"] = fields["hash"] = {"bsonType": "binData"}
    fields["lines"]["minItems"] = 2
    return {**validator, "$expr": {"$eq": [{"$sum": "$lines.amount"}, 0]}}


def _index(name: str, *fields: tuple[str, int], only: Document | None = None, unique: bool = False) -> IndexModel:
    partial = {"partialFilterExpression": only} if only else {}
    return IndexModel(list(fields), name=name, unique=unique, **partial)


ENTRIES: Final = CollectionSpec(
    "ledger_entries",
    _validator(),
    [
        _index("external_ref", ("external_ref", 1), only={"external_ref": {"$type": "string"}}, unique=True),
        _index("seq", ("seq", 1), only=_SEALED, unique=True),
        _index("unsealed", ("at", 1), ("_id", 1), only=_UNSEALED),
        _index("unsealed_account", ("lines.account", 1), ("currency", 1), only=_UNSEALED),
        _index("account", ("lines.account", 1), *_NEWEST),
        _index("newest", *_NEWEST),
        # A payment or booking has few entries, which are sorted in memory.
        _index("payment", ("payment_id", 1)),
        _index("booking", ("booking_id", 1)),
    ],
)
TOTALS: Final = CollectionSpec("ledger_totals", validator_for(StoredTotal), [_index("name", ("name", 1))])


class AfterEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """The position at which a page of entries ended."""

    at: datetime
    id: str


class LedgerRepository:
    def __init__(self, database: Database) -> None:
        self._client = database.client
        self._entries, self._totals = database[ENTRIES.name], database[TOTALS.name]

    @asynccontextmanager
    async def reading(self, session: Session | None) -> AsyncGenerator[Session]:
        """Give a session with reads at one point in time: `session` of a transaction, or a session for reads only."""
        if session is not None:
            yield session
        else:
            async with self._client.start_session(snapshot=True) as new:
                yield new

    async def find_same(self, session: Session, entries: Sequence[Entry]) -> list[Entry]:
        """Return the stored entries that have the id or the balance transaction of an entry in `entries`."""
        refs = [entry.external_ref for entry in entries if entry.external_ref is not None]
        same = {"$or": [{"_id": {"$in": [entry.id for entry in entries]}}, {"external_ref": {"$in": refs}}]}
        return [from_document(found, Entry) async for found in self._entries.find(same, session=session)]

    async def insert(self, session: Session, entries: Sequence[Entry]) -> None:
        await self._entries.insert_many([_unsealed(entry) for entry in entries], session=session)

    async def has(self, entry_id: str) -> bool:
        return await self._entries.find_one({"_id": entry_id}, {"_id": 1}) is not None

    async def list_of_payment(self, payment_id: UUID, session: Session | None = None) -> list[Entry]:
        found = self._entries.find({"payment_id": payment_id}, session=session)
        return [from_document(document, Entry) async for document in found]

    async def list_page(self, query: Document, after: AfterEntry | None, limit: int) -> list[Entry]:
        """Return the newest entries that match `query`, or the newest after the position `after`."""
        if after:
            query = {**query, "$or": [{"at": {"$lt": after.at}}, {"at": after.at, "_id": {"$lt": after.id}}]}
        found = self._entries.find(query).sort(list(_NEWEST)).limit(limit)
        return [from_document(document, Entry) async for document in found]

    async def iter_between(self, query: Document, start: datetime, end: datetime) -> AsyncGenerator[list[Entry]]:
        """Yield batches of the entries that match `query`, oldest first. No cursor stays open between the batches."""
        after: Document = {"at": {"$gte": start}}
        while True:
            bounded = {"$and": [query, {"at": {"$lt": end}}, after]}
            found = self._entries.find(bounded).sort([("at", 1), ("_id", 1)]).limit(_PAGE)
            batch = [from_document(document, Entry) async for document in found]
            if batch:
                yield batch
            if len(batch) < _PAGE:
                return
            last = batch[-1]
            after = {"at": {"$gte": last.at}, "$or": [{"at": {"$gt": last.at}}, {"_id": {"$gt": last.id}}]}

    async def iter_all(self) -> AsyncGenerator[list[Entry]]:
        """Yield batches of all entries: the sealed entries in their order, then the others by time."""
        head = 0
        while batch := await self._list_sealed_after(head):
            yield batch
            head = batch[-1].seq or 0
        found = self._entries.find(_UNSEALED).sort([("at", 1), ("_id", 1)])
        yield (unsealed := [from_document(document, Entry) async for document in found])
        done = {entry.id for entry in unsealed}
        while batch := await self._list_sealed_after(head):  # sealed since the last read
            yield [entry for entry in batch if entry.id not in done]
            head = batch[-1].seq or 0

    async def _list_sealed_after(self, seq: int) -> list[Entry]:
        found = self._entries.find({"seq": {"$gt": seq}}).sort("seq", 1).limit(_EXPORT_PAGE)
        return [from_document(document, Entry) async for document in found]

    async def sum_lines(self, session: Session, match: Document, accounts: Document) -> list[AccountBalance]:
        """Sum the lines on `accounts`, a condition on the name, of the entries in `match`."""
        stages: list[Document] = [
            {"$match": {"lines.account": accounts, **match}},
            {"$unwind": "$lines"},
            {"$match": {"lines.account": accounts}},
            {
                "$group": {
                    "_id": {"account": "$lines.account", "currency": "$currency"},
                    "amount": {"$sum": "$lines.amount"},
                }
            },
            {"$match": {"amount": {"$ne": 0}}},
        ]
        sums = await self._entries.aggregate(stages, session=session)
        return [AccountBalance(one["_id"]["account"], one["_id"]["currency"], one["amount"]) async for one in sums]

    async def sum_unsealed(self, session: Session, accounts: Document, match: Document) -> list[AccountBalance]:
        """Sum the lines on `accounts` that the totals do not contain yet."""
        return await self.sum_lines(session, {**match, **_UNSEALED}, accounts)

    async def list_totals(self, session: Session, name: Document) -> list[AccountBalance]:
        """Return the stored totals with a name that fits the condition `name`."""
        found = self._totals.find({"name": name}, session=session)
        return [AccountBalance(one["name"], one["currency"], one["amount"]) async for one in found]

    async def get_head(self, session: Session) -> Seal:
        """Return the newest seal of the chain."""
        found = await self._entries.find_one(_SEALED, _SEAL_FIELDS, sort=[("seq", -1)], session=session)
        return Seal(int(found["seq"]), found["prev_hash"], found["hash"]) if found else GENESIS

    async def list_unsealed(self, session: Session, before: datetime, limit: int) -> list[tuple[bytes, Document]]:
        """Return the oldest entries that are not sealed, as bytes and decoded."""
        query = {**_UNSEALED, "at": {"$lte": before}}
        found = self._entries.find_raw_batches(query, session=session).sort([("at", 1), ("_id", 1)]).limit(limit)
        return [(raw, decode_bson(raw)) async for batch in found for raw in split_batch(cast("bytes", batch))]

    async def write_seals(self, session: Session, seals: Sequence[tuple[str, Seal]]) -> None:
        updates = [
            UpdateOne(
                {"_id": entry_id, **_UNSEALED},
                {"$set": {"seq": Int64(seal.seq), "prev_hash": seal.prev_hash, "hash": seal.hash}},
            )
            for entry_id, seal in seals
        ]
        await self._entries.bulk_write(updates, session=session)

    async def add_to_totals(self, session: Session, totals: Mapping[Total, int], seq: int) -> None:
        updates = [
            UpdateOne(
                {"_id": f"{name}|{currency}"},
                {
                    "$inc": {"amount": Int64(amount)},
                    "$set": {"seq": Int64(seq)},
                    "$setOnInsert": {"name": name, "currency": currency},
                },
                upsert=True,
            )
            for (name, currency), amount in totals.items()
        ]
        await self._totals.bulk_write(updates, ordered=False, session=session)

    async def scan_sealed(self, until: int) -> AsyncIterator[bytes]:
        """Yield the bytes of all sealed entries up to the number `until`, in batches, in their order."""
        query = {"seq": {"$gt": 0, "$lte": until}}
        async for batch in self._entries.find_raw_batches(query, batch_size=_SCAN_BATCH).sort("seq", 1):
            yield cast("bytes", batch)

    async def last_total(self, session: Session) -> int:
        """Return the number of the newest entry that the totals contain."""
        found = await self._totals.find_one({}, {"seq": 1}, sort=[("seq", -1)], session=session)
        return int(found["seq"]) if found else 0

    async def list_unbalanced_unsealed(self, limit: int) -> list[str]:
        """Return ids of entries that are not sealed, and that the validator would refuse."""
        unbalanced = {"$expr": {"$ne": [{"$sum": "$lines.amount"}, 0]}}
        found = self._entries.find({**_UNSEALED, **unbalanced}, {"_id": 1}, hint="unsealed").limit(limit)
        return [document["_id"] async for document in found]

    async def count_unsealed(self) -> int:
        return await self._entries.count_documents(_UNSEALED, hint="unsealed")


def starting_with(prefix: str) -> Document:
    """Return the condition that a name begins with `prefix`; an index serves it."""
    return {"$regex": f"^{re.escape(prefix)}"}


def _unsealed(entry: Entry) -> Document:
    document = to_document(entry)
    for name in _SEAL_FIELDS:
        del document[name]
    return document
