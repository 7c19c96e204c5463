"""Read from the ledger the money that Grome owes to barbers. All amounts are positive if Grome owes them."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from grome.infrastructure.mongo.client import Database, Document
from grome.infrastructure.mongo.transactions import Session
from grome.ledger.models import LedgerAmount, barber_payable
from grome.ledger.repository import ENTRIES


class Payable(Struct, frozen=True, kw_only=True):
    """The balance of a barber in a currency, and the parts of it that must not be paid out yet.

    `held` is the price of visits that are not over yet; it is no part of the balance.
    """

    currency: str
    balance: LedgerAmount
    on_hold: LedgerAmount
    disputed: LedgerAmount
    held: LedgerAmount

    @property
    def available(self) -> int:
        """Return the part that may be paid out; it is negative if the barber owes money."""
        return self.balance - self.on_hold - self.disputed


class DisputedCredit(Struct, frozen=True):
    """The money of a booking under dispute: credited at `credited_at`, disputed at `disputed_at`."""

    amount: LedgerAmount
    credited_at: datetime
    disputed_at: datetime


class BookingCredit(Struct, frozen=True):
    booking_id: UUID
    amount: LedgerAmount


class Payables:
    """Sums the barber's account in the caller's transaction, so that a decision and its entry fit each other."""

    def __init__(self, database: Database) -> None:
        self._entries = database[ENTRIES.name]

    async def credited_after(self, session: Session, barber_id: UUID, currency: str, moment: datetime) -> int:
        """Sum the credits after `moment`.

        Debits are no part of it, since they reduce a payout at once. Neither are mirror entries: money that comes back
        has waited before.
        """
        later = {"currency": currency, "at": {"$gt": moment}, "reverses": None}
        return await self._sum(session, barber_payable(barber_id), later, {"amount": {"$lt": 0}})

    async def disputed_credits(
        self, session: Session, barber_id: UUID, currency: str, until: datetime
    ) -> list[DisputedCredit]:
        """Return the money of each booking under dispute, credited up to `until`."""
        disputed = await self._disputed_bookings(session, currency)
        account = barber_payable(barber_id)
        pipeline: list[Document] = [
            {
                "$match": {
                    "booking_id": {"$in": list(disputed)},
                    "lines.account": account,
                    "currency": currency,
                    "at": {"$lte": until},
                }
            },
            {"$project": {"booking_id": 1, "at": 1, "amount": _amount_on(account)}},
            {"$group": {"_id": "$booking_id", "amount": {"$sum": "$amount"}, "at": {"$max": "$at"}}},
            {"$match": {"amount": {"$lt": 0}}},
        ]
        sums = await self._entries.aggregate(pipeline, session=session)
        return [DisputedCredit(-found["amount"], found["at"], disputed[found["_id"]]) async for found in sums]

    async def list_bookings(
        self, barber_id: UUID, currency: str, since: datetime | None, until: datetime, limit: int
    ) -> list[BookingCredit]:
        """Sum the entries after `since` and up to `until` by booking, without bookings that sum up to 0."""
        account = barber_payable(barber_id)
        span = {"$lte": until, **({"$gt": since} if since else {})}
        pipeline: list[Document] = [
            {
                "$match": {
                    "lines.account": account,
                    "currency": currency,
                    "at": span,
                    "booking_id": {"$type": "binData"},
                }
            },
            {"$project": {"booking_id": 1, "amount": _amount_on(account)}},
            {"$group": {"_id": "$booking_id", "amount": {"$sum": "$amount"}}},
            {"$match": {"amount": {"$ne": 0}}},
            {"$sort": {"_id": 1}},
            {"$limit": limit},
        ]
        sums = await self._entries.aggregate(pipeline)
        return [BookingCredit(found["_id"], -found["amount"]) async for found in sums]

    async def _sum(self, session: Session, account: str, entries: Document, amounts: Document) -> int:
        """Sum the account's amounts that match `amounts`, in the entries that match `entries`."""
        pipeline: list[Document] = [
            {"$match": {"lines.account": account, **entries}},
            {"$project": {"amount": _amount_on(account)}},
            {"$match": amounts},
            {"$group": {"_id": None, "amount": {"$sum": "$amount"}}},
        ]
        sums = await (await self._entries.aggregate(pipeline, session=session)).to_list()
        return -sums[0]["amount"] if sums else 0

    async def _disputed_bookings(self, session: Session, currency: str) -> dict[UUID, datetime]:
        """Return the bookings of all barbers with an open dispute, and the time at which it was opened."""
        of_dispute = {"$regex": "^disputes_held:"}
        pipeline: list[Document] = [
            {"$match": {"lines.account": of_dispute, "currency": currency}},
            {"$unwind": "$lines"},
            {"$match": {"lines.account": of_dispute}},
            {
                "$group": {
                    "_id": "$lines.account",
                    "amount": {"$sum": "$lines.amount"},
                    "booking_id": {"$first": "$booking_id"},
                    "at": {"$min": "$at"},
                }
            },
            {"$match": {"amount": {"$ne": 0}, "booking_id": {"$type": "binData"}}},
        ]
        sums = await self._entries.aggregate(pipeline, session=session)
        return {found["booking_id"]: found["at"] async for found in sums}


def _amount_on(account: str) -> Document:
    """Build the expression that sums the lines of an entry on the account."""
    own = {"$filter": {"input": "$lines", "cond": {"$eq": ["$$this.account", account]}}}
    return {"$sum": {"$map": {"input": own, "in": "$$this.amount"}}}
