"""Walk-ins over HTTP: they share ticks with appointments, and estimates follow the measured pace."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from grome.bookings.repository import BookingRepository
from grome.infrastructure.container import Container
from grome.scheduling.ticks import tick_of
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import ask, book, history, move, tomorrow
from tests.builders.people import Person, register, sign_in_again
from tests.builders.slots import daily, free
from tests.conftest import AdjustableClock

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    """Return a barber that is online and always open, with visits of 30, 60 and 120 minutes."""
    made = await barber(http, container, durations=(30, 60, 120), rules={"auto_accept": True}, timezone="UTC")
    await http.put("/v1/barbers/me/online", json={"is_online": True}, headers=made.auth)
    return made


async def join(http: httpx.AsyncClient, person: Person, shop: Barber, service: int = 0) -> httpx.Response:
    wanted = {"service_ids": [shop.services[service][0]]}
    return await http.post(f"/v1/barbers/{shop.id}/walk-ins", json=wanted, headers=person.auth)


async def joined(http: httpx.AsyncClient, person: Person, shop: Barber, service: int = 0) -> dict[str, Any]:
    answer = await join(http, person, shop, service)
    assert answer.status_code == 201, answer.text
    place: dict[str, Any] = answer.json()
    return place


async def seat(http: httpx.AsyncClient, shop: Barber, place: dict[str, Any], **body: Any) -> httpx.Response:
    return await http.post(f"/v1/walk-ins/{place['id']}/seat", json=body, headers=shop.auth)


async def queue(http: httpx.AsyncClient, shop: Barber) -> dict[str, Any]:
    answer = await http.get("/v1/barbers/me/walk-ins", headers=shop.auth)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def again(http: httpx.AsyncClient, shop: Barber) -> Barber:
    """Sign the barber in again after the clock was set."""
    return Barber(await sign_in_again(http, shop.person), shop.services)


async def test_walk_in_joins_waits_and_is_seated(http: httpx.AsyncClient, shop: Barber, clock: AdjustableClock) -> None:
    clock.set(tomorrow(10, 2))
    shop, first, second = await again(http, shop), await register(http), await register(http)
    place = await joined(http, first, shop)
    assert (place["state"], place["ahead"]) == ("waiting", 0)
    assert place["estimated_wait_min"] <= 5
    behind = await joined(http, second, shop)
    assert behind["ahead"] == 1
    assert 30 <= behind["estimated_wait_min"] <= 35

    sat = await seat(http, shop, place)
    assert sat.status_code == 200, sat.text
    booking = sat.json()
    assert (booking["status"], booking["origin"], booking["customer_id"]) == ("in_progress", "walk_in", str(first.id))
    assert [entry["action"] for entry in await history(http, first.auth, booking)] == ["create", "start"]
    assert (await seat(http, shop, place)).json() == booking  # a repeat
    mine = (await http.get(f"/v1/walk-ins/{place['id']}", headers=first.auth)).json()
    assert (mine["state"], mine["booking_id"], mine["ahead"]) == ("seated", booking["id"], None)
    assert (await http.get(f"/v1/walk-ins/{behind['id']}", headers=second.auth)).json()["ahead"] == 0

    in_the_way = await seat(http, shop, behind)
    assert (in_the_way.status_code, in_the_way.json()["code"]) == (409, "slot_taken")
    assert [one["id"] for one in (await queue(http, shop))["items"]] == [behind["id"]]  # still waiting


async def test_walk_in_does_not_take_the_time_of_an_appointment(
    http: httpx.AsyncClient, shop: Barber, clock: AdjustableClock
) -> None:
    """At 9 there is an appointment at 9:20: half an hour fits behind it, and a shorter visit before."""
    customer, person = await register(http), await register(http)
    await book(http, customer, shop, tomorrow(9, 20))
    clock.set(tomorrow(9))
    shop, person = await again(http, shop), await sign_in_again(http, person)
    place = await joined(http, person, shop)
    assert 45 <= place["estimated_wait_min"] <= 50
    assert (await seat(http, shop, place)).status_code == 409
    sat = await seat(http, shop, place, duration_min=20)
    assert sat.status_code == 200, sat.text
    assert sat.json()["ends_at"] == f"{tomorrow(9, 20):%Y-%m-%dT%H:%M}:00Z"
    taken = await ask(http, await register(http), shop, tomorrow(9, 10))
    assert taken.status_code in {409, 422}


async def test_concurrent_seatings_of_a_walk_in_start_one_visit(
    http: httpx.AsyncClient, shop: Barber, clock: AdjustableClock
) -> None:
    """A walk-in that an appointment blocks stays in the queue; no request gets `not_waiting`."""
    customer, person = await register(http), await register(http)
    await book(http, customer, shop, tomorrow(9, 20))
    clock.set(tomorrow(9))
    shop, person = await again(http, shop), await sign_in_again(http, person)
    place = await joined(http, person, shop)
    refused = await asyncio.gather(*(seat(http, shop, place) for _ in range(8)))
    assert {answer.json()["code"] for answer in refused} == {"slot_taken"}
    assert [one["id"] for one in (await queue(http, shop))["items"]] == [place["id"]]

    sat = await asyncio.gather(*(seat(http, shop, place, duration_min=20) for _ in range(8)))
    assert {answer.status_code for answer in sat} == {200}
    assert len({answer.json()["id"] for answer in sat}) == 1
    mine = (await http.get(f"/v1/walk-ins/{place['id']}", headers=person.auth)).json()
    assert (mine["state"], mine["booking_id"]) == ("seated", sat[0].json()["id"])
    assert (await queue(http, shop))["items"] == []


async def test_estimates_follow_the_measured_pace(
    http: httpx.AsyncClient, shop: Barber, clock: AdjustableClock
) -> None:
    """Six visits of half an hour took three quarters each."""
    customer, waits = await register(http), await register(http)
    for hour in range(8, 14):
        booking = await book(http, await sign_in_again(http, customer), shop, tomorrow(hour))
        clock.set(tomorrow(hour))
        shop = await again(http, shop)
        assert (await move(http, shop.auth, booking, "start")).status_code == 200
        clock.set(tomorrow(hour, 45))
        shop = await again(http, shop)
        assert (await move(http, shop.auth, booking, "complete")).status_code == 200
    clock.set(tomorrow(15))
    shop, people = await again(http, shop), [await sign_in_again(http, one) for one in (customer, waits)]
    await joined(http, people[0], shop, service=1)
    behind = await joined(http, people[1], shop)
    assert 90 <= behind["estimated_wait_min"] <= 95
    assert (await queue(http, shop))["pace"] == pytest.approx(1.5, rel=0.01)


async def test_guest_without_an_account_is_added_and_seated(http: httpx.AsyncClient, shop: Barber) -> None:
    wanted = {"name": "Jo in the red coat", "service_ids": [shop.services[0][0]]}
    added = await http.post("/v1/barbers/me/walk-ins", json=wanted, headers=shop.auth)
    assert added.status_code == 201, added.text
    [guest] = added.json()["items"]
    assert (guest["name"], guest["customer_id"]) == ("Jo in the red coat", None)
    sat = await seat(http, shop, guest)
    assert sat.status_code == 200, sat.text
    booking = sat.json()
    assert (booking["customer_id"], booking["guest"]) == (None, {"name": "Jo in the red coat"})
    assert (await move(http, shop.auth, booking, "complete")).json()["status"] == "completed"


async def test_customer_is_in_a_queue_once_and_only_while_the_barber_takes_walk_ins(
    http: httpx.AsyncClient, shop: Barber
) -> None:
    person, stranger = await register(http), await register(http)
    place = await joined(http, person, shop)
    assert (await join(http, person, shop)).json()["code"] == "in_queue_already"
    assert (await http.get(f"/v1/walk-ins/{place['id']}", headers=stranger.auth)).status_code == 404
    assert (await http.delete(f"/v1/walk-ins/{place['id']}", headers=stranger.auth)).status_code == 404
    assert (await http.delete(f"/v1/walk-ins/{place['id']}", headers=person.auth)).status_code == 204
    assert (await seat(http, shop, place)).json()["code"] == "not_waiting"
    place = await joined(http, person, shop)
    missed = await http.post(f"/v1/walk-ins/{place['id']}/missed", headers=shop.auth)
    assert (missed.status_code, missed.json()["items"]) == (200, [])
    states = [one["state"] for one in (await http.get("/v1/walk-ins", headers=person.auth)).json()["items"]]
    assert states == ["missed", "left"]

    await http.put("/v1/barbers/me/online", json={"is_online": False}, headers=shop.auth)
    assert (await join(http, person, shop)).json()["code"] == "not_taking_walk_ins"
    query = {"service_ids": shop.services[0][0]}
    looked = (await http.get(f"/v1/barbers/{shop.id}/walk-ins", params=query)).json()
    assert looked == {"is_taking": False, "waiting": 0, "estimated_start": None, "estimated_wait_min": None}


async def test_joining_a_full_queue_is_refused(http: httpx.AsyncClient, shop: Barber, clock: AdjustableClock) -> None:
    people = [await register(http) for _ in range(3)]
    hours = {
        day: {"is_available": True, "start_time": "09:00", "end_time": "12:00"}
        for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    }
    await http.put("/v1/barbers/me/hours", json=hours, headers=shop.auth)
    clock.set(tomorrow(9))
    shop, people = await again(http, shop), [await sign_in_again(http, one) for one in people]
    assert [(await join(http, one, shop, service=2)).status_code for one in people] == [201, 409, 409]
    assert (await join(http, people[1], shop)).status_code == 201
    query = {"service_ids": shop.services[2][0]}
    looked = (await http.get(f"/v1/barbers/{shop.id}/walk-ins", params=query)).json()
    assert (looked["waiting"], looked["estimated_start"]) == (2, None)
    assert datetime.fromisoformat((await queue(http, shop))["items"][1]["estimated_start"]) >= tomorrow(11)


async def complete(http: httpx.AsyncClient, shop: Barber, booking: dict[str, Any]) -> None:
    assert (await move(http, shop.auth, booking, "complete")).status_code == 200


async def test_walk_in_is_seated_in_the_minute_of_the_previous_end(
    http: httpx.AsyncClient, container: Container, shop: Barber, clock: AdjustableClock
) -> None:
    """Three visits within one tick: the last one claims the tick, and no two visits overlap."""
    clock.set(tomorrow(10, 2))
    shop, people = await again(http, shop), [await register(http) for _ in range(3)]
    places = [await joined(http, person, shop) for person in people]
    assert places[0]["estimated_wait_min"] == 0
    bookings = []
    for place in places:
        sat = await seat(http, shop, place)
        assert sat.status_code == 200, sat.text
        bookings.append(sat.json())
        if place is not places[-1]:
            await complete(http, shop, bookings[-1])
    stored = [await container.get(BookingRepository).find({}, UUID(booking["id"])) for booking in bookings]
    running = tick_of(tomorrow(10))
    assert [one.ticks for one in stored if one] == [[], [], list(range(running, running + 6))]
    clock.set(tomorrow(10, 12))
    shop = await again(http, shop)
    await complete(http, shop, bookings[-1])
    last = await container.get(BookingRepository).find({}, UUID(bookings[-1]["id"]))
    assert last
    assert (last.ticks, last.active) == ([running, running + 1], True)
    assert "10:15" in await free(http, shop, tomorrow(0).date())


async def test_overdue_request_does_not_block_a_walk_in(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    shop, asks, waits = await barber(http, container), await register(http), await register(http)
    await http.put("/v1/barbers/me/online", json={"is_online": True}, headers=shop.auth)
    request = await book(http, asks, shop, tomorrow(10, 10))
    assert request["status"] == "requested"
    clock.set(tomorrow(10, 11))
    shop, waits, asks = await again(http, shop), await sign_in_again(http, waits), await sign_in_again(http, asks)
    place = await joined(http, waits, shop)
    assert (await seat(http, shop, place)).status_code == 200
    left = (await http.get(f"/v1/bookings/{request['id']}", headers=asks.auth)).json()
    assert (left["status"], left["reason"]) == ("cancelled", "expired")


async def test_early_start_takes_the_time_from_now_on(
    http: httpx.AsyncClient, shop: Barber, clock: AdjustableClock
) -> None:
    """The visit starts at 9:32 instead of 10:00, and its minutes are neither offered nor bookable."""
    customer, other, waits = await register(http), await register(http), await register(http)
    booking = await book(http, customer, shop, tomorrow(10))
    clock.set(tomorrow(9, 32))
    shop, other, waits = await again(http, shop), await sign_in_again(http, other), await sign_in_again(http, waits)
    day = tomorrow(0).date()
    assert "09:35" not in await free(http, shop, day)
    assert (await move(http, shop.auth, booking, "start")).status_code == 200
    assert {"09:35", "09:40", "10:00", "10:25"}.isdisjoint(await free(http, shop, day))
    assert (await ask(http, other, shop, tomorrow(9, 40))).json()["code"] == "slot_taken"
    query = {"service_ids": shop.services[0][0]}
    looked = (await http.get(f"/v1/barbers/{shop.id}/walk-ins", params=query)).json()
    assert looked["estimated_wait_min"] >= 28
    clock.set(tomorrow(9, 58))
    shop, waits = await again(http, shop), await sign_in_again(http, waits)
    await complete(http, shop, booking)
    assert "10:00" in await free(http, shop, day)
    assert (await seat(http, shop, await joined(http, waits, shop))).status_code == 200


async def test_early_start_does_not_take_the_time_of_an_appointment_before_it(
    http: httpx.AsyncClient, container: Container, shop: Barber, clock: AdjustableClock
) -> None:
    early, between = await register(http), await register(http)
    booking = await book(http, early, shop, tomorrow(10))
    kept = await book(http, between, shop, tomorrow(9, 20))
    clock.set(tomorrow(9, 7))
    shop = await again(http, shop)
    assert (await move(http, shop.auth, booking, "start")).status_code == 200
    stored, other = [await container.get(BookingRepository).find({}, UUID(one["id"])) for one in (booking, kept)]
    assert stored
    assert other
    first, agreed = tick_of(tomorrow(9, 5)), tick_of(tomorrow(10))
    assert stored.early_ticks == [first, first + 1, first + 2]
    assert sorted(stored.ticks) == [*stored.early_ticks, *range(agreed, agreed + 6)]
    assert set(stored.ticks).isdisjoint(other.ticks)


async def open_daily(http: httpx.AsyncClient, shop: Barber, opens: str, closes: str) -> None:
    assert (await http.put("/v1/barbers/me/hours", json=daily(opens, closes), headers=shop.auth)).status_code == 200


@pytest.mark.parametrize(("opens", "closes"), [("20:00", "04:00"), ("00:00", "24:00")])
async def test_queue_continues_over_midnight(
    http: httpx.AsyncClient, shop: Barber, clock: AdjustableClock, opens: str, closes: str
) -> None:
    """One barber is open over midnight, the other never closes."""
    await open_daily(http, shop, opens, closes)
    first, later = await register(http), await register(http)
    midnight = tomorrow(0) + timedelta(days=1)
    clock.set(midnight - 10 * MINUTE)
    shop, first = await again(http, shop), await sign_in_again(http, first)
    place = await joined(http, first, shop, service=1)
    clock.set(midnight + 3 * MINUTE)
    shop, later, first = await again(http, shop), await sign_in_again(http, later), await sign_in_again(http, first)
    mine = (await http.get(f"/v1/walk-ins/{place['id']}", headers=first.auth)).json()
    assert (mine["ahead"], mine["estimated_wait_min"]) == (0, 0)
    query = {"service_ids": shop.services[0][0]}
    assert (await http.get(f"/v1/barbers/{shop.id}/walk-ins", params=query)).json()["waiting"] == 1
    assert [one["id"] for one in (await queue(http, shop))["items"]] == [place["id"]]
    assert (await join(http, first, shop)).json()["code"] == "in_queue_already"
    assert (await joined(http, later, shop))["ahead"] == 1
    assert (await seat(http, shop, place)).status_code == 200


async def test_queue_ends_with_its_opening(http: httpx.AsyncClient, shop: Barber, clock: AdjustableClock) -> None:
    """At 03:00 an hour fits before closing and two do not; at 04:30 the queue is empty."""
    await open_daily(http, shop, "20:00", "04:00")
    first, later = await register(http), await register(http)
    three = tomorrow(3) + timedelta(days=1)
    clock.set(three)
    shop, first, later = await again(http, shop), await sign_in_again(http, first), await sign_in_again(http, later)
    place = await joined(http, first, shop, service=1)
    assert place["day"] == str(tomorrow(0).date())
    assert (await join(http, later, shop, service=2)).json()["code"] == "queue_full"
    clock.set(three + 90 * MINUTE)
    shop, first = await again(http, shop), await sign_in_again(http, first)
    assert (await queue(http, shop))["items"] == []
    mine = (await http.get(f"/v1/walk-ins/{place['id']}", headers=first.auth)).json()
    assert (mine["ahead"], mine["estimated_start"]) == (None, None)
    assert (await joined(http, first, shop))["day"] == str(three.date())
