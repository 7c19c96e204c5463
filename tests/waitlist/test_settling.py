"""An entry is booked once both sides have agreed to the visit, and not before."""

from datetime import timedelta
from typing import Any, NamedTuple

import httpx
import pytest

from grome.infrastructure.container import Container
from grome.waitlist.matching import WaitlistMatcher
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, move, tomorrow
from tests.builders.people import Person, register, sign_in_again
from tests.builders.waitlist import (
    entry_states,
    expire_offer,
    free_time,
    join_waitlist,
    newest_event,
    offered_booking,
    read_entry,
    reconcile_all,
    window_over,
)
from tests.conftest import AdjustableClock


class Asked(NamedTuple):
    early: Person
    waiting: Person
    bookings: list[dict[str, Any]]
    entry: dict[str, Any]
    held: dict[str, Any]


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    """Return a barber that confirms each booking."""
    return await barber(http, container)


async def asked(http: httpx.AsyncClient, container: Container, shop: Barber) -> Asked:
    """Let a customer accept an offer at 9:00, which the barber has not confirmed; 9:30 is taken."""
    early, waiting = await register(http), await register(http)
    bookings = [await book(http, early, shop, tomorrow(9, minute)) for minute in (0, 30)]
    entry = await join_waitlist(http, waiting, shop, **window_over(*bookings))
    await free_time(http, container, early.auth, bookings[0])
    held = await offered_booking(http, waiting, entry)
    await free_time(http, container, waiting.auth, held, "accept")
    return Asked(early, waiting, bookings, entry, held)


async def test_entry_stays_offered_until_the_barber_agrees(
    http: httpx.AsyncClient, container: Container, shop: Barber, clock: AdjustableClock
) -> None:
    _, waiting, _, entry, held = await asked(http, container, shop)
    assert (await read_entry(http, waiting, entry))["state"] == "offered"
    clock.shift = timedelta(minutes=5)
    await reconcile_all(container)
    assert (await read_entry(http, waiting, entry))["state"] == "offered"
    await free_time(http, container, shop.auth, held, "accept")
    assert (await read_entry(http, waiting, entry))["state"] == "booked"


async def test_entry_waits_again_after_the_barber_declined(
    http: httpx.AsyncClient, container: Container, shop: Barber
) -> None:
    early, waiting, bookings, entry, held = await asked(http, container, shop)
    behind = await register(http)
    second = await join_waitlist(http, behind, shop, **window_over(*bookings))
    await free_time(http, container, shop.auth, held, "decline")
    # The declined time is offered to the next customer, and not again to the same customer.
    assert await entry_states(http, (waiting, entry), (behind, second)) == ["waiting", "offered"]
    assert (await read_entry(http, waiting, entry))["unanswered"] == 0
    await free_time(http, container, early.auth, bookings[1])
    assert (await offered_booking(http, waiting, entry))["scheduled_at"] == bookings[1]["scheduled_at"]


async def test_entry_waits_again_after_the_barbers_answer_expired(
    http: httpx.AsyncClient, container: Container, shop: Barber, clock: AdjustableClock
) -> None:
    clock.set(tomorrow(9) - timedelta(hours=10))  # so that the request expires at its start, and not a day from now
    _, waiting, _, entry, held = await asked(http, container, shop)
    pending = (await http.get(f"/v1/bookings/{held['id']}", headers=waiting.auth)).json()
    assert pending["awaits"] == "barber"
    await expire_offer(container, clock, pending)
    waiting = await sign_in_again(http, waiting)
    found = await read_entry(http, waiting, entry)
    assert (found["state"], found["unanswered"]) == ("waiting", 0)


async def test_entry_stays_booked_after_the_agreed_visit_was_cancelled(
    http: httpx.AsyncClient, container: Container, shop: Barber
) -> None:
    """Also if the event of the agreement is handled only after the cancellation."""
    _, waiting, _, entry, held = await asked(http, container, shop)
    assert (await move(http, shop.auth, held, "accept")).status_code == 200
    assert (await move(http, waiting.auth, held, "cancel")).status_code == 200
    await container.get(WaitlistMatcher).on_event(await newest_event(container, held))
    assert (await read_entry(http, waiting, entry))["state"] == "booked"
