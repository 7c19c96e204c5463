"""Test that every change of an event's text raises its SEQUENCE and LAST-MODIFIED."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grome.calendar_feeds.models import MAX_PUBLISHED, CalendarEntry, EventStatus, PublishedEntry
from grome.calendar_feeds.revisions import apply_revisions, digest_of
from grome.infrastructure.container import Container
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, move, tomorrow
from tests.builders.calendars import Read, address, feed, fetch, read
from tests.builders.people import Person, register
from tests.conftest import AdjustableClock

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
LATER = timedelta(hours=1)
Change = Callable[[httpx.AsyncClient, Container, Person, Barber], Awaitable[Any]]


PROFILE = {
    "name": "A chair",
    "location": {"lat": 52.52, "lng": 13.405},
    "timezone": "Europe/Berlin",
    "currency": "EUR",
}


async def set_profile(http: httpx.AsyncClient, shop: Barber, **changed: Any) -> None:
    response = await http.put("/v1/barbers/me", json={**PROFILE, **changed}, headers=shop.auth)
    assert response.status_code == 200, response.text


async def choose(http: httpx.AsyncClient, person: Person, **preferences: Any) -> None:
    response = await http.patch("/v1/me/preferences", json=preferences, headers=person.auth)
    assert response.status_code == 200, response.text


async def leave_the_map(http: httpx.AsyncClient, shop: Barber) -> None:
    response = await http.delete("/v1/barbers/me", headers=shop.person.auth)
    assert response.status_code == 204, response.text


SEEN_BY_THE_CUSTOMER: dict[str, Change] = {
    "name of the shop": lambda http, _container, _customer, shop: set_profile(http, shop, name="A new name"),
    "neighbourhood": lambda http, _container, _customer, shop: set_profile(http, shop, neighbourhood="Kreuzberg"),
    "place": lambda http, _container, _customer, shop: set_profile(http, shop, location={"lat": 52.5, "lng": 13.5}),
    "language": lambda http, _container, customer, _shop: choose(http, customer, language="fr"),
    "shop that leaves the map": lambda http, _container, _customer, shop: leave_the_map(http, shop),
}


@pytest.mark.parametrize("what", SEEN_BY_THE_CUSTOMER)
async def test_changed_text_of_a_customer_entry_raises_sequence_and_time(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock, what: str
) -> None:
    shop, customer = await barber(http, container), await register(http)
    await book(http, customer, shop, tomorrow(9))
    (before,) = await feed(http, customer)
    clock.shift += timedelta(minutes=5)
    await SEEN_BY_THE_CUSTOMER[what](http, container, customer, shop)
    (after,) = await feed(http, customer)
    assert after.sequence == before.sequence + 1
    assert after.changed_at > before.changed_at
    assert await feed(http, customer) == [after]


async def test_changed_customer_name_raises_the_barber_entry(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    shop, customer = await barber(http, container), await register(http, name="Zoë")
    await book(http, customer, shop, tomorrow(9))
    (before,) = await feed(http, shop.person)
    clock.shift += timedelta(minutes=5)
    await container.database["users"].update_one({"_id": customer.id}, {"$set": {"name": "Chloë"}})
    (after,) = await feed(http, shop.person)
    assert (after.summary[:5], after.sequence) == ("Chloë", before.sequence + 1)
    assert after.changed_at > before.changed_at


async def test_text_changed_back_raises_the_sequence_again(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    shop, customer = await barber(http, container), await register(http)
    booking = await book(http, customer, shop, tomorrow(9))
    seen: list[Read] = await feed(http, customer)
    for name in ("Another", "A chair"):
        clock.shift += timedelta(minutes=1)
        await set_profile(http, shop, name=name)
        seen += await feed(http, customer)
    clock.shift += timedelta(minutes=1)
    await move(http, shop.auth, booking, "accept")
    seen += await feed(http, customer)
    assert [event.sequence for event in seen] == [0, 1, 2, 3]
    assert sorted({event.changed_at for event in seen}) == [event.changed_at for event in seen]


async def test_concurrent_readers_get_the_same_feed(http: httpx.AsyncClient, container: Container) -> None:
    shop, customer = await barber(http, container), await register(http)
    booking = await book(http, customer, shop, tomorrow(9))
    url = await address(http, customer)
    for name in ("A", "B", "C"):
        await set_profile(http, shop, name=name)
        answers = await asyncio.gather(*(fetch(http, url) for _ in range(6)))
        events = [read(answer.content)[0] for answer in answers]
        assert len({event.sequence for event in events}) == 1
    file = await http.get(f"/v1/bookings/{booking['id']}/calendar.ics", headers=customer.auth)
    assert read(file.content) == await feed(http, customer)


async def test_changed_translation_of_time_off_raises_the_sequence(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    shop = await barber(http, container)
    body = {"starts_at": tomorrow(9).isoformat(), "ends_at": tomorrow(12).isoformat()}
    assert (await http.post("/v1/barbers/me/time-off", json=body, headers=shop.auth)).status_code == 201
    (before,) = await feed(http, shop.person)
    clock.shift += timedelta(minutes=5)
    await choose(http, shop.person, language="de")
    (after,) = await feed(http, shop.person)
    assert (before.sequence, after.sequence) == (0, 1)
    assert after.changed_at > before.changed_at


def entry(number: int, text: str = "", version: int = 0, changed_at: datetime = NOW) -> CalendarEntry:
    return CalendarEntry(
        uid=f"{number}@grome",
        sequence=version,
        changed_at=changed_at,
        starts_at=NOW,
        ends_at=NOW + LATER,
        status=EventStatus.CONFIRMED,
        summary=text,
    )


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=12))
def test_sequence_grows_with_each_change(steps: list[tuple[str, bool]]) -> None:
    """Covers changes of the text with and without a new version of the booking."""
    told: list[PublishedEntry] = []
    version, changed_at, last = 0, NOW, None
    for number, (text, is_booked) in enumerate(steps):
        now = NOW + number * LATER
        if is_booked:
            version, changed_at = version + 1, now
        (shown,), told = apply_revisions([entry(1, text, version, changed_at)], told, now)
        if last and (last.summary != text or is_booked):
            assert shown.changed_at > last.changed_at
        if last and last.summary != text:
            assert shown.sequence > last.sequence
        elif last:
            assert shown.sequence >= max(last.sequence, version)
        last = shown


def test_other_published_entries_stay_stored_within_the_limit() -> None:
    _, told = apply_revisions([entry(number) for number in range(MAX_PUBLISHED)], [], NOW)
    _, same = apply_revisions([entry(5, "new")], told, NOW)
    assert len(same) == MAX_PUBLISHED
    assert {event.uid for event in same} == {event.uid for event in told}
    _, fewer = apply_revisions([entry(MAX_PUBLISHED)], told, NOW)
    assert len(fewer) == MAX_PUBLISHED
    assert fewer[0].uid == f"{MAX_PUBLISHED}@grome"


def test_digest_depends_on_the_text_only() -> None:
    assert digest_of(entry(1, "a", 3, NOW + LATER)) == digest_of(entry(1, "a"))
    assert digest_of(entry(1, "a")) != digest_of(entry(1, "b"))
