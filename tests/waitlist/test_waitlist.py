"""Freed time is offered to waiting customers, one at a time, and never twice to the same customer."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from grome.infrastructure.container import Container
from grome.waitlist.matching import WaitlistMatcher
from grome.waitlist.models import MAX_OPEN_ENTRIES, MAX_UNANSWERED, OFFER_HOLD
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import ask, book, history, move, tomorrow
from tests.builders.people import register, sign_in_again
from tests.builders.waitlist import (
    entry_body,
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

FAR = {"location": {"lat": 52.52, "lng": 13.405}, "radius_km": 5}
HOUR = timedelta(hours=1)


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    return await barber(http, container, rules={"auto_accept": True})


async def test_freed_time_is_held_for_the_waiting_customer(
    http: httpx.AsyncClient, container: Container, shop: Barber
) -> None:
    early, waiting = await register(http), await register(http)
    booking = await book(http, early, shop, tomorrow(9))
    entry = await join_waitlist(http, waiting, shop, **window_over(booking))
    assert (entry["state"], entry["booking_id"]) == ("waiting", None)
    await free_time(http, container, early.auth, booking)

    held = await offered_booking(http, waiting, entry)
    assert (held["status"], held["awaits"], held["origin"]) == ("requested", "customer", "waitlist")
    assert held["scheduled_at"] == booking["scheduled_at"]
    left = datetime.fromisoformat(held["answer_by"]) - datetime.fromisoformat(held["created_at"])
    assert timedelta(0) <= OFFER_HOLD - left < timedelta(seconds=5)
    [made] = await history(http, waiting.auth, held)
    assert (made["action"], made["by"], made["actor_id"]) == ("offer", "system", None)
    rival = await ask(http, early, shop, datetime.fromisoformat(held["scheduled_at"]))
    assert (rival.status_code, rival.json()["code"]) == (409, "slot_taken")

    accepted = await move(http, waiting.auth, held, "accept")
    assert (accepted.status_code, accepted.json()["status"]) == (200, "accepted")
    await container.get(WaitlistMatcher).on_event(await newest_event(container, held))
    assert (await read_entry(http, waiting, entry))["state"] == "booked"


async def test_freed_time_is_offered_in_the_order_of_joining(
    http: httpx.AsyncClient, container: Container, shop: Barber, clock: AdjustableClock
) -> None:
    """The window has room for one visit: after an unanswered offer, the next customer gets the time."""
    early = await register(http)
    people = [await register(http) for _ in range(2)]
    booking = await book(http, early, shop, tomorrow(9))
    entries = [await join_waitlist(http, person, shop, **window_over(booking)) for person in people]
    await free_time(http, container, early.auth, booking)
    held = await offered_booking(http, people[0], entries[0])
    assert (await read_entry(http, people[1], entries[1]))["state"] == "waiting"

    await expire_offer(container, clock, held)
    first, second = [await sign_in_again(http, person) for person in people]
    assert (await read_entry(http, first, entries[0]))["state"] == "waiting"
    assert (await read_entry(http, first, entries[0]))["unanswered"] == 1
    again = await offered_booking(http, second, entries[1])
    assert again["scheduled_at"] == held["scheduled_at"]

    await expire_offer(container, clock, again)  # both offers expired, so there is no third one
    people = [await sign_in_again(http, person) for person in people]
    assert [(await read_entry(http, *one))["state"] for one in zip(people, entries, strict=True)] == [
        "waiting",
        "waiting",
    ]


async def test_customer_that_declined_is_offered_other_times(
    http: httpx.AsyncClient, container: Container, shop: Barber
) -> None:
    early, waiting = await register(http), await register(http)
    bookings = [await book(http, early, shop, tomorrow(9) + n * HOUR / 2) for n in range(3)]
    entry = await join_waitlist(http, waiting, shop, **window_over(*bookings))
    await free_time(http, container, early.auth, bookings[0])
    first = await offered_booking(http, waiting, entry)
    await free_time(http, container, early.auth, bookings[2])  # while another offer is open
    await free_time(http, container, waiting.auth, first, "decline")
    second = await offered_booking(http, waiting, entry)
    assert second["scheduled_at"] == bookings[2]["scheduled_at"]
    assert (await read_entry(http, waiting, entry))["unanswered"] == 0


async def test_entry_lapses_after_unanswered_offers(
    http: httpx.AsyncClient, container: Container, shop: Barber, clock: AdjustableClock
) -> None:
    early, waiting = await register(http), await register(http)
    booking = await book(http, early, shop, tomorrow(9))
    entry = await join_waitlist(
        http, waiting, shop, earliest=booking["scheduled_at"], latest=tomorrow(9, 40).isoformat()
    )
    assert entry["state"] == "waiting"
    await free_time(http, container, early.auth, booking)
    for _ in range(MAX_UNANSWERED):
        waiting = await sign_in_again(http, waiting)
        await expire_offer(container, clock, await offered_booking(http, waiting, entry))
    waiting = await sign_in_again(http, waiting)
    assert (await read_entry(http, waiting, entry))["state"] == "lapsed"


async def _offer_too(http: httpx.AsyncClient, other: Barber, shop: Barber) -> None:
    """Let `other` offer the services of `shop`."""
    offers = [{"service_id": one, "price": 100, "duration_min": length} for one, length in shop.services]
    put = await http.put("/v1/barbers/me/services", json={"services": offers}, headers=other.auth)
    assert put.status_code == 200, put.text


async def test_entry_for_an_area_reaches_only_barbers_in_its_radius(
    http: httpx.AsyncClient, container: Container
) -> None:
    early, here, elsewhere = [await register(http) for _ in range(3)]
    shop = await barber(http, container, location={"lat": 10.0, "lng": 20.0}, rules={"auto_accept": True})
    booking = await book(http, early, shop, tomorrow(9))
    other = await barber(http, container, location={"lat": 10.04, "lng": 20.0}, rules={"auto_accept": True})
    await _offer_too(http, other, shop)
    taken = await book(http, early, other, tomorrow(9), services=(0,), service_ids=[shop.services[0][0]])
    window = {"barber_id": None, **window_over(booking)}
    near = await join_waitlist(
        http, here, shop, area={"location": {"lat": 10.01, "lng": 20.0}, "radius_km": 2}, **window
    )
    far = await join_waitlist(
        http, elsewhere, shop, area={"location": {"lat": 10.03, "lng": 20.0}, "radius_km": 2}, **window
    )
    assert (taken["scheduled_at"], near["state"], far["state"]) == (booking["scheduled_at"], "waiting", "waiting")
    await free_time(http, container, early.auth, booking)
    assert (await offered_booking(http, here, near))["barber_id"] == shop.id
    assert (await read_entry(http, elsewhere, far))["state"] == "waiting"


async def test_time_that_does_not_fit_the_entry_is_not_offered(http: httpx.AsyncClient, container: Container) -> None:
    """Another window, a service that is no longer offered, and a visit that is too long for the gap."""
    shop = await barber(http, container, durations=(30, 120, 30), rules={"auto_accept": True})
    early, people = await register(http), [await register(http) for _ in range(3)]
    bookings = [await book(http, early, shop, tomorrow(9) + n * HOUR / 2) for n in range(4)]
    elsewhen = await book(http, early, shop, tomorrow(14))
    entries = [
        await join_waitlist(http, people[0], shop, **window_over(elsewhen)),
        await join_waitlist(http, people[1], shop, service_ids=[shop.services[2][0]], **window_over(bookings[1])),
        await join_waitlist(http, people[2], shop, service_ids=[shop.services[1][0]], **window_over(*bookings)),
    ]
    offers = [{"service_id": one, "price": 100, "duration_min": length} for one, length in shop.services[:2]]
    kept = await http.put("/v1/barbers/me/services", json={"services": offers}, headers=shop.auth)
    assert kept.status_code == 200
    await free_time(http, container, early.auth, bookings[1])
    assert await entry_states(http, *zip(people, entries, strict=True)) == ["waiting"] * 3


async def test_redelivered_event_changes_nothing(http: httpx.AsyncClient, container: Container, shop: Barber) -> None:
    early, people = await register(http), [await register(http) for _ in range(2)]
    booking = await book(http, early, shop, tomorrow(9))
    entries = [await join_waitlist(http, person, shop, **window_over(booking)) for person in people]
    event = await free_time(http, container, early.auth, booking)
    await asyncio.gather(*(container.get(WaitlistMatcher).on_event(event) for _ in range(10)))
    states = [(await read_entry(http, *one))["state"] for one in zip(people, entries, strict=True)]
    assert states == ["offered", "waiting"]
    held = await container.database["bookings"].count_documents({"barber_id": UUID(shop.id), "active": True})
    assert held == 1


async def test_orphaned_offer_is_withdrawn_by_reconcile(
    http: httpx.AsyncClient, container: Container, shop: Barber, clock: AdjustableClock
) -> None:
    """The worker has died after it marked the entry and before it made the booking."""
    early, waiting = await register(http), await register(http)
    booking = await book(http, early, shop, tomorrow(9))
    entry = await join_waitlist(http, waiting, shop, **window_over(booking))
    cut = {"state": "offered", "booking_id": UUID(int=7), "offered_at": container.clock()}
    await container.database["waitlist"].update_one({"_id": UUID(entry["id"])}, {"$set": cut})
    await reconcile_all(container)
    assert (await read_entry(http, waiting, entry))["state"] == "offered"  # its booking may be in flight
    clock.shift = timedelta(minutes=2)
    await reconcile_all(container)
    assert (await read_entry(http, waiting, entry))["state"] == "waiting"
    clock.set(tomorrow(12))
    await reconcile_all(container)
    assert (await read_entry(http, await sign_in_again(http, waiting), entry))["state"] == "lapsed"


async def test_leaving_frees_a_place_within_the_limit(http: httpx.AsyncClient, shop: Barber) -> None:
    early, waiting, stranger = await register(http), await register(http), await register(http)
    booking = await book(http, early, shop, tomorrow(9))
    wishes = [
        {**window_over(booking), "latest": (tomorrow(9, 30) + n * timedelta(minutes=1)).isoformat()}
        for n in range(MAX_OPEN_ENTRIES + 1)
    ]
    busy = await book(http, early, shop, tomorrow(9, 30))
    assert busy["scheduled_at"] == booking["ends_at"]
    entries = [await join_waitlist(http, waiting, shop, **window) for window in wishes[:-1]]
    one_more = await http.post("/v1/waitlist", json=entry_body(shop, **wishes[-1]), headers=waiting.auth)
    assert (one_more.status_code, one_more.json()["code"]) == (409, "waiting_for_too_much")
    path = f"/v1/waitlist/{entries[0]['id']}"
    assert (await http.delete(path, headers=stranger.auth)).status_code == 404
    assert (await http.delete(path, headers=waiting.auth)).status_code == 204
    assert (await http.delete(path, headers=waiting.auth)).status_code == 204
    assert (await read_entry(http, waiting, entries[0]))["state"] == "left"
    await join_waitlist(http, waiting, shop, **wishes[-1])

    listed: list[str] = []
    cursor = None
    while True:
        query = {"limit": "7", "state": "waiting", **({"cursor": cursor} if cursor else {})}
        page = (await http.get("/v1/waitlist", params=query, headers=waiting.auth)).json()
        listed += [entry["id"] for entry in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert len(listed) == len(set(listed)) == MAX_OPEN_ENTRIES
    mine = (await http.get("/v1/waitlist/for-me", params={"limit": 100}, headers=shop.auth)).json()["items"]
    assert len(mine) == MAX_OPEN_ENTRIES
    assert all("customer_id" not in entry for entry in mine)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"barber_id": None}, "barber_id"),
        ({"area": FAR}, "barber_id"),
        ({"latest": tomorrow(8).isoformat()}, "latest"),
        ({"latest": (tomorrow(8) + timedelta(days=100)).isoformat()}, "latest"),
        ({"earliest": "2020-01-01T00:00:00Z", "latest": "2020-01-02T00:00:00Z"}, "latest"),
        ({"service_ids": [str(UUID(int=1))]}, "service_ids[0]"),
        ({"barber_id": None, "area": FAR, "service_ids": [str(UUID(int=1))]}, "service_ids[0]"),
        ({"barber_id": None, "area": {**FAR, "radius_km": 51}}, "area.radius_km"),
    ],
)
async def test_invalid_entry_names_the_field(
    http: httpx.AsyncClient, shop: Barber, changed: dict[str, Any], field: str
) -> None:
    answer = await http.post("/v1/waitlist", json=entry_body(shop, **changed), headers=(await register(http)).auth)
    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["errors"]] == [field]
