"""Declare the personal data of payments, and erase the customer at Stripe."""

from collections.abc import Callable
from typing import Final

from grome.common.actor import BARBERS, CUSTOMERS
from grome.infrastructure.mongo.client import Database
from grome.infrastructure.mongo.personal_documents import (
    Declared,
    Fate,
    PersonalCollection,
    PersonalDocuments,
    Share,
)
from grome.infrastructure.personal_data import Person
from grome.payments.customers import Cards
from grome.payments.models import CLOSED_DISPUTES, RefundState
from grome.payments.repository import COLLECTION, PaymentRepository
from grome.payments.repository import CUSTOMERS as STRIPE_CUSTOMERS

_EXPORTED: Final = (
    "_id",
    "booking_id",
    "purpose",
    "state",
    "amount",
    "currency",
    "received",
    "pay_by",
    "failure",
    "paid_at",
    "created_at",
    "updated_at",
)
# Money is on its way: an operation is left to do, a refund is under way, or a dispute is open.
_OPEN: Final = {
    "$or": [
        {"check_at": {"$type": "date"}},
        {"attempt": {"$type": "object"}},
        {"refunds.state": {"$in": [RefundState.PENDING.value, RefundState.REQUIRES_ACTION.value]}},
        {"dispute": {"$type": "object"}, "dispute.status": {"$nin": sorted(CLOSED_DISPUTES)}},
    ]
}
_CUSTOMERS: Final = PersonalCollection(
    spec=STRIPE_CUSTOMERS,
    shares=(
        Share(owner="_id", fate=Fate.ERASED, exported=("stripe_id", "default_card", "created_at"), roles=CUSTOMERS),
    ),
    handled_apart=True,
)
PERSONAL_DATA: Final[tuple[Declared, ...]] = (
    PersonalCollection(
        spec=COLLECTION,
        shares=tuple(
            Share(
                owner=owner,
                fate=Fate.KEPT,
                cleared_items={"history": {"origin": None}},
                exported=_EXPORTED,
                reason="Payments have ids and amounts only, and are part of the books.",
                open_if=_OPEN,
                open_kind="payments",
                roles=roles,
            )
            for owner, roles in (("customer_id", CUSTOMERS), ("barber_id", BARBERS))
        ),
        internal=frozenset(
            {
                "mode",
                "released",
                "commission",
                "commission_bp",
                "stripe_customer",
                "intent_id",
                "setup_id",
                "method_id",
                "charge_id",
                "capture_by",
                "check_at",
                "declines",
                "fraud_warning",
                "attempt",
                "attempts",
                "refunds",
                "dispute",
                "history",
                "version",
            }
        ),
    ),
    _CUSTOMERS,
)


class StripeCustomerData(PersonalDocuments):
    """The customer at Stripe: name, email and cards, which are deleted there too.

    `cards` raises PaymentsOff on a server without payments, where no account has a customer.
    """

    def __init__(self, database: Database, payments: PaymentRepository, cards: Callable[[], Cards]) -> None:
        super().__init__(database, _CUSTOMERS)
        self._payments, self._cards = payments, cards

    async def erase(self, person: Person) -> None:
        if await self._payments.find_customer(person.id):
            await self._cards().forget_customer(person.id)
            await super().erase(person)
