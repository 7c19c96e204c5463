"""Store payments and the customers at Stripe in MongoDB."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from msgspec import Meta, Struct
from pymongo import IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from grome.infrastructure.mongo.client import CollectionSpec, Database, Document, from_document, to_document
from grome.infrastructure.mongo.schema import validator_for
from grome.infrastructure.mongo.transactions import Session
from grome.payments.models import Payment, PaymentEntry, PaymentState, Purpose, StripeCustomer, payment_id_for

_IS_DATE: Final = {"$type": "date"}
_IS_TEXT: Final = {"$type": "string"}
COLLECTION = CollectionSpec(
    "payments",
    validator_for(Payment),
    [
        IndexModel("check_at", name="to_check", partialFilterExpression={"check_at": _IS_DATE}),
        IndexModel("attempt.at", name="attempt", partialFilterExpression={"attempt.at": _IS_DATE}),
        IndexModel("intent_id", name="intent", partialFilterExpression={"intent_id": _IS_TEXT}),
        IndexModel("charge_id", name="charge", partialFilterExpression={"charge_id": _IS_TEXT}),
        IndexModel([("customer_id", 1), ("created_at", -1), ("_id", -1)], name="customer"),
        IndexModel([("barber_id", 1), ("created_at", -1), ("_id", -1)], name="barber"),
        IndexModel([("created_at", -1), ("_id", -1)], name="all"),
    ],
)
CUSTOMERS = CollectionSpec(
    "payment_customers", validator_for(StripeCustomer), [IndexModel("stripe_id", name="stripe", unique=True)]
)
COLLECTIONS = (COLLECTION, CUSTOMERS)


class PaymentCursor(Struct, frozen=True):
    """Holds the sort key of the last payment on a page of the list."""

    created_at: Annotated[datetime, Meta(tz=True)]
    id: UUID


class PaymentRepository:
    def __init__(self, database: Database) -> None:
        self._payments = database[COLLECTION.name]
        self._customers = database[CUSTOMERS.name]

    async def insert(self, payment: Payment) -> bool:
        """Insert the payment; return False if the booking has a payment for this purpose already."""
        try:
            await self._payments.insert_one(to_document(payment))
        except DuplicateKeyError:
            return False
        return True

    async def find(self, scope: Document, payment_id: UUID) -> Payment | None:
        """Return the payment if it matches `scope`, the filter from `visible_to`."""
        document = await self._payments.find_one({**scope, "_id": payment_id})
        return from_document(document, Payment) if document else None

    async def find_many(self, payment_ids: Collection[UUID]) -> list[Payment]:
        found = self._payments.find({"_id": {"$in": list(payment_ids)}})
        return [from_document(document, Payment) async for document in found]

    async def find_by_intent(self, intent_id: str) -> Payment | None:
        document = await self._payments.find_one({"intent_id": intent_id})
        return from_document(document, Payment) if document else None

    async def find_by_charge(self, charge_id: str) -> Payment | None:
        document = await self._payments.find_one({"charge_id": charge_id})
        return from_document(document, Payment) if document else None

    async def list_for_booking(self, booking_id: UUID) -> list[Payment]:
        """List the payments of a booking in the order of `Purpose`; their ids follow from the booking's."""
        ids = [payment_id_for(booking_id, purpose) for purpose in Purpose]
        found = {document["_id"]: document async for document in self._payments.find({"_id": {"$in": ids}})}
        return [from_document(found[payment_id], Payment) for payment_id in ids if payment_id in found]

    async def list_page(
        self, scope: Document, state: PaymentState | None, after: PaymentCursor | None, limit: int
    ) -> list[Payment]:
        """List payments, newest first."""
        wanted: Document = dict(scope)
        if state:
            wanted["state"] = state.value
        if after:
            beyond = {"created_at": after.created_at, "_id": {"$lt": after.id}}
            wanted["$or"] = [{"created_at": {"$lt": after.created_at}}, beyond]
        found = self._payments.find(wanted).sort([("created_at", -1), ("_id", -1)]).limit(limit)
        return [from_document(document, Payment) async for document in found]

    async def list_to_check(self, now: datetime, limit: int) -> list[Payment]:
        """List payments with a due look, the longest overdue first."""
        found = self._payments.find({"check_at": {**_IS_DATE, "$lte": now}}).sort("check_at", 1).limit(limit)
        return [from_document(document, Payment) async for document in found]

    async def list_stuck(self, before: datetime, limit: int) -> list[Payment]:
        """List payments with an operation under way since before that time, the oldest first."""
        found = self._payments.find({"attempt.at": {**_IS_DATE, "$lt": before}}).sort("attempt.at", 1).limit(limit)
        return [from_document(document, Payment) async for document in found]

    async def postpone_check(self, payment: Payment, check_at: datetime | None) -> None:
        """Set the time of the next look, if the payment is unchanged."""
        await self._payments.update_one(
            {"_id": payment.id, "version": payment.version}, {"$set": {"check_at": check_at}}
        )

    async def update_if_version(
        self, session: Session | None, payment: Payment, fields: Mapping[str, Any], entries: Sequence[PaymentEntry]
    ) -> Payment | None:
        """Update `payment` and append the history entries, if the stored version is unchanged.

        Returns None if the version has changed.
        """
        push = {"$push": {"history": {"$each": [to_document(entry) for entry in entries]}}} if entries else {}
        document = await self._payments.find_one_and_update(
            {"_id": payment.id, "version": payment.version},
            {"$set": {**fields, "version": payment.version + max(1, len(entries))}, **push},
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        return from_document(document, Payment) if document else None

    async def find_customer(self, user_id: UUID) -> StripeCustomer | None:
        document = await self._customers.find_one({"_id": user_id})
        return from_document(document, StripeCustomer) if document else None

    async def insert_customer(self, customer: StripeCustomer) -> None:
        """Insert the customer; an account that has one keeps it."""
        await self._customers.update_one(
            {"_id": customer.id}, {"$setOnInsert": _without_id(to_document(customer))}, upsert=True
        )

    async def set_first_card(self, stripe_id: str, card_id: str) -> None:
        """Make a saved card the default, unless the customer has a default."""
        await self._customers.update_one(
            {"stripe_id": stripe_id, "default_card": None}, {"$set": {"default_card": card_id}}
        )

    async def set_default_card(self, user_id: UUID, card_id: str | None) -> None:
        await self._customers.update_one({"_id": user_id}, {"$set": {"default_card": card_id}})


def _without_id(document: Document) -> Document:
    return {name: value for name, value in document.items() if name != "_id"}
