"""Test that exactly the cancellations with a fee use up a promo code."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from grome.bookings.cancellation_policy import uses_up_promo_code
from grome.bookings.models import Booking, Reason
from grome.bookings.queries import BookingQueries
from grome.infrastructure.container import Container
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, move, tomorrow
from tests.builders.people import Person, register, sign_in_again
from tests.conftest import AdjustableClock

NINE, MINUTE = tomorrow(9), timedelta(minutes=1)
TERMS = {"cancellation": {"cancel_notice_min": 120, "late_refund_percent": 50}}


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container, clock: AdjustableClock) -> Barber:
    """Create a barber at a time after the notice, so that tokens are valid until the visit."""
    clock.stopped = NINE - 7 * MINUTE
    return await barber(http, container, rules={"auto_accept": True}, terms=TERMS)


@pytest.fixture
async def customer(http: httpx.AsyncClient, shop: Barber) -> Person:  # noqa: ARG001 -- the clock first
    return await register(http)


@pytest.fixture
async def visit(http: httpx.AsyncClient, customer: Person, shop: Barber) -> dict[str, Any]:
    return await book(http, customer, shop, NINE)


async def stored(container: Container, booking: dict[str, Any]) -> Booking:
    return (await container.get(BookingQueries).find_many([UUID(booking["id"])]))[UUID(booking["id"])]


LATER = (NINE + timedelta(hours=3)).isoformat()
CASES: dict[str, tuple[list[tuple[str, str, dict[str, Any]]], bool]] = {
    "called off late": ([], True),
    "the barber is late": ([("barber", "late", {"minutes": 10})], False),
    "the barber wants another time": ([("barber", "reschedule", {"scheduled_at": LATER})], False),
    "the customer has said no to it": (
        [("barber", "reschedule", {"scheduled_at": LATER}), ("customer", "proposal/decline", {})],
        True,
    ),
    "a note came in between": ([("barber", "late", {"minutes": 10}), ("customer", "note", {"note": "Hm."})], False),
}


@pytest.mark.parametrize("case", CASES)
async def test_late_cancellation_with_a_fee_uses_up_the_promo_code(
    http: httpx.AsyncClient,
    container: Container,
    customer: Person,
    shop: Barber,
    visit: dict[str, Any],
    case: str,
) -> None:
    steps, is_late = CASES[case]
    for by, step, body in steps:
        auth = shop.auth if by == "barber" else customer.auth
        method = "PUT" if step == "note" else "POST"
        answer = await http.request(method, f"/v1/bookings/{visit['id']}/{step}", json=body, headers=auth)
        assert answer.status_code == 200, answer.text
    cancelled = (await move(http, customer.auth, visit, "cancel")).json()
    assert cancelled["settlement"]["fee"] == (1500 if is_late else 0)
    assert uses_up_promo_code(await stored(container, visit)) is is_late


@pytest.mark.parametrize(("minutes", "is_lost"), [(0, True), (5, False)])
async def test_no_show_uses_up_the_promo_code_unless_the_barber_is_late(
    http: httpx.AsyncClient,
    container: Container,
    shop: Barber,
    visit: dict[str, Any],
    clock: AdjustableClock,
    minutes: int,
    is_lost: bool,  # noqa: FBT001 -- from the table
) -> None:
    if minutes:
        assert (await move(http, shop.auth, visit, "late", minutes=minutes)).status_code == 200
    clock.stopped = NINE + 10 * MINUTE
    auth = (await sign_in_again(http, shop.person)).auth
    assert (await move(http, auth, visit, "no-show")).status_code == 200
    ended = await stored(container, visit)
    assert (ended.reason, uses_up_promo_code(ended)) == (Reason.NO_SHOW, is_lost)
    assert ended.settlement is not None
    assert ended.settlement.fee == (3000 if is_lost else 0)
