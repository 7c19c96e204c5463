"""Join the waitlist: one entry per request, a limit that holds for concurrent requests, and no impossible visit."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from grome.infrastructure.container import Container
from grome.waitlist.matching import WaitlistMatcher
from grome.waitlist.models import MAX_OPEN_ENTRIES
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, move, tomorrow
from tests.builders.people import register
from tests.builders.waitlist import (
    book_by_new_customer,
    entry_body,
    entry_states,
    free_time,
    join_waitlist,
    newest_event,
    offered_booking,
    post_entry,
    read_entry,
    reconcile_all,
    window_over,
)

AUTO = {"auto_accept": True}


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    return await barber(http, container, rules=AUTO)


async def test_joining_for_free_time_returns_an_offer_at_once(
    http: httpx.AsyncClient, container: Container, shop: Barber
) -> None:
    """A booking was cancelled, and its event handled, before the customer joined for its time."""
    early, booking = await book_by_new_customer(http, shop)
    await free_time(http, container, early.auth, booking)
    waiting = await register(http)
    entry = await join_waitlist(http, waiting, shop, **window_over(booking))
    assert entry["state"] == "offered"
    assert (await offered_booking(http, waiting, entry))["scheduled_at"] == booking["scheduled_at"]


async def test_joining_for_an_area_offers_the_nearest_free_barber(
    http: httpx.AsyncClient, container: Container
) -> None:
    farther = await barber(http, container, location={"lat": -10.0, "lng": 20.02}, rules=AUTO)
    offers = [{"service_id": one, "price": 100, "duration_min": length} for one, length in farther.services]
    near = await barber(http, container, location={"lat": -10.0, "lng": 20.01}, rules=AUTO)
    put = await http.put("/v1/barbers/me/services", json={"services": offers}, headers=near.auth)
    assert put.status_code == 200
    area = {"location": {"lat": -10.0, "lng": 20.0}, "radius_km": 5}
    waiting = await register(http)
    entry = await join_waitlist(http, waiting, farther, barber_id=None, area=area)
    assert (await offered_booking(http, waiting, entry))["barber_id"] == near.id


async def test_joining_again_with_the_same_request_returns_the_open_entry(
    http: httpx.AsyncClient, container: Container
) -> None:
    shop = await barber(http, container, durations=(30, 15), rules=AUTO)
    _, booking = await book_by_new_customer(http, shop)
    await book(http, await register(http), shop, datetime.fromisoformat(booking["ends_at"]))
    waiting = await register(http)
    both = {**window_over(booking), "service_ids": [one for one, _ in shop.services]}
    both["latest"] = (tomorrow(9, 30) + timedelta(minutes=20)).isoformat()
    answers = await asyncio.gather(*(post_entry(http, waiting, shop, **both) for _ in range(6)))
    turned = await post_entry(http, waiting, shop, **{**both, "service_ids": both["service_ids"][::-1]})
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in (*answers, turned)}) == 1
    [entry] = (await http.get("/v1/waitlist", headers=waiting.auth)).json()["items"]
    await http.delete(f"/v1/waitlist/{entry['id']}", headers=waiting.auth)
    assert (await join_waitlist(http, waiting, shop, **both))["id"] != entry["id"]


async def test_concurrent_joins_stay_within_the_limit(http: httpx.AsyncClient, shop: Barber) -> None:
    _, booking = await book_by_new_customer(http, shop)
    await book(http, await register(http), shop, datetime.fromisoformat(booking["ends_at"]))
    waiting = await register(http)
    wishes = [
        entry_body(shop, **window_over(booking) | {"latest": (tomorrow(9, 30) + timedelta(seconds=n)).isoformat()})
        for n in range(MAX_OPEN_ENTRIES + 5)
    ]
    answers = await asyncio.gather(*(http.post("/v1/waitlist", json=wanted, headers=waiting.auth) for wanted in wishes))
    assert sorted(answer.status_code for answer in answers) == [201] * MAX_OPEN_ENTRIES + [409] * 5
    page = (await http.get("/v1/waitlist", params={"limit": 100}, headers=waiting.auth)).json()
    assert len(page["items"]) == MAX_OPEN_ENTRIES


async def test_ended_entries_do_not_count_towards_the_limit(http: httpx.AsyncClient, shop: Barber) -> None:
    _, booking = await book_by_new_customer(http, shop)
    waiting = await register(http)
    for _ in range(MAX_OPEN_ENTRIES + 1):
        entry = await join_waitlist(http, waiting, shop, **window_over(booking))
        left = await http.delete(f"/v1/waitlist/{entry['id']}", headers=waiting.auth)
        assert left.status_code == 204


async def test_customer_has_one_open_offer_at_a_time(
    http: httpx.AsyncClient, container: Container, shop: Barber
) -> None:
    """The second time is offered once the first offer is answered."""
    early, waiting = await register(http), await register(http)
    bookings = [await book(http, early, shop, tomorrow(hour)) for hour in (9, 15)]
    entries = [await join_waitlist(http, waiting, shop, **window_over(booking)) for booking in bookings]
    for booking in bookings:
        assert (await move(http, early.auth, booking, "cancel")).status_code == 200
    events = [await newest_event(container, booking) for booking in bookings]
    await asyncio.gather(*(container.get(WaitlistMatcher).on_event(event) for event in events))
    found = {entry["id"]: (await read_entry(http, waiting, entry))["state"] for entry in entries}
    assert sorted(found.values()) == ["offered", "waiting"]
    [first] = [entry for entry in entries if found[entry["id"]] == "offered"]
    held = await offered_booking(http, waiting, first)
    await free_time(http, container, waiting.auth, held, "accept")
    await reconcile_all(container)
    assert sorted(await entry_states(http, *((waiting, entry) for entry in entries))) == ["booked", "offered"]


async def test_declined_time_is_offered_to_the_next_customer_only(
    http: httpx.AsyncClient, container: Container, shop: Barber
) -> None:
    early, booking = await book_by_new_customer(http, shop)
    await book(http, early, shop, datetime.fromisoformat(booking["ends_at"]))
    twice, other = await register(http), await register(http)
    longer = {**window_over(booking), "latest": tomorrow(9, 40).isoformat()}
    entries = [
        await join_waitlist(http, twice, shop, **window_over(booking)),
        await join_waitlist(http, twice, shop, **longer),
    ]
    third = await join_waitlist(http, other, shop, **window_over(booking))
    await free_time(http, container, early.auth, booking)
    await free_time(http, container, twice.auth, await offered_booking(http, twice, entries[0]), "decline")
    assert await entry_states(http, *((twice, entry) for entry in entries)) == ["waiting", "waiting"]
    assert (await offered_booking(http, other, third))["scheduled_at"] == booking["scheduled_at"]
    again = await join_waitlist(http, twice, shop, **window_over(booking) | {"latest": tomorrow(9, 35).isoformat()})
    await free_time(http, container, other.auth, await offered_booking(http, other, third), "decline")
    # An entry that was made after the first decline may get the time, after all other entries.
    assert await entry_states(http, *((twice, entry) for entry in (*entries, again))) == [
        "waiting",
        "waiting",
        "offered",
    ]


@pytest.mark.parametrize(
    ("changed", "rules", "field", "reason"),
    [
        ({"latest": tomorrow(8, 20).isoformat()}, {}, "latest", "too_short"),
        ({}, {"min_notice_min": 7 * 24 * 60}, "latest", "too_soon"),
        (
            {"earliest": (tomorrow(8) + timedelta(days=20)).isoformat(),
             "latest": (tomorrow(12) + timedelta(days=20)).isoformat()},
            {"horizon_days": 5}, "earliest", "beyond_horizon",
        ),
        ({"earliest": tomorrow(3).isoformat(), "latest": tomorrow(4).isoformat()}, {}, "earliest", "closed"),
    ],
)  # fmt: skip
async def test_joining_for_an_impossible_visit_is_refused(
    http: httpx.AsyncClient,
    container: Container,
    changed: dict[str, Any],
    rules: dict[str, Any],
    field: str,
    reason: str,
) -> None:
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    hours = {day: {"is_available": True, "start_time": "08:00", "end_time": "18:00"} for day in days}
    shop = await barber(http, container, hours=hours, rules=rules)
    answer = await post_entry(http, await register(http), shop, **changed)
    assert (answer.status_code, answer.json()["code"]) == (422, "wish_cannot_be_met")
    assert answer.json()["errors"] == [{"field": field, "message": reason}]


async def test_joining_within_time_off_is_refused(http: httpx.AsyncClient, shop: Barber) -> None:
    away = {"starts_at": tomorrow(7).isoformat(), "ends_at": tomorrow(13).isoformat()}
    added = await http.post("/v1/barbers/me/time-off", json=away, headers=shop.auth)
    assert added.status_code == 201, added.text
    answer = await post_entry(http, await register(http), shop)
    assert answer.json()["errors"] == [{"field": "earliest", "message": "closed"}]


async def test_joining_for_an_area_without_barbers_is_refused(http: httpx.AsyncClient, shop: Barber) -> None:
    area = {"location": {"lat": -80.0, "lng": 0.0}, "radius_km": 5}
    answer = await post_entry(http, await register(http), shop, barber_id=None, area=area)
    assert (answer.status_code, answer.json()["code"]) == (422, "wish_cannot_be_met")
    assert answer.json()["errors"] == [{"field": "area", "message": "nobody_within_reach"}]


async def test_ended_entries_are_deleted_after_thirty_days(
    http: httpx.AsyncClient, container: Container, shop: Barber
) -> None:
    _, booking = await book_by_new_customer(http, shop)
    waiting = await register(http)
    entry = await join_waitlist(http, waiting, shop, **window_over(booking))
    await http.delete(f"/v1/waitlist/{entry['id']}", headers=waiting.auth)
    collection = container.database["waitlist"]
    stored = await collection.find_one({"_id": UUID(entry["id"])})
    assert stored is not None
    assert abs(stored["ended_at"] - container.clock()) < timedelta(minutes=1)
    indexes = (await collection.index_information()).values()
    lives = {index["key"][0][0]: index["expireAfterSeconds"] for index in indexes if "expireAfterSeconds" in index}
    assert lives == {"ended_at": 30 * 24 * 3600, "latest": 30 * 24 * 3600}
