"""A change of a booking offers all time that becomes bookable, not only the booking's own minutes."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from grome.infrastructure.container import Container
from grome.waitlist.matching import WaitlistMatcher
from grome.waitlist.models import FreedTimeSearch
from tests.builders.barbers import barber
from tests.builders.bookings import book, move, tomorrow
from tests.builders.people import Person, register, sign_in_again
from tests.builders.waitlist import (
    book_by_new_customer,
    entry_states,
    free_time,
    join_waitlist,
    newest_event,
    offered_booking,
    read_entry,
    reconcile_all,
    window_over,
)
from tests.conftest import AdjustableClock

AUTO = {"auto_accept": True}


def at(hour: int, minute: int = 0, minutes: int = 30) -> dict[str, str]:
    start = tomorrow(hour, minute)
    return {"earliest": start.isoformat(), "latest": (start + timedelta(minutes=minutes)).isoformat()}


@pytest.mark.parametrize("way", ["cancel", "reschedule"])
async def test_time_freed_from_a_buffer_is_offered(http: httpx.AsyncClient, container: Container, way: str) -> None:
    shop = await barber(http, container, rules={**AUTO, "buffer_after_min": 60})
    early, booking = await book_by_new_customer(http, shop, 9)
    waiting = await register(http)
    entry = await join_waitlist(http, waiting, shop, **at(9, 30))
    assert entry["state"] == "waiting"
    await give_up(http, container, early, booking, way)
    assert (await offered_booking(http, waiting, entry))["scheduled_at"] == booking["ends_at"]


@pytest.mark.parametrize("way", ["cancel", "reschedule"])
async def test_day_below_its_cap_again_is_offered(http: httpx.AsyncClient, container: Container, way: str) -> None:
    shop = await barber(http, container, rules={**AUTO, "daily_cap": 1})
    early, booking = await book_by_new_customer(http, shop, 9)
    waiting = await register(http)
    entry = await join_waitlist(http, waiting, shop, **at(14))
    assert entry["state"] == "waiting"
    await give_up(http, container, early, booking, way)
    assert (await offered_booking(http, waiting, entry))["scheduled_at"] == tomorrow(14).isoformat().replace(
        "+00:00", "Z"
    )


async def give_up(
    http: httpx.AsyncClient, container: Container, early: Person, booking: dict[str, Any], way: str
) -> None:
    if way == "cancel":
        await free_time(http, container, early.auth, booking)
        return
    elsewhen = (tomorrow(9) + timedelta(days=3)).isoformat()
    moved = await move(http, early.auth, booking, "reschedule", scheduled_at=elsewhen)
    assert moved.status_code == 200, moved.text
    await container.get(WaitlistMatcher).on_event(await newest_event(container, booking))


async def test_travel_time_of_a_cancelled_house_call_is_offered(http: httpx.AsyncClient, container: Container) -> None:
    shop = await barber(http, container, rules=AUTO, service_radius_km=20.0)
    early, waiting = await register(http), await register(http)
    home = {"location": {"lat": 52.55, "lng": 13.405}, "address": "Somewhere 1"}
    booking = await book(http, early, shop, tomorrow(9), house_call=home)
    entry = await join_waitlist(http, waiting, shop, **at(9, 30, 30))
    assert entry["state"] == "waiting"
    await free_time(http, container, early.auth, booking)
    assert (await offered_booking(http, waiting, entry))["scheduled_at"] == booking["ends_at"]


async def test_proposed_time_of_a_cancelled_visit_is_offered(http: httpx.AsyncClient, container: Container) -> None:
    shop = await barber(http, container, rules=AUTO)
    early, booking = await book_by_new_customer(http, shop, 9)
    later = (tomorrow(9) + timedelta(days=9)).isoformat()
    proposed = await move(http, shop.auth, booking, "reschedule", scheduled_at=later)
    assert proposed.status_code == 200, proposed.text
    waiting = await register(http)
    window = {"earliest": later, "latest": (tomorrow(9, 30) + timedelta(days=9)).isoformat()}
    entry = await join_waitlist(http, waiting, shop, **window)
    assert entry["state"] == "waiting"
    await free_time(http, container, early.auth, booking)
    assert (await offered_booking(http, waiting, entry))["scheduled_at"] == later.replace("+00:00", "Z")


async def test_time_of_a_replaced_proposal_is_offered(http: httpx.AsyncClient, container: Container) -> None:
    shop = await barber(http, container, rules=AUTO)
    _, booking = await book_by_new_customer(http, shop, 9)
    for hour in (12, 15):
        start = tomorrow(hour).isoformat()
        assert (await move(http, shop.auth, booking, "reschedule", scheduled_at=start)).status_code == 200
        if hour == 12:
            waiting = await register(http)
            entry = await join_waitlist(http, waiting, shop, **at(12))
            assert entry["state"] == "waiting"
    await container.get(WaitlistMatcher).on_event(await newest_event(container, booking))
    assert (await offered_booking(http, waiting, entry))["scheduled_at"] == tomorrow(12).isoformat().replace(
        "+00:00", "Z"
    )


async def test_time_freed_by_a_delayed_visit_is_offered(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    shop = await barber(http, container, rules=AUTO)
    _, booking = await book_by_new_customer(http, shop, 9)
    waiting = await register(http)
    entry = await join_waitlist(http, waiting, shop, **window_over(booking))
    clock.set(tomorrow(7))
    host = await sign_in_again(http, shop.person)
    late = await http.post(f"/v1/bookings/{booking['id']}/late", json={"minutes": 60}, headers=host.auth)
    assert late.status_code == 200, late.text
    await container.get(WaitlistMatcher).on_event(await newest_event(container, booking))
    waiting = await sign_in_again(http, waiting)
    assert (await offered_booking(http, waiting, entry))["scheduled_at"] == booking["scheduled_at"]


async def test_changed_barber_is_searched_for_all_entries(http: httpx.AsyncClient, container: Container) -> None:
    """A higher cap makes time bookable; other changes of a barber are searched in the same way."""
    shop = await barber(http, container, rules={**AUTO, "daily_cap": 1})
    _, booking = await book_by_new_customer(http, shop, 9)
    people = [await register(http) for _ in range(2)]
    entries = [await join_waitlist(http, person, shop, **at(14)) for person in people]
    rules = {"slot_step_min": 5, "min_notice_min": 0, "horizon_days": 366, "auto_accept": True, "daily_cap": 2}
    put = await http.put("/v1/barbers/me/rules", json=rules, headers=shop.auth)
    assert put.status_code == 200, put.text
    assert await container.get(WaitlistMatcher).run_search(FreedTimeSearch(barber_id=shop.person.id)) is None
    assert await entry_states(http, *zip(people, entries, strict=True)) == ["offered", "waiting"]
    assert booking["status"] == "accepted"


async def test_time_freed_without_an_event_is_offered_by_reconcile(
    http: httpx.AsyncClient, container: Container
) -> None:
    shop = await barber(http, container, rules=AUTO)
    _, booking = await book_by_new_customer(http, shop, 9)
    people = [await register(http) for _ in range(2)]
    entries = [await join_waitlist(http, person, shop, **window_over(booking)) for person in people]
    away = {"starts_at": tomorrow(8).isoformat(), "ends_at": tomorrow(11).isoformat()}
    added = (await http.post("/v1/barbers/me/time-off", json=away, headers=shop.auth)).json()
    cancelled = await move(http, shop.auth, booking, "cancel")
    assert cancelled.status_code == 200
    await container.get(WaitlistMatcher).on_event(await newest_event(container, booking))
    assert await entry_states(http, *zip(people, entries, strict=True)) == ["waiting", "waiting"]
    gone = await http.delete(f"/v1/barbers/me/time-off/{added['id']}", headers=shop.auth)
    assert gone.status_code == 204
    await reconcile_all(container)
    assert await entry_states(http, *zip(people, entries, strict=True)) == ["offered", "waiting"]
    assert (await read_entry(http, people[0], entries[0]))["booking_id"] is not None
