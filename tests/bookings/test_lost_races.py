"""Test updates that lose every race: they fail as unavailable after some attempts and write nothing."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from grome.barbers.service import BarberService
from grome.bookings.cap_seats import claim_seats
from grome.bookings.errors import KeepsChanging, SeatTaken
from grome.bookings.lifecycle import BookingLifecycle
from grome.bookings.models import Action, Booking, HistoryEntry, Status
from grome.bookings.queries import BookingQueries
from grome.bookings.repository import BookingRepository
from grome.bookings.reschedule import Rescheduler
from grome.bookings.running_late import DelayShifter
from grome.bookings.schemas import RescheduleIn
from grome.bookings.undo import TransitionUndo
from grome.bookings.updates import ATTEMPTS, BookingUpdate, BookingUpdater, author_of
from grome.common.actor import Actor, Role
from grome.common.errors import Unavailable
from grome.composition.bookings import answer_within, platform_terms
from grome.infrastructure.container import Container
from grome.scheduling.daily_caps import cap_on_visits
from grome.scheduling.visit_plan import VisitPlan
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, changed, serve, tomorrow
from tests.builders.people import register
from tests.conftest import AdjustableClock


class Contended(BookingRepository):
    """Changes the booking just before each write, as a concurrent request would."""

    attempts = 0

    async def update_if_version(self, booking: Booking, *written: Any, **more: Any) -> Booking | None:
        self.attempts += 1
        await self._bookings.update_one({"_id": booking.id}, {"$inc": {"version": 1}})
        return await super().update_if_version(booking, *written, **more)


class Stale(BookingRepository):
    """Hides the ticks of other bookings from reads."""

    async def get_occupied_ticks(self, barber_id: UUID, first_tick: int, end_tick: int) -> frozenset[int]:
        await super().get_occupied_ticks(barber_id, first_tick, end_tick)
        return frozenset()


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    return await barber(http, container, rules={"auto_accept": True})


@pytest.fixture
async def visit(http: httpx.AsyncClient, shop: Barber) -> dict[str, Any]:
    return await book(http, await register(http), shop, tomorrow(9))


@pytest.fixture
def contended(container: Container) -> Contended:
    return Contended(container.database)


def actor_of(shop: Barber) -> Actor:
    return Actor(shop.person.id, Role.BARBER, shop.person.id)


def moves_on(container: Container, bookings: BookingRepository) -> BookingLifecycle:
    changes = BookingUpdater(bookings, container.clock)
    return BookingLifecycle(
        bookings, changes, container.get(BarberService), platform_terms(container.settings), container.clock
    )


async def history_of(container: Container, visit: dict[str, Any]) -> list[HistoryEntry]:
    return (await container.get(BookingQueries).find_many([UUID(visit["id"])]))[UUID(visit["id"])].history


async def test_update_that_always_loses_is_unavailable(
    container: Container, contended: Contended, shop: Barber, visit: dict[str, Any]
) -> None:
    decided = 0

    async def decide(booking: Booking, _: object) -> BookingUpdate:
        nonlocal decided
        decided += 1
        return BookingUpdate(
            action=Action.NOTE, status=booking.status, fields={"customer_note": "A word."}, note="A word."
        )

    changes = BookingUpdater(contended, container.clock)
    with pytest.raises(KeepsChanging):
        await changes.update(author_of(actor_of(shop)), UUID(visit["id"]), decide)
    assert (decided, contended.attempts) == (ATTEMPTS, ATTEMPTS)
    assert len(await history_of(container, visit)) == 1


async def test_booking_whose_expiry_always_loses_is_unavailable(
    container: Container, contended: Contended, shop: Barber, visit: dict[str, Any]
) -> None:
    await changed(container, visit, status=Status.REQUESTED.value, awaits="barber", answer_by=container.clock())
    with pytest.raises(KeepsChanging):
        await BookingUpdater(contended, container.clock).get_current(author_of(actor_of(shop)), UUID(visit["id"]))
    assert contended.attempts == ATTEMPTS
    assert len(await history_of(container, visit)) == 1


async def test_reschedule_that_always_loses_is_unavailable(
    container: Container, contended: Contended, shop: Barber, visit: dict[str, Any]
) -> None:
    changes, moves = BookingUpdater(contended, container.clock), moves_on(container, contended)
    rescheduling = Rescheduler(
        contended, changes, moves, container.get(BarberService), answer_within(container.settings), container.clock
    )
    with pytest.raises(KeepsChanging):
        await rescheduling.reschedule(actor_of(shop), UUID(visit["id"]), RescheduleIn(tomorrow(11)))
    assert contended.attempts == ATTEMPTS
    assert len(await history_of(container, visit)) == 1


async def test_delay_that_always_loses_is_unavailable(
    container: Container, contended: Contended, shop: Barber, visit: dict[str, Any], clock: AdjustableClock
) -> None:
    clock.stopped = tomorrow(9)
    changes = BookingUpdater(contended, clock)
    late = DelayShifter(contended, changes, container.get(Rescheduler), container.get(BarberService), clock)
    with pytest.raises(KeepsChanging):
        await late.shift(actor_of(shop), UUID(visit["id"]), 10)
    assert contended.attempts == ATTEMPTS
    assert len(await history_of(container, visit)) == 1


async def test_undo_that_always_loses_is_unavailable(
    container: Container, contended: Contended, shop: Barber, visit: dict[str, Any], clock: AdjustableClock
) -> None:
    await serve(container, visit, "start")
    clock.stopped = tomorrow(9)
    undo = TransitionUndo(
        contended, BookingUpdater(contended, clock), moves_on(container, contended), container.get(BarberService)
    )
    with pytest.raises(KeepsChanging):
        await undo.undo(actor_of(shop), UUID(visit["id"]))
    assert contended.attempts == ATTEMPTS
    assert len(await history_of(container, visit)) == 2


async def test_early_start_with_unseen_rivals_is_unavailable(
    http: httpx.AsyncClient, container: Container, shop: Barber, visit: dict[str, Any], clock: AdjustableClock
) -> None:
    await book(http, await register(http), shop, tomorrow(8, 30))
    clock.stopped = tomorrow(8, 30)
    with pytest.raises(KeepsChanging):
        await moves_on(container, Stale(container.database)).apply_action(
            actor_of(shop), UUID(visit["id"]), Action.START
        )
    assert len(await history_of(container, visit)) == 1


async def test_seat_that_is_always_lost_is_unavailable(container: Container, shop: Barber) -> None:
    drawn = list[list[int]]()

    async def write(seats: list[int]) -> None:
        drawn.append(seats)
        raise SeatTaken

    visit, day = VisitPlan(30, caps=(cap_on_visits(3),)), tomorrow(9).date()
    with pytest.raises(Unavailable):
        await claim_seats(BookingRepository(container.database), shop.person.id, visit, day, write)
    assert len(drawn) > 10
    assert {len(seats) for seats in drawn} == {1}
