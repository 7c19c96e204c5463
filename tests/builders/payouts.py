"""Onboard barbers at the local Stripe, let them earn money, and run payouts."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx

from grome.infrastructure.container import Container
from grome.ledger.models import barber_payable, payout_transit
from grome.ledger.postings import dispute_opened
from grome.ledger.service import Ledger
from grome.payouts.models import Payout
from grome.payouts.onboarding import PayoutOnboarding
from grome.payouts.planner import PayoutPlanner
from grome.payouts.repository import PayoutAccountRepository, PayoutRepository
from grome.payouts.schedule import period_at
from grome.payouts.sender import PayoutSender
from tests.builders.barbers import Barber
from tests.builders.ledger import balance_line, post, visit_entries
from tests.support.stripe import StripeControl

ONBOARDING = "/v1/barbers/me/onboarding"


async def start_onboarding(http: httpx.AsyncClient, shop: Barber, **body: Any) -> httpx.Response:
    return await http.post(ONBOARDING, json=body, headers=shop.auth)


async def stripe_id_of(container: Container, shop: Barber) -> str:
    account = await container.get(PayoutAccountRepository).find(shop.person.id)
    assert account
    assert account.stripe_id
    return account.stripe_id


async def decide(container: Container, control: StripeControl, shop: Barber, outcome: str) -> None:
    """Complete, restrict or close the account at Stripe, and deliver the notification about it."""
    stripe_id = await stripe_id_of(container, shop)
    await control.call("POST", f"accounts/{stripe_id}", {"outcome": outcome})
    await container.get(PayoutOnboarding).account_changed(stripe_id)


async def onboard(http: httpx.AsyncClient, container: Container, control: StripeControl, shop: Barber) -> str:
    """Open the barber's account with all that Stripe asks for, and return its id."""
    response = await start_onboarding(http, shop)
    assert response.status_code == 200, response.text
    await decide(container, control, shop, "complete")
    return await stripe_id_of(container, shop)


def last_period(container: Container, hours: float = 0) -> datetime:
    """Return the last moment of which money is paid out in this period, and `hours` later."""
    settings = container.settings.payouts
    start = period_at(container.clock(), settings.schedule).start
    return start - timedelta(hours=settings.hold_h) + timedelta(hours=hours)


async def earn(
    container: Container,
    shop: Barber,
    amount: int,
    *,
    at: datetime | None = None,
    currency: str = "EUR",
    booking_id: UUID | None = None,
) -> None:
    """Post a visit that leaves `amount` to the barber, by default old enough to be paid out."""
    entries = visit_entries(
        shop.person.id,
        amount=amount + 600,
        currency=currency,
        at=at or last_period(container, -1),
        booking_id=booking_id,
    )
    await post(container, *entries)


async def dispute(container: Container, booking_id: UUID, amount: int, at: datetime) -> None:
    """Post the withdrawal of a dispute about a booking."""
    line = balance_line(-amount, 1_500, type="adjustment", created=at)
    entries = dispute_opened(
        dispute_id=f"du_{uuid4().hex}",
        payment_id=uuid4(),
        booking_id=booking_id,
        amount=amount,
        currency="EUR",
        line=line,
    )
    await post(container, *entries)


async def fund(control: StripeControl, amount: int = 10_000_000, currency: str = "eur") -> None:
    """Give the platform's balance at Stripe money to transfer."""
    await control.call("POST", "balance", {"amount": amount, "currency": currency})


async def plan(container: Container, shop: Barber) -> list[Payout]:
    return await container.get(PayoutPlanner).plan_barber(shop.person.id)


async def send(container: Container, payout: Payout) -> Payout:
    """Run the payout's job once, and return the payout after it."""
    await container.get(PayoutSender).send(payout.id)
    return await read(container, payout)


async def read(container: Container, payout: Payout) -> Payout:
    found = await container.get(PayoutRepository).find(payout.id)
    assert found
    return found


async def owed(container: Container, shop: Barber, currency: str = "EUR") -> int:
    """Return the money that Grome owes the barber by the ledger."""
    return -await container.get(Ledger).balance(barber_payable(shop.person.id), currency)


async def in_transit(container: Container, payout: Payout) -> int:
    return await container.get(Ledger).balance(payout_transit(payout.id), payout.currency)
