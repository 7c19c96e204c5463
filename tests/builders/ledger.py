"""Build journal entries and movements of the balance at Stripe, and post them."""

import secrets
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec

from grome.infrastructure.container import Container
from grome.infrastructure.mongo.transactions import Transaction, Transactions
from grome.infrastructure.stripe.models import BalanceLine
from grome.ledger.models import Entry
from grome.ledger.postings import payment_received, visit_released
from grome.ledger.service import Ledger

AT = datetime(2026, 11, 2, 10, tzinfo=UTC)


def balance_line(amount: int, fee: int = 0, currency: str = "EUR", **changed: Any) -> BalanceLine:
    """Build a movement with a random id."""
    token = secrets.token_hex(8)
    line = BalanceLine(
        id=f"txn_{token}",
        type="charge",
        amount=amount,
        fee=fee,
        net=amount - fee,
        currency=currency,
        source=f"ch_{token}",
        created=AT,
    )
    return msgspec.structs.replace(line, **changed)


def visit_entries(
    barber_id: UUID,
    *,
    amount: int = 4000,
    fee: int = 90,
    commission: int = 600,
    currency: str = "EUR",
    at: datetime = AT,
    booking_id: UUID | None = None,
) -> tuple[Entry, ...]:
    """Build the entries of a visit that was paid and is over."""
    about = {"payment_id": uuid4(), "booking_id": booking_id or uuid4(), "barber_id": barber_id, "currency": currency}
    line = balance_line(amount, fee, currency, created=at)
    return (
        *payment_received(**about, amount=amount, line=line, tip=False),
        *visit_released(**about, amount=amount, commission=commission, at=at),
    )


async def post(container: Container, *entries: Entry) -> None:
    """Post entries in a transaction."""
    ledger = container.get(Ledger)

    async def work(transaction: Transaction) -> None:
        await ledger.post(transaction.session, *entries)

    await container.get(Transactions).run(uuid4(), work)
