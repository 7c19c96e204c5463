"""Test setting out to a house call, turning back, and the changes that end a trip, over HTTP."""

import asyncio
from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from grome.bookings.history_limits import MAX_ENTRIES_BEFORE_END, MAX_TRIPS
from grome.bookings.models import snapshot_at_version
from grome.bookings.queries import BookingQueries
from grome.infrastructure.container import Container
from tests.builders.barbers import barber
from tests.builders.bookings import book, changed, history, move, read, tomorrow
from tests.builders.people import create_admin, register, sign_in_again
from tests.conftest import AdjustableClock
from tests.tracking.trips import Visit, a_visit

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
async def visit(http: httpx.AsyncClient, container: Container, clock: AdjustableClock) -> Visit:
    return await a_visit(http, container, clock)


async def assert_snapshots_agree(container: Container, visit: Visit) -> None:
    """The state that the history gives for the newest version is the stored state."""
    booking_id = UUID(visit.booking["id"])
    stored = (await container.get(BookingQueries).find_many([booking_id]))[booking_id]
    then = snapshot_at_version(stored, stored.version)
    assert then
    assert then.on_the_way == stored.on_the_way


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


async def test_barber_sets_out_and_turns_back_and_repeats_change_nothing(visit: Visit, container: Container) -> None:
    out = await visit.set_out()
    assert out == {**visit.booking, "on_the_way": out["on_the_way"], "version": 2}
    visit.clock.shift += MINUTE
    assert await visit.set_out() == out
    assert await read(visit.http, visit.customer.auth, visit.booking) == out
    entries = await history(visit.http, visit.customer.auth, visit.booking)
    assert out["on_the_way"] == {"since": entries[1]["at"], "arrived_at": None}
    await assert_snapshots_agree(container, visit)
    back = await visit.turn_back()
    assert back == {**visit.booking, "version": 3} == await visit.turn_back()
    entries = await history(visit.http, visit.customer.auth, visit.booking)
    assert [(entry["action"], entry["by"]) for entry in entries[1:]] == [("set_out", "barber"), ("turn_back", "barber")]
    stored = (await container.get(BookingQueries).find_many([UUID(back["id"])]))[UUID(back["id"])]
    then = snapshot_at_version(stored, 2)
    assert then
    assert then.on_the_way


@pytest.mark.parametrize(
    ("action", "ended"),
    [("start", "in_progress"), ("cancel", "cancelled"), ("no-show", "cancelled"), ("reschedule", "accepted")],
)
async def test_trip_ends_with_the_visit_or_its_time(
    visit: Visit, container: Container, action: str, ended: str
) -> None:
    await visit.set_out()
    auth, body = visit.shop.auth, {}
    if action == "no-show":
        visit.clock.set(visit.starts_at + 6 * MINUTE)
        auth = (await sign_in_again(visit.http, visit.shop.person)).auth
    if action == "reschedule":
        auth = (await create_admin(visit.http, container)).auth
        body = {"scheduled_at": (visit.starts_at + HOUR).isoformat()}
    answer = await move(visit.http, auth, visit.booking, action, **body)
    assert (answer.status_code, answer.json()["status"], answer.json()["on_the_way"]) == (200, ended, None)
    await assert_snapshots_agree(container, visit)


async def test_trip_outlasts_a_delay_and_a_proposal(visit: Visit, container: Container) -> None:
    await visit.set_out()
    assert (await move(visit.http, visit.shop.auth, visit.booking, "late", minutes=15)).status_code == 200
    other = {"scheduled_at": (visit.starts_at + 2 * HOUR).isoformat()}
    proposed = (await move(visit.http, visit.shop.auth, visit.booking, "reschedule", **other)).json()
    assert proposed["proposal"]
    assert proposed["on_the_way"]
    await assert_snapshots_agree(container, visit)
    agreed = await visit.http.post(
        f"/v1/bookings/{visit.booking['id']}/proposal/accept", json={}, headers=visit.customer.auth
    )
    assert (agreed.status_code, agreed.json()["on_the_way"]) == (200, None)
    await assert_snapshots_agree(container, visit)


async def test_undone_start_does_not_bring_the_trip_back(visit: Visit) -> None:
    await visit.set_out()
    for action in ("start", "undo"):
        moved = await move(visit.http, visit.shop.auth, visit.booking, action)
        assert (moved.status_code, moved.json()["on_the_way"]) == (200, None)
    assert (await visit.set_out())["on_the_way"]


async def test_setting_out_is_refused_before_its_window_and_in_other_states(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    visit = await a_visit(http, container, clock, before=3 * HOUR + MINUTE)
    assert refusal(await visit.ask("POST", "on-the-way")) == (409, "outside_window")
    assert (await visit.ask("DELETE", "on-the-way")).json() == visit.booking
    clock.shift += MINUTE
    await visit.set_out()
    await move(http, visit.customer.auth, visit.booking, "cancel")
    assert refusal(await visit.ask("POST", "on-the-way")) == (409, "wrong_state")
    cancelled = await read(http, visit.shop.auth, visit.booking)
    assert (await visit.ask("DELETE", "on-the-way")).json() == cancelled


async def test_setting_out_needs_an_accepted_house_call(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    clock.set(tomorrow(11))
    shop, customer = await barber(http, container), await register(http)
    booking = await book(http, customer, shop, tomorrow(12))
    url = f"/v1/bookings/{booking['id']}/on-the-way"
    assert refusal(await http.post(url, headers=shop.auth)) == (409, "wrong_state")
    await move(http, shop.auth, booking, "accept")
    assert refusal(await http.post(url, headers=shop.auth)) == (409, "not_a_house_call")


async def test_setting_out_is_for_the_barber_of_the_booking(
    visit: Visit, http: httpx.AsyncClient, container: Container
) -> None:
    url = f"/v1/bookings/{visit.booking['id']}/on-the-way"
    for person, status in (((await barber(http, container)).person, 404), (visit.customer, 403)):
        for method in ("POST", "DELETE"):
            assert (await http.request(method, url, headers=person.auth)).status_code == status
    assert (await read(http, visit.customer.auth, visit.booking))["on_the_way"] is None


async def test_barber_sets_out_a_few_times_and_can_always_turn_back(visit: Visit) -> None:
    for _ in range(MAX_TRIPS):
        await visit.set_out()
        await visit.turn_back()
    assert refusal(await visit.ask("POST", "on-the-way")) == (409, "history_full")
    assert (await visit.turn_back())["version"] == 1 + 2 * MAX_TRIPS


async def test_full_history_refuses_setting_out_and_allows_turning_back(visit: Visit, container: Container) -> None:
    out = await visit.set_out()
    await changed(container, visit.booking, version=MAX_ENTRIES_BEFORE_END)
    back = await visit.turn_back()
    assert (back["on_the_way"], back["version"]) == (None, MAX_ENTRIES_BEFORE_END + 1)
    assert refusal(await visit.ask("POST", "on-the-way")) == (409, "history_full")
    assert out["on_the_way"]


@pytest.mark.parametrize("rival", ["cancel", "reschedule", "start", "turn_back"])
async def test_setting_out_races_with_the_end_of_the_trip(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock, rival: str
) -> None:
    """In each order, the stored state is the state that the history gives."""
    boss = None
    for _ in range(4):
        visit = await a_visit(http, container, clock)
        boss = boss or await create_admin(http, container)
        ends = {
            "cancel": lambda visit=visit: move(http, visit.customer.auth, visit.booking, "cancel"),
            "start": lambda visit=visit: move(http, visit.shop.auth, visit.booking, "start"),
            "turn_back": lambda visit=visit: visit.ask("DELETE", "on-the-way"),
            "reschedule": lambda visit=visit, boss=boss: move(
                http, boss.auth, visit.booking, "reschedule", scheduled_at=(visit.starts_at + HOUR).isoformat()
            ),
        }
        answers = await asyncio.gather(visit.ask("POST", "on-the-way"), ends[rival](), visit.ask("POST", "on-the-way"))
        assert {answer.status_code for answer in answers} <= {200, 409}
        booking = await read(http, visit.customer.auth, visit.booking)
        actions = [entry["action"] for entry in await history(http, visit.customer.auth, visit.booking)]
        assert (booking["on_the_way"] is not None) == (actions[-1] == "set_out")
        await assert_snapshots_agree(container, visit)
