"""Calculate discounts, and decide for each end of a booking whether it gives the use back."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grome.barbers.models import CancellationPolicy, Terms
from grome.bookings.cancellation_policy import gives_promo_use_back
from grome.bookings.models import Action, Booking, HistoryEntry, Party, Payment, PaymentStatus, Reason, Status
from grome.promos.models import PricedVisit, Promo, RejectionReason
from grome.promos.rules import calculate_discount

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)
SERVICES = [UUID(int=number) for number in range(1, 6)]
BARBER = uuid4()
quick = settings(max_examples=100)


def a_promo(**terms: Any) -> Promo:
    whose = {"owner_id": None, "code": "CODE", "is_active": True, "created_by": BARBER}
    return Promo(id=uuid4(), created_at=NOW, updated_at=NOW, **{**whose, **terms})


def a_visit(*prices: int) -> PricedVisit:
    return PricedVisit(BARBER, list(zip(SERVICES, prices, strict=False)), "EUR")


prices_ = st.lists(st.integers(0, 10**9), min_size=1, max_size=5)
terms_ = st.one_of(
    st.fixed_dictionaries({"percent": st.integers(1, 100)}),
    st.fixed_dictionaries({"percent": st.integers(1, 100), "at_most": st.integers(1, 10**9)}),
    st.fixed_dictionaries({"amount": st.integers(1, 10**9)}),
)
chosen_ = st.lists(st.sampled_from(SERVICES), unique=True)


@quick
@given(prices_, terms_, chosen_)
def test_discount_is_positive_and_at_most_the_eligible_price(
    prices: list[int], terms: dict[str, Any], chosen: list[UUID]
) -> None:
    visit = a_visit(*prices)
    counts = [price for service_id, price in visit.services if not chosen or service_id in chosen]
    off = calculate_discount(a_promo(**terms, service_ids=chosen), visit, NOW)
    if isinstance(off, RejectionReason):
        # Less than half a unit rounds to no discount.
        too_little = sum(counts) * terms.get("percent", 100) <= 50
        assert off is (RejectionReason.MINIMUM if counts and too_little else RejectionReason.OTHER_SERVICES)
        assert too_little
        return
    assert 0 < off <= sum(counts)
    assert off <= terms.get("at_most", off)
    assert off <= terms.get("amount", off)
    assert type(off) is int


@quick
@given(st.integers(0, 10**9), st.integers(1, 100))
def test_percentage_rounds_half_to_even(price: int, percent: int) -> None:
    exact = Decimal(price) * percent / 100
    wanted = int(exact.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
    assert calculate_discount(a_promo(percent=percent), a_visit(price), NOW) == (wanted or RejectionReason.MINIMUM)


@pytest.mark.parametrize(
    ("terms", "prices", "wanted"),
    [
        ({"percent": 10}, (25,), 2),
        ({"percent": 10}, (35,), 4),
        ({"percent": 50}, (1,), RejectionReason.MINIMUM),
        ({"percent": 50}, (3,), 2),
        ({"percent": 100}, (4_999,), 4_999),
        ({"percent": 20, "at_most": 500, "currency": "EUR"}, (4_000,), 500),
        ({"percent": 20, "at_most": 500, "currency": "EUR"}, (1_000,), 200),
        ({"amount": 1_500, "currency": "EUR"}, (1_000,), 1_000),
        ({"amount": 1_500, "currency": "EUR"}, (0,), RejectionReason.MINIMUM),
        ({"amount": 1_500, "currency": "CHF"}, (4_000,), RejectionReason.CURRENCY),
        ({"percent": 10, "service_ids": SERVICES[1:2]}, (4_000, 2_000), 200),
        ({"percent": 10, "service_ids": SERVICES[4:]}, (4_000, 2_000), RejectionReason.OTHER_SERVICES),
        ({"percent": 10, "minimum_price": 6_000, "service_ids": SERVICES[1:2]}, (4_000, 2_000), 200),
        ({"percent": 10, "minimum_price": 6_001}, (4_000, 2_000), RejectionReason.MINIMUM),
        ({"percent": 10, "barber_ids": [uuid4(), BARBER]}, (4_000,), 400),
        ({"percent": 10, "barber_ids": [uuid4()]}, (4_000,), RejectionReason.NOT_HERE),
        ({"percent": 10, "valid_from": NOW, "valid_until": NOW + MOMENT}, (4_000,), 400),
        ({"percent": 10, "valid_from": NOW + MOMENT}, (4_000,), RejectionReason.NOT_YET),
        ({"percent": 10, "valid_until": NOW}, (4_000,), RejectionReason.EXPIRED),
        ({"percent": 10, "is_active": False}, (4_000,), RejectionReason.EXPIRED),
    ],
)
def test_discount_of_each_example(
    terms: dict[str, Any], prices: tuple[int, ...], wanted: int | RejectionReason
) -> None:
    assert calculate_discount(a_promo(**terms), a_visit(*prices), NOW) == wanted


def test_each_rejection_reason_has_a_unique_code_and_sentence() -> None:
    assert all(one.value.startswith("promo_") for one in RejectionReason)
    assert len({one.sentence for one in RejectionReason}) == len(RejectionReason)


NOTICE = timedelta(hours=24)
REQUESTED, ACCEPTED, CANCELLED = Status.REQUESTED, Status.ACCEPTED, Status.CANCELLED


def ended(reason: Reason, at: datetime, *before: Status) -> Booking:
    """Return a visit that starts at NOW, with a day's notice for cancellation and a note after its end."""
    moves = [(Action.CREATE, status) for status in before] + [(Action.CANCEL, CANCELLED), (Action.NOTE, CANCELLED)]
    history = [
        HistoryEntry(
            id=uuid4(), version=number, action=action, status=status, by=Party.CUSTOMER, actor_id=None,
            at=at + (NOTICE if action is Action.NOTE else timedelta()),
        )
        for number, (action, status) in enumerate(moves, 1)
    ]  # fmt: skip
    return Booking(
        id=uuid4(), customer_id=uuid4(), barber_id=BARBER, services=[], scheduled_at=NOW, ends_at=NOW, ticks=[],
        active=False, status=CANCELLED, reason=reason, price=0, currency="EUR", version=len(history),
        payment=Payment(PaymentStatus.PENDING, 0, "EUR"), history=history, created_at=NOW,
        terms=Terms(cancellation=CancellationPolicy(cancel_notice_min=24 * 60)),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "at", "before", "given_back"),
    [
        (Reason.CUSTOMER, NOW - NOTICE, (REQUESTED, ACCEPTED), True),
        (Reason.CUSTOMER, NOW - NOTICE + MOMENT, (REQUESTED, ACCEPTED), False),
        (Reason.CUSTOMER, NOW - NOTICE + MOMENT, (ACCEPTED,), False),
        (Reason.CUSTOMER, NOW - NOTICE + MOMENT, (REQUESTED,), True),
        (Reason.BARBER, NOW - MOMENT, (REQUESTED, ACCEPTED), True),
        (Reason.SYSTEM, NOW - MOMENT, (ACCEPTED,), True),
        (Reason.DECLINED, NOW - MOMENT, (REQUESTED,), True),
        (Reason.EXPIRED, NOW - MOMENT, (REQUESTED,), True),
        (Reason.NO_SHOW, NOW + NOTICE, (ACCEPTED,), False),
    ],
)
def test_booking_ends_give_the_use_back_as_listed(
    reason: Reason, at: datetime, before: tuple[Status, ...], *, given_back: bool
) -> None:
    assert gives_promo_use_back(ended(reason, at, *before)) is given_back
