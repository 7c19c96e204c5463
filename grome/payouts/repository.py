"""Store payouts and payout accounts in MongoDB."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from msgspec import Meta, Struct
from pymongo import IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from grome.infrastructure.mongo.client import CollectionSpec, Database, Document, from_document, to_document
from grome.infrastructure.mongo.schema import validator_for
from grome.infrastructure.mongo.transactions import Session
from grome.payouts.models import (
    MAX_ENTRIES,
    TRANSFERS_ACTIVE,
    AccountEntry,
    Payout,
    PayoutAccount,
    PayoutEntry,
    PayoutState,
)

_NEWEST: Final = [("created_at", -1), ("_id", -1)]

PAYOUTS: Final = CollectionSpec(
    "payouts",
    validator_for(Payout),
    [
        IndexModel([("barber_id", 1), *_NEWEST], name="barber"),
        IndexModel([("state", 1), *_NEWEST], name="state"),
        IndexModel(_NEWEST, name="all"),
        IndexModel([("barber_id", 1), ("currency", 1), ("until", -1)], name="last"),
        IndexModel([("sent_at", 1), ("_id", 1)], name="sent", partialFilterExpression={"sent_at": {"$type": "date"}}),
        IndexModel([("open", 1), ("_id", 1)], name="open", partialFilterExpression={"open": True}),
        # A transfer is never booked for two payouts.
        IndexModel(
            "transfer_id", name="transfer", unique=True, partialFilterExpression={"transfer_id": {"$type": "string"}}
        ),
    ],
)
ACCOUNTS: Final = CollectionSpec(
    "payout_accounts",
    validator_for(PayoutAccount),
    [
        IndexModel("stripe_id", name="stripe", unique=True, partialFilterExpression={"stripe_id": {"$type": "string"}}),
        IndexModel([("transfers", 1), ("_id", 1)], name="transfers"),
    ],
)
# Payouts after which the balance is paid: the money of the others is payable again.
_MADE: Final = {"state": {"$in": [PayoutState.CREATED.value, PayoutState.SENT.value]}}


class AfterPayout(Struct, frozen=True, forbid_unknown_fields=True):
    """The position at which a page of the list ended."""

    at: Annotated[datetime, Meta(tz=True)]
    id: UUID


class PayoutRepository:
    def __init__(self, database: Database) -> None:
        self._payouts = database[PAYOUTS.name]

    async def insert(self, session: Session, payout: Payout) -> None:
        """Store a payout. Raises the driver's DuplicateKeyError if its period has a payout."""
        await self._payouts.insert_one(to_document(payout), session=session)

    async def find(
        self, payout_id: UUID, scope: Document | None = None, session: Session | None = None
    ) -> Payout | None:
        document = await self._payouts.find_one({**(scope or {}), "_id": payout_id}, session=session)
        return from_document(document, Payout) if document else None

    async def update(
        self, payout: Payout, fields: Mapping[str, Any], entry: PayoutEntry | None, session: Session | None = None
    ) -> Payout | None:
        """Update a payout and append the entry. Returns None if another process has changed the payout."""
        version = payout.version + 1
        push = {"$push": {"history": to_document(entry)}} if entry else {}
        document = await self._payouts.find_one_and_update(
            {"_id": payout.id, "version": payout.version},
            {"$set": {**fields, "version": version}, **push},
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        return from_document(document, Payout) if document else None

    async def last_until(self, session: Session, barber_id: UUID, currency: str) -> datetime | None:
        """Return the end of the entries that earlier payouts paid, or None without a payout."""
        found = await self._payouts.find_one(
            {"barber_id": barber_id, "currency": currency, **_MADE},
            {"until": 1},
            sort=[("until", -1)],
            session=session,
        )
        return found["until"] if found else None

    async def was_paid(self, session: Session, barber_id: UUID, currency: str, at: datetime, before: datetime) -> bool:
        """Return whether a payout that was decided earlier than `before` pays the entries of the time `at`."""
        found = await self._payouts.find_one(
            {
                "barber_id": barber_id,
                "currency": currency,
                "until": {"$gte": at},
                "created_at": {"$lt": before},
                **_MADE,
            },
            {"_id": 1},
            session=session,
        )
        return found is not None

    async def list_page(self, scope: Document, after: AfterPayout | None, limit: int) -> list[Payout]:
        """Return a page, the newest payouts first."""
        query = dict(scope)
        if after:
            query["$or"] = [{"created_at": {"$lt": after.at}}, {"created_at": after.at, "_id": {"$lt": after.id}}]
        found = self._payouts.find(query).sort(_NEWEST).limit(limit)
        return [from_document(document, Payout) async for document in found]

    async def list_open(self, after: UUID | None, limit: int) -> list[UUID]:
        """Return the ids of payouts with something to do at Stripe, in the order of the ids."""
        query: Document = {"open": True, **({"_id": {"$gt": after}} if after else {})}
        return [found["_id"] async for found in self._payouts.find(query, {"_id": 1}).sort("_id", 1).limit(limit)]

    async def iter_sent(
        self, scope: Document, first: datetime, end: datetime, batch: int
    ) -> AsyncIterator[list[Payout]]:
        """Yield the payouts that were sent from `first` until before `end`, in the order of time."""
        after: Document = {}
        span = {"sent_at": {"$gte": first, "$lt": end}}
        while (
            found := await self._payouts.find({**scope, **span, **after})
            .sort([("sent_at", 1), ("_id", 1)])
            .limit(batch)
            .to_list()
        ):
            payouts = [from_document(document, Payout) for document in found]
            yield payouts
            last = found[-1]
            after = {
                "$or": [
                    {"sent_at": {"$gt": last["sent_at"]}},
                    {"sent_at": last["sent_at"], "_id": {"$gt": last["_id"]}},
                ]
            }


class PayoutAccountRepository:
    def __init__(self, database: Database) -> None:
        self._accounts = database[ACCOUNTS.name]

    async def find(self, barber_id: UUID, session: Session | None = None) -> PayoutAccount | None:
        document = await self._accounts.find_one({"_id": barber_id}, session=session)
        return from_document(document, PayoutAccount) if document else None

    async def find_by_stripe_id(self, stripe_id: str) -> PayoutAccount | None:
        """Find the account that is in use under this id; former accounts are not found."""
        document = await self._accounts.find_one({"stripe_id": stripe_id})
        return from_document(document, PayoutAccount) if document else None

    async def add(self, account: PayoutAccount) -> bool:
        """Return False if the barber has an account."""
        try:
            await self._accounts.insert_one(to_document(account))
        except DuplicateKeyError:
            return False
        return True

    async def update(
        self, account: PayoutAccount, fields: Mapping[str, Any], entry: AccountEntry | None = None
    ) -> PayoutAccount | None:
        """Update an account and append the entry. Returns None if another process has changed the account."""
        push = {"outbox": {"$each": [to_document(entry)], "$slice": -MAX_ENTRIES}} if entry else None
        document = await self._accounts.find_one_and_update(
            {"_id": account.id, "version": account.version},
            {"$set": {**fields, "version": account.version + 1}, **({"$push": push} if push else {})},
            return_document=ReturnDocument.AFTER,
        )
        return from_document(document, PayoutAccount) if document else None

    async def begin_decision(self, session: Session, barber_id: UUID, period: str | None) -> PayoutAccount | None:
        """Mark a decision about payouts. Returns None if the account cannot be paid, or the period was decided before.

        Two decisions at a time conflict, since both write the document. Without a period, the decision is an extra one.
        """
        document = await self._accounts.find_one_and_update(
            {"_id": barber_id, **_PAYABLE, **({"planned": {"$lt": period}} if period else {})},
            {"$inc": {"decisions": 1}, **({"$set": {"planned": period}} if period else {})},
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        return from_document(document, PayoutAccount) if document else None

    async def list_due(self, period: str, after: UUID | None, limit: int) -> list[UUID]:
        """Return the barbers that can be paid and about which no decision was made in the period."""
        query: Document = {**_PAYABLE, "planned": {"$lt": period}, **({"_id": {"$gt": after}} if after else {})}
        return [found["_id"] async for found in self._accounts.find(query, {"_id": 1}).sort("_id", 1).limit(limit)]


_PAYABLE: Final = {
    "transfers": TRANSFERS_ACTIVE,
    "closed": False,
    "hold": None,
    "stripe_id": {"$type": "string"},
}
