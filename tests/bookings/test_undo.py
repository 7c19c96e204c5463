"""Test the undo of a start or a no-show over HTTP."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from grome.bookings.models import Action
from grome.composition.projection import PROJECTION
from grome.infrastructure.container import Container
from grome.infrastructure.outbox.models import BOOKINGS, ChangeRecord
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import ask, book, changed, history, move, read, tomorrow
from tests.builders.people import Person, register, sign_in_again
from tests.conftest import AdjustableClock

NINE, MINUTE, INSTANT = tomorrow(9), timedelta(minutes=1), timedelta(milliseconds=1)
FEES = {"cancellation": {"no_show_refund_percent": 0}}


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container, clock: AdjustableClock) -> Barber:
    """Create a barber and set the clock to the morning of the visits."""
    clock.stopped = NINE - 5 * MINUTE
    return await barber(http, container, rules={"auto_accept": True}, terms=FEES)


@pytest.fixture
async def customer(http: httpx.AsyncClient, shop: Barber) -> Person:  # noqa: ARG001 -- the clock first
    return await register(http)


@pytest.fixture
async def visit(http: httpx.AsyncClient, customer: Person, shop: Barber) -> dict[str, Any]:
    return await book(http, customer, shop, NINE)


async def done(http: httpx.AsyncClient, shop: Barber, booking: dict[str, Any], action: str) -> dict[str, Any]:
    answer = await move(http, shop.auth, booking, action)
    assert answer.status_code == 200, answer.text
    moved: dict[str, Any] = answer.json()
    return moved


async def missed(
    http: httpx.AsyncClient, shop: Barber, booking: dict[str, Any], clock: AdjustableClock
) -> dict[str, Any]:
    clock.stopped = NINE + 5 * MINUTE
    return await done(http, shop, booking, "no-show")


async def ticks_of(container: Container, booking: dict[str, Any]) -> list[int]:
    stored = await container.database["bookings"].find_one({"_id": UUID(booking["id"])})
    assert stored is not None
    ticks: list[int] = stored["ticks"]
    return ticks


async def test_undone_start_is_an_accepted_visit_again(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber, visit: dict[str, Any]
) -> None:
    held = await ticks_of(container, visit)
    await done(http, shop, visit, "start")
    assert len(await ticks_of(container, visit)) == len(held) + 1  # it began five minutes early
    undone = await done(http, shop, visit, "undo")
    assert undone == {**visit, "version": 3}
    assert await ticks_of(container, visit) == held
    last = (await history(http, customer.auth, visit))[-1]
    assert (last["action"], last["undoes"], last["by"], last["status"]) == ("undo", "start", "barber", "accepted")
    assert await done(http, shop, visit, "undo") == undone  # a second time
    assert (await done(http, shop, visit, "start"))["status"] == "in_progress"
    assert (await done(http, shop, visit, "undo"))["version"] == 5


async def test_undone_no_show_owes_nothing_and_holds_its_time_again(
    http: httpx.AsyncClient, customer: Person, shop: Barber, visit: dict[str, Any], clock: AdjustableClock
) -> None:
    ended = await missed(http, shop, visit, clock)
    assert (ended["reason"], ended["settlement"]["fee"]) == ("no_show", 3000)
    assert await done(http, shop, visit, "undo") == {**visit, "version": 3}
    assert (await ask(http, customer, shop, NINE + 10 * MINUTE)).json()["code"] == "slot_taken"
    assert [entry.get("undoes") for entry in await history(http, shop.auth, visit)] == [None, None, "no_show"]
    assert (await done(http, shop, visit, "start"))["status"] == "in_progress"


async def test_undo_of_a_no_show_is_refused_if_the_time_is_taken(
    http: httpx.AsyncClient, customer: Person, shop: Barber, visit: dict[str, Any], clock: AdjustableClock
) -> None:
    ended = await missed(http, shop, visit, clock)
    other = await book(http, customer, shop, NINE + 10 * MINUTE)
    refused = await move(http, shop.auth, visit, "undo")
    assert (refused.status_code, refused.json()["code"]) == (409, "slot_taken")
    assert await read(http, shop.auth, visit) == ended
    await move(http, customer.auth, other, "cancel")
    assert (await done(http, shop, visit, "undo"))["status"] == "accepted"


async def test_concurrent_undo_and_booking_have_one_winner(
    http: httpx.AsyncClient, customer: Person, shop: Barber, visit: dict[str, Any], clock: AdjustableClock
) -> None:
    await missed(http, shop, visit, clock)
    undone, *asked = await asyncio.gather(
        move(http, shop.auth, visit, "undo"), *(ask(http, customer, shop, NINE + 10 * MINUTE) for _ in range(4))
    )
    assert [undone.is_success, *(answer.is_success for answer in asked)].count(True) == 1


async def test_undo_of_a_no_show_takes_the_time_of_an_overdue_request(
    http: httpx.AsyncClient,
    container: Container,
    customer: Person,
    visit: dict[str, Any],
    shop: Barber,
    clock: AdjustableClock,
) -> None:
    await missed(http, shop, visit, clock)
    request = await book(http, customer, shop, NINE + 10 * MINUTE)
    await changed(container, request, status="requested", awaits="barber", answer_by=clock())
    assert (await done(http, shop, visit, "undo"))["status"] == "accepted"
    assert (await read(http, customer.auth, request))["reason"] == "expired"


async def test_undo_of_a_no_show_draws_another_seat_of_the_day(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    clock.stopped = NINE - 5 * MINUTE
    shop = await barber(http, container, rules={"auto_accept": True, "daily_cap": 2})
    customer = await register(http)
    visit = await book(http, customer, shop, NINE)
    seat = [tick for tick in await ticks_of(container, visit) if tick < 0]
    await missed(http, shop, visit, clock)
    other = await book(http, customer, shop, tomorrow(12))
    others = [tick for tick in await ticks_of(container, other) if tick >= 0]
    await changed(container, other, ticks=[*others, *seat])
    assert (await done(http, shop, visit, "undo"))["status"] == "accepted"
    [drawn] = [tick for tick in await ticks_of(container, visit) if tick < 0]
    assert [drawn] != seat
    assert (await ask(http, customer, shop, tomorrow(15))).json()["errors"][0]["message"] == "day_full"


@pytest.mark.parametrize("action", ["start", "no-show"])
async def test_undo_is_possible_for_fifteen_minutes(
    http: httpx.AsyncClient, shop: Barber, visit: dict[str, Any], clock: AdjustableClock, action: str
) -> None:
    clock.stopped = NINE + 5 * MINUTE
    await done(http, shop, visit, action)
    clock.stopped += 15 * MINUTE + INSTANT
    shop = Barber(await sign_in_again(http, shop.person), shop.services)
    refused = await move(http, shop.auth, visit, "undo")
    assert (refused.status_code, refused.json()["code"]) == (409, "outside_window")
    clock.stopped -= INSTANT
    assert (await done(http, shop, visit, "undo"))["status"] == "accepted"


@pytest.mark.parametrize("moves", [(), ("start", "complete"), ("cancel",), ("start", "late")])
async def test_undo_of_another_or_older_transition_is_refused(
    http: httpx.AsyncClient, shop: Barber, visit: dict[str, Any], moves: tuple[str, ...]
) -> None:
    for action in moves:
        body = {"minutes": 5} if action == "late" else {}
        assert (await move(http, shop.auth, visit, action, **body)).status_code == 200
    refused = await move(http, shop.auth, visit, "undo")
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")


async def test_undo_by_another_party_is_refused(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber, visit: dict[str, Any]
) -> None:
    await done(http, shop, visit, "start")
    assert (await move(http, customer.auth, visit, "undo")).status_code == 403
    assert (await move(http, (await barber(http, container)).auth, visit, "undo")).status_code == 404


async def test_undo_has_a_separate_event(
    http: httpx.AsyncClient, container: Container, shop: Barber, visit: dict[str, Any], clock: AdjustableClock
) -> None:
    await done(http, shop, visit, "start")
    await done(http, shop, visit, "undo")
    await missed(http, shop, visit, clock)
    await done(http, shop, visit, "undo")
    document = await container.database[BOOKINGS].find_one({"_id": UUID(visit["id"])})
    assert document is not None
    told = [event.type.value for event in PROJECTION.events_of(ChangeRecord(BOOKINGS, document, None, clock()))]
    undone = ["booking.started", "booking.start_undone", "booking.no_show", "booking.no_show_undone"]
    assert told == ["booking.requested", *undone]
    assert [one["action"] for one in document["history"]].count(Action.UNDO.value) == 2
