"""Test the rules for the cost of a cancellation, without I/O."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grome.barbers.models import CancellationPolicy, Terms
from grome.bookings.cancellation_policy import free_until, no_show_window, refund_amount, settlement_for
from grome.bookings.models import Booking, Party, Payment, PaymentStatus, Proposal, Reason, Settlement, Status
from grome.common.ids import new_id

START = datetime(2030, 1, 1, 9, tzinfo=UTC)
MINUTE, INSTANT = timedelta(minutes=1), timedelta(milliseconds=1)
STRICT = CancellationPolicy(cancel_notice_min=120, late_refund_percent=30, no_show_refund_percent=10)
FREE = START - timedelta(hours=2)
FEES = {Reason.CUSTOMER: 700, Reason.NO_SHOW: 900}  # of 1000, late, by the strict policy


def accepted(*, price: int = 1000, paid: int = 0, policy: CancellationPolicy = STRICT, **changed: Any) -> Booking:
    booking = Booking(
        id=new_id(),
        customer_id=new_id(),
        barber_id=new_id(),
        services=[],
        scheduled_at=START,
        ends_at=START + 30 * MINUTE,
        ticks=[],
        active=True,
        status=Status.ACCEPTED,
        price=price,
        currency="EUR",
        payment=Payment(PaymentStatus.PENDING, price, "EUR", paid=paid),
        terms=Terms(policy),
        version=1,
        history=[],
        created_at=START - timedelta(days=1),
    )
    return msgspec.structs.replace(booking, **changed)


def proposal(awaits: Party) -> Proposal:
    fields = {"scheduled_at": START, "ends_at": START, "ticks": [], "instead_of": [], "awaits": awaits}
    return msgspec.convert({**fields, "answer_by": START - 60 * MINUTE}, Proposal)


@pytest.mark.parametrize("reason", Reason)
def test_only_late_customers_and_no_shows_pay_a_fee(reason: Reason) -> None:
    fee = FEES.get(reason, 0)
    assert settlement_for(accepted(paid=1000), reason, START) == Settlement(fee, refund=1000 - fee, due=0)
    assert settlement_for(accepted(paid=800), reason, START) == Settlement(fee, max(0, 800 - fee), max(0, fee - 800))
    assert settlement_for(accepted(), reason, START) == Settlement(fee, refund=0, due=fee)


def test_cancellation_at_the_last_free_moment_is_free() -> None:
    booking = accepted(paid=1000)
    assert free_until(booking) == FREE
    for moment, fee in ((FREE - INSTANT, 0), (FREE, 0), (FREE + INSTANT, 700)):
        assert settlement_for(booking, Reason.CUSTOMER, moment).fee == fee


@pytest.mark.parametrize(
    "changed",
    [{"status": Status.REQUESTED}, {"late_min": 5}, {"policy": CancellationPolicy(cancel_notice_min=120)}],
    ids=["nobody has accepted", "the barber is late", "the terms know no fee"],
)
def test_cancellation_without_a_notice_limit_is_always_free(changed: dict[str, Any]) -> None:
    booking = accepted(**changed)
    assert free_until(booking) is None
    assert settlement_for(booking, Reason.CUSTOMER, START) == Settlement(0, 0, 0)


def test_cancellation_is_free_until_the_deadline_of_the_barbers_proposal() -> None:
    asked, asking = accepted(proposal=proposal(Party.CUSTOMER)), accepted(proposal=proposal(Party.BARBER))
    assert (free_until(asked), free_until(asking)) == (START - 60 * MINUTE, FREE)
    assert settlement_for(asked, Reason.CUSTOMER, START - 60 * MINUTE).fee == 0
    assert settlement_for(asked, Reason.CUSTOMER, START - 59 * MINUTE).fee == 700
    early = accepted(policy=msgspec.structs.replace(STRICT, cancel_notice_min=0), proposal=proposal(Party.CUSTOMER))
    assert free_until(early) == START


@pytest.mark.parametrize(
    ("price", "percent", "back"),
    [(5, 50, 2), (15, 50, 8), (25, 50, 12), (1, 49, 0), (1, 51, 1), (999, 33, 330), (10**9, 100, 10**9), (0, 50, 0)],
)
def test_refund_is_rounded_half_to_even(price: int, percent: int, back: int) -> None:
    assert refund_amount(price, percent) == back


@settings(max_examples=50)
@given(
    st.integers(0, 10**9),
    st.integers(0, 10**9),
    st.sampled_from(Reason),
    st.integers(-300, 60),
    *[st.integers(0, 100)] * 2,
)
def test_settlement_adds_up_to_price_and_payment(
    price: int, paid: int, reason: Reason, minutes: int, late: int, absent: int
) -> None:
    policy = CancellationPolicy(cancel_notice_min=120, late_refund_percent=late, no_show_refund_percent=absent)
    cost = settlement_for(accepted(price=price, paid=paid, policy=policy), reason, START + minutes * MINUTE)
    assert 0 <= cost.fee <= price
    assert paid - cost.refund + cost.due == cost.fee
    assert 0 in (cost.refund, cost.due)
    assert price - cost.fee in {_half_even(price, percent) for percent in (late, absent, 100)}


def _half_even(price: int, percent: int) -> int:
    return int((Decimal(price) * percent / 100).quantize(Decimal(1), ROUND_HALF_EVEN))


def test_no_show_window_starts_after_five_minutes() -> None:
    assert no_show_window(accepted()) == (START + 5 * MINUTE, START + timedelta(hours=24, minutes=30))
