"""Test the ticks that a visit keeps when it ends, without I/O."""

from datetime import UTC, datetime, timedelta

import pytest

from grome.bookings.claimed_time import fields_for_end
from grome.bookings.models import Booking, Payment, PaymentStatus, Status
from grome.common.ids import new_id
from grome.scheduling.ticks import tick_of

START = datetime(2030, 1, 1, 9, tzinfo=UTC)
FIRST = tick_of(START)
SEAT = -7


def a_visit(*ticks: int) -> Booking:
    return Booking(
        id=new_id(),
        customer_id=new_id(),
        barber_id=new_id(),
        services=[],
        scheduled_at=START,
        ends_at=START + timedelta(minutes=30),
        ticks=list(ticks),
        active=True,
        status=Status.IN_PROGRESS,
        price=1000,
        currency="EUR",
        payment=Payment(PaymentStatus.PENDING, 1000, "EUR"),
        version=1,
        history=[],
        created_at=START,
    )


TIME = tuple(range(FIRST, FIRST + 6))


@pytest.mark.parametrize(
    ("ticks", "running", "kept"),
    [
        (TIME, FIRST, ()),
        (TIME, FIRST + 1, TIME[:1]),
        (TIME, FIRST + 4, TIME[:4]),
        (TIME, FIRST + 6, TIME),
        (TIME, FIRST + 100, TIME),
        ((*TIME, SEAT), FIRST + 4, (*TIME[:4], SEAT)),
        # A seat counts only if a tick of its day is held, so the first tick stays.
        ((*TIME, SEAT), FIRST, (SEAT, FIRST)),
        ((FIRST - 2, FIRST - 1, *TIME), FIRST - 1, (FIRST - 2,)),
    ],
)
def test_ended_visit_keeps_its_time_until_now_and_its_seats(
    ticks: tuple[int, ...], running: int, kept: tuple[int, ...]
) -> None:
    assert fields_for_end(a_visit(*ticks), running) == {"ticks": list(kept), "active": bool(kept)}
