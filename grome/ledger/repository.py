"""Store journal entries in MongoDB. Entries are only inserted; there is no method that changes their content."""

import re
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from pymongo import IndexModel

from grome.infrastructure.mongo.client import CollectionSpec, Database, Document, from_document, to_document
from grome.infrastructure.mongo.schema import validator_for
from grome.infrastructure.mongo.transactions import Session
from grome.ledger.models import AccountBalance, Entry

_BALANCED: Final[Document] = {
    "$expr": {"$and": [{"$eq": [{"$sum": "$lines.amount"}, 0]}, {"$gte": [{"$size": "$lines"}, 2]}]}
}
_IS_STRING: Final[Document] = {"$type": "string"}

ENTRIES: Final = CollectionSpec(
    "ledger_entries",
    {**validator_for(Entry), **_BALANCED},
    [
        IndexModel(
            "external_ref", name="external_ref", unique=True, partialFilterExpression={"external_ref": _IS_STRING}
        ),
        IndexModel("seq", name="seq", unique=True, partialFilterExpression={"seq": {"$type": "number"}}),
        IndexModel([("lines.account", 1), ("currency", 1), ("seq", 1)], name="account"),
        IndexModel([("barber_id", 1), ("at", -1), ("_id", -1)], name="statement"),
        IndexModel([("payment_id", 1), ("at", -1), ("_id", -1)], name="payment"),
        IndexModel([("booking_id", 1), ("at", -1), ("_id", -1)], name="booking"),
    ],
)


class LedgerRepository:
    def __init__(self, database: Database) -> None:
        self._entries = database[ENTRIES.name]

    async def find_same(self, session: Session, entries: Sequence[Entry]) -> list[Entry]:
        """Return the stored entries that have the id or the balance transaction of an entry in `entries`."""
        refs = [entry.external_ref for entry in entries if entry.external_ref is not None]
        same = {"$or": [{"_id": {"$in": [entry.id for entry in entries]}}, {"external_ref": {"$in": refs}}]}
        return [from_document(found, Entry) async for found in self._entries.find(same, session=session)]

    async def insert(self, session: Session, entries: Sequence[Entry]) -> None:
        await self._entries.insert_many([to_document(entry) for entry in entries], session=session)

    async def has(self, entry_id: str) -> bool:
        return await self._entries.find_one({"_id": entry_id}, {"_id": 1}) is not None

    async def list_of_payment(self, payment_id: UUID, session: Session | None = None) -> list[Entry]:
        found = self._entries.find({"payment_id": payment_id}, session=session)
        return [from_document(document, Entry) async for document in found]

    async def sum_lines(self, match: Document, accounts: Document, session: Session | None) -> list[AccountBalance]:
        """Sum the lines on `accounts`, a condition on the name, of the entries in `match`."""
        stages: list[Document] = [
            {"$match": match},
            {"$unwind": "$lines"},
            {"$match": {"lines.account": accounts}},
            {
                "$group": {
                    "_id": {"account": "$lines.account", "currency": "$currency"},
                    "amount": {"$sum": "$lines.amount"},
                }
            },
        ]
        sums = await self._entries.aggregate(stages, session=session)
        return [AccountBalance(one["_id"]["account"], one["_id"]["currency"], one["amount"]) async for one in sums]

    async def balance(self, account: str, currency: str, session: Session | None = None) -> int:
        match = {"lines.account": account, "currency": currency}
        return sum(one.amount for one in await self.sum_lines(match, {"$eq": account}, session))

    async def balances(self, prefix: str, session: Session | None = None) -> list[AccountBalance]:
        begins = {"$regex": f"^{re.escape(prefix)}"}
        return await self.sum_lines({"lines.account": begins} if prefix else {}, begins, session)
