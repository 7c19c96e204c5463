"""Paid bookings, strange movements, and comparisons some time later."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import stripe

from grome.infrastructure.container import Container
from grome.infrastructure.mongo.transactions import Transactions
from grome.ledger.models import Entry
from grome.ledger.sealer import Sealer
from grome.ledger.service import Ledger
from grome.payments.models import Payment, PaymentState, Purpose, payment_id_for
from grome.payments.queries import PaymentQueries
from grome.payments.sync import PaymentSync
from grome.reconciliation.service import Reconciliation
from tests.builders.barbers import barber
from tests.builders.bookings import book, tomorrow
from tests.builders.people import Person, create_admin, register
from tests.conftest import AdjustableClock
from tests.support.eventually import until
from tests.support.stripe import StripeControl

LATER = timedelta(minutes=20)
_DEPOSIT = {"deposit": {"percent": 50}}


@dataclass(frozen=True)
class World:
    http: httpx.AsyncClient
    container: Container
    clock: AdjustableClock
    control: StripeControl
    dashboard: stripe.StripeClient

    async def begin_deposit(self) -> Payment:
        """Start the payment of a deposit; the customer has not confirmed it."""
        shop = await barber(self.http, self.container, terms=_DEPOSIT)
        customer = await register(self.http)
        booking = await book(self.http, customer, shop, tomorrow(9))
        started = await self.http.post(
            f"/v1/bookings/{booking['id']}/payments", json={"purpose": "deposit"}, headers=customer.auth
        )
        assert started.status_code == 201, started.text
        return await self.payment_of(UUID(booking["id"]))

    async def pay_deposit(self, *, looked_at: bool = True) -> Payment:
        """Pay the deposit of a booking; Grome hears of it only if it looks."""
        payment = await self.begin_deposit()
        assert payment.intent_id
        assert (await self.control.pay(payment.intent_id))["status"] == "succeeded"
        if looked_at:
            payment = await self.container.get(PaymentSync).look(payment.id)
            assert payment.state is PaymentState.PAID
        return payment

    async def payment_of(self, booking_id: UUID) -> Payment:
        return await self.container.get(PaymentQueries).get(payment_id_for(booking_id, Purpose.DEPOSIT))

    async def read_payment(self, payment: Payment) -> Payment:
        return await self.container.get(PaymentQueries).get(payment.id)

    async def charge_elsewhere(self, currency: str = "eur", amount: int = 1_234) -> dict[str, Any]:
        """Charge a card by another program, and return the balance transaction."""
        made = await self.dashboard.v1.payment_intents.create_async({"amount": amount, "currency": currency})
        assert (await self.control.pay(made.id))["status"] == "succeeded"
        [charge] = (await self.dashboard.v1.charges.list_async({"payment_intent": made.id})).data

        async def is_booked() -> bool:  # Stripe books a charge a moment later
            nonlocal charge
            charge = await self.dashboard.v1.charges.retrieve_async(charge.id, {"expand": ["balance_transaction"]})
            return charge.balance_transaction is not None

        await until(is_booked)
        line: dict[str, Any] = charge.to_dict()["balance_transaction"]
        return line

    async def post(self, *entries: Entry) -> None:
        """Post entries to the ledger."""
        ledger = self.container.get(Ledger)
        await self.container.get(Transactions).run(
            UUID(int=1), lambda transaction: ledger.post(transaction.session, *entries)
        )

    async def compare(self, later: timedelta = LATER) -> None:
        """Compare some time later than the last call, or than the beginning."""
        self.clock.shift += later
        await self.container.get(Sealer).seal()
        await self.container.get(Reconciliation).compare()

    async def admin(self) -> Person:
        return await create_admin(self.http, self.container)

    async def findings(self, subject: str, status: str = "open") -> list[dict[str, Any]]:
        """Return the findings about a subject from the API."""
        boss = await self.admin()
        found = await self.http.get("/v1/admin/findings", params={"status": status, "limit": 100}, headers=boss.auth)
        assert found.status_code == 200, found.text
        return [item for item in found.json()["items"] if item["subject"] == subject]
