"""Test proposals by random sequences of actions.

After each action, a booking holds exactly the ticks of its time and its proposal, its versions have no gaps, and
overdue updates have been applied.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from grome.bookings.jobs import expire_unanswered
from grome.bookings.lifecycle import BookingLifecycle
from grome.bookings.models import Action, Booking
from grome.bookings.reschedule import Rescheduler
from grome.bookings.schemas import CancelIn, ProposalAnswerIn, RescheduleIn
from grome.common.actor import Actor, Role
from grome.common.errors import ApiError
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.infrastructure.mongo.client import from_document
from tests.builders.barbers import barber
from tests.builders.bookings import book, tomorrow
from tests.builders.people import register
from tests.conftest import AdjustableClock

START = tomorrow(9) + timedelta(days=3)
BEFORE, AFTER = 5, 10  # the barber's buffers, in minutes

people = st.sampled_from([Role.CUSTOMER, Role.BARBER, Role.ADMIN])
sides = st.sampled_from([Role.CUSTOMER, Role.BARBER])
steps = st.one_of(
    st.tuples(st.just("reschedule"), people, st.integers(-4, 12)),
    st.tuples(st.just("reschedule"), sides, st.integers(-4, 12)),
    st.tuples(st.sampled_from(["accept", "decline", "withdraw"]), sides, st.just(0)),
    st.tuples(st.sampled_from(["yes", "start", "cancel"]), st.just(Role.BARBER), st.just(0)),
    st.tuples(st.sampled_from(["time", "job"]), st.just(Role.BARBER), st.sampled_from([1, 13, 25])),
)


@settings(max_examples=12)
@given(auto_accept=st.booleans(), script=st.lists(steps, min_size=3, max_size=12))
async def test_booking_holds_its_ticks_after_any_sequence_of_actions(
    http: httpx.AsyncClient,
    container: Container,
    clock: AdjustableClock,
    auto_accept: bool,  # noqa: FBT001
    script: list[tuple[str, Role, int]],
) -> None:
    clock.shift = timedelta()
    rules = {"auto_accept": auto_accept, "buffer_before_min": BEFORE, "buffer_after_min": AFTER, "daily_cap": 1}
    shop, customer = await barber(http, container, timezone="UTC", rules=rules), await register(http)
    actors = {
        Role.CUSTOMER: Actor(customer.id, Role.CUSTOMER, new_id()),
        Role.BARBER: Actor(shop.person.id, Role.BARBER, new_id()),
        Role.ADMIN: Actor(new_id(), Role.ADMIN, new_id()),
    }
    booking_id = UUID((await book(http, customer, shop, START))["id"])
    before = await stored(container, booking_id)
    for name, role, number in script:
        with suppress(ApiError):
            await step(container, clock, name, actors[role], booking_id, number)
        after = await stored(container, booking_id)
        holds_what_it_says(after)
        only_by_history(before, after)
        before = after
    clock.shift = timedelta(days=30)
    await expire_unanswered({"container": container})
    last = await stored(container, booking_id)
    assert last.proposal is None
    assert last.answer_by is None


async def step(
    container: Container, clock: AdjustableClock, name: str, actor: Actor, booking_id: UUID, number: int
) -> None:
    if name == "time":
        clock.shift += timedelta(hours=number)
    elif name == "job":
        await expire_unanswered({"container": container})
    elif name == "reschedule":
        # Quarter-hours of two consecutive days: the times overlap, and they need seats of both days.
        start = START + timedelta(minutes=15 * number) + timedelta(days=number % 2)
        await container.get(Rescheduler).reschedule(actor, booking_id, RescheduleIn(start))
    else:
        moves: dict[str, Callable[[], Awaitable[Any]]] = {
            "accept": lambda: container.get(Rescheduler).accept(actor, booking_id, ProposalAnswerIn()),
            "decline": lambda: container.get(Rescheduler).decline(actor, booking_id, ProposalAnswerIn()),
            "withdraw": lambda: container.get(Rescheduler).withdraw(actor, booking_id),
            "yes": lambda: container.get(BookingLifecycle).apply_action(actor, booking_id, Action.ACCEPT),
            "start": lambda: container.get(BookingLifecycle).apply_action(actor, booking_id, Action.START),
            "cancel": lambda: container.get(BookingLifecycle).cancel(actor, booking_id, CancelIn()),
        }
        await moves[name]()


async def stored(container: Container, booking_id: UUID) -> Booking:
    document = await container.database["bookings"].find_one({"_id": booking_id})
    assert document is not None
    return from_document(document, Booking)


def holds_what_it_says(booking: Booking) -> None:
    times = [(booking.scheduled_at, booking.ends_at)]
    if booking.proposal:
        assert booking.status in {"requested", "accepted"}
        assert booking.proposal.answer_by <= min(booking.scheduled_at, booking.proposal.scheduled_at)
        assert set(booking.proposal.ticks) | set(booking.proposal.instead_of) == set(booking.ticks)
        times.append((booking.proposal.scheduled_at, booking.proposal.ends_at))
    assert {tick for tick in booking.ticks if tick >= 0} == {tick for time in times for tick in ticks_of(*time)}
    # The cap is one visit a day, and each day has one seat.
    assert len([tick for tick in booking.ticks if tick < 0]) == len({start.date() for start, _ in times})
    assert len(booking.ticks) == len(set(booking.ticks))
    assert booking.active is (booking.status != "cancelled")
    assert (booking.answer_by is not None) is (booking.status == "requested")


def ticks_of(start: datetime, end: datetime) -> range:
    first, last = start - timedelta(minutes=BEFORE), end + timedelta(minutes=AFTER)
    return range(int(first.timestamp()) // 300, int(last.timestamp()) // 300)


def only_by_history(before: Booking, after: Booking) -> None:
    """Check that entries are only appended, with consecutive versions, and that the time follows the entries."""
    assert after.history[: len(before.history)] == before.history
    assert [entry.version for entry in after.history] == list(range(1, after.version + 1))
    given_times = [entry.scheduled_at for entry in after.history if entry.action in {Action.CREATE, Action.RESCHEDULE}]
    assert given_times[-1] == after.scheduled_at
    assert after.history[-1].status is after.status
    asked = [entry.scheduled_at for entry in after.history if entry.action is Action.PROPOSE]
    assert after.proposal is None or after.proposal.scheduled_at == asked[-1]
