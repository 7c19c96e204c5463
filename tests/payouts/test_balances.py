"""The balance that a barber sees is the amount of the next payout."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from grome.infrastructure.container import Container
from grome.ledger.postings import payment_received, refund_created
from grome.ledger.rules import RefundSplit
from grome.ledger.sealer import Sealer
from tests.builders.barbers import Barber
from tests.builders.ledger import balance_line, post
from tests.builders.payouts import dispute, earn, last_period, onboard, plan
from tests.conftest import AdjustableClock
from tests.support.stripe import StripeControl

WEEK = timedelta(days=7)


async def balances(http: httpx.AsyncClient, shop: Barber) -> list[dict[str, Any]]:
    response = await http.get("/v1/barbers/me/balance", headers=shop.auth)
    assert response.status_code == 200, response.text
    items: list[dict[str, Any]] = response.json()["items"]
    return items


async def refund(container: Container, shop: Barber, amount: int) -> None:
    """Refund an amount that the barber bears, now."""
    entries = refund_created(
        refund_id=uuid4(),
        payment_id=uuid4(),
        booking_id=uuid4(),
        barber_id=shop.person.id,
        split=RefundSplit(barber=amount),
        currency="EUR",
        at=container.clock(),
    )
    await post(container, *entries)


async def receive(container: Container, shop: Barber, amount: int) -> None:
    """Post the payment of a visit that is not over yet."""
    entries = payment_received(
        payment_id=uuid4(),
        booking_id=uuid4(),
        barber_id=shop.person.id,
        amount=amount,
        currency="EUR",
        line=balance_line(amount, 50),
        tip=False,
    )
    await post(container, *entries)


async def test_balance_of_a_barber_without_entries_is_empty(http: httpx.AsyncClient, shop: Barber) -> None:
    assert await balances(http, shop) == []


@pytest.mark.parametrize("seals", [False, True])
async def test_available_money_is_the_amount_of_the_next_payout(
    http: httpx.AsyncClient, container: Container, control: StripeControl, shop: Barber, *, seals: bool
) -> None:
    await onboard(http, container, control, shop)
    disputed = uuid4()
    await earn(container, shop, 5_000)
    await earn(container, shop, 2_000, booking_id=disputed)
    await dispute(container, disputed, 2_600, container.clock())
    await earn(container, shop, 9_000, at=last_period(container, 1))
    await refund(container, shop, 700)
    await receive(container, shop, 2_500)
    await earn(container, shop, 3_000, currency="CHF")
    if seals:
        await container.get(Sealer).seal()
    assert await balances(http, shop) == [
        {"currency": "CHF", "available": 3_000, "pending": 0, "disputed": 0, "held": 0},
        {"currency": "EUR", "available": 4_300, "pending": 9_000, "disputed": 2_000, "held": 2_500},
    ]
    assert {payout.currency: payout.amount for payout in await plan(container, shop)} == {"CHF": 3_000, "EUR": 4_300}


async def test_balance_after_a_payout_shows_the_payout_of_the_next_period(
    http: httpx.AsyncClient, container: Container, control: StripeControl, shop: Barber, clock: AdjustableClock
) -> None:
    await onboard(http, container, control, shop)
    await earn(container, shop, 5_000)
    await earn(container, shop, 9_000, at=last_period(container, 1))
    await plan(container, shop)
    [balance] = await balances(http, shop)
    assert (balance["available"], balance["pending"]) == (9_000, 0)
    clock.shift = WEEK
    assert [payout.amount for payout in await plan(container, shop)] == [9_000]


async def test_balance_after_a_refund_of_paid_out_money_is_negative(
    http: httpx.AsyncClient, container: Container, control: StripeControl, shop: Barber
) -> None:
    await onboard(http, container, control, shop)
    await earn(container, shop, 5_000)
    await plan(container, shop)
    await refund(container, shop, 1_500)
    assert (await balances(http, shop))[0]["available"] == -1_500
