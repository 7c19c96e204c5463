"""Test calendar feeds over HTTP: content, readers and changes."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import msgspec
import pytest

from grome.barbers.models import ScheduleExceptions
from grome.barbers.service import BarberService
from grome.bookings.models import Booking, Guest, Party
from grome.bookings.queries import BookingQueries
from grome.calendar_feeds.models import FUTURE_SPAN, PAST_SPAN
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.scheduling.models import TimeOff
from tests.api.problems import assert_refused
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, history, move, serve, tomorrow
from tests.builders.calendars import Read, address, feed, fetch, read
from tests.builders.people import Person, create_admin, register
from tests.builders.reports import insert_all, make_booking
from tests.builders.world import store_barbers
from tests.conftest import AdjustableClock

# Both changes of the clocks in 2027, in UTC; the last of the zones knows none.
CHANGES = {
    "Europe/Berlin": ("2027-03-28T01:00Z", "2027-10-31T01:00Z"),
    "America/New_York": ("2027-03-14T07:00Z", "2027-11-07T06:00Z"),
    "Australia/Lord_Howe": ("2027-04-03T15:00Z", "2027-10-02T15:30Z"),
    "Asia/Kolkata": ("2027-03-28T01:00Z",),
}


async def a_visit(http: httpx.AsyncClient, container: Container, **shop: Any) -> tuple[Person, Barber, dict[str, Any]]:
    """Book nine o'clock tomorrow for Zoë."""
    chair, customer = await barber(http, container, **shop), await register(http, name="Zoë de la Cruz")
    return customer, chair, await book(http, customer, chair, tomorrow(9))


async def the_one(http: httpx.AsyncClient, person: Person) -> Read:
    (found,) = await feed(http, person)
    return found


class TestContent:
    async def test_feed_of_a_customer(self, http: httpx.AsyncClient, container: Container) -> None:
        customer, _, booking = await a_visit(http, container, name="Salon Émile", neighbourhood="Mitte", prices=(2550,))
        event = await the_one(http, customer)
        service = booking["services"][0]["name"]
        assert event.uid == f"{booking['id']}@grome"
        assert (event.starts_at, event.ends_at) == (tomorrow(9), tomorrow(9, 30))
        assert (event.status, event.summary) == ("TENTATIVE", f"Salon Émile · {service}")
        assert (event.location, event.geo) == ("Salon Émile, Mitte", (52.52, 13.405))
        assert event.url == f"http://127.0.0.1:8000/bookings/{booking['id']}"
        told = ["Not confirmed yet", f"{service}: €25.50", "Total: €25.50", event.url]
        assert event.description.split("\n") == told

    async def test_feed_of_a_barber(self, http: httpx.AsyncClient, container: Container) -> None:
        """It has the first name only, and no place, since barbers know their shop."""
        _, shop, booking = await a_visit(http, container)
        event = await the_one(http, shop.person)
        assert event.summary == f"Zoë · {booking['services'][0]['name']}"
        assert (event.location, event.geo) == ("", None)
        assert "Cruz" not in event.description

    async def test_feed_of_a_barber_names_guests(self, http: httpx.AsyncClient, container: Container) -> None:
        shop = await barber(http, container)
        await insert_all(
            container, [make_booking(tomorrow(9), barber_id=UUID(shop.id), customer_id=None, guest=Guest("Ana Li"))]
        )
        assert (await the_one(http, shop.person)).summary == "Ana · A cut"

    async def test_feed_is_in_the_readers_language(self, http: httpx.AsyncClient, container: Container) -> None:
        customer, shop, _ = await a_visit(http, container)
        for language, person in (("de", customer), ("ja", shop.person)):
            await http.patch("/v1/me/preferences", json={"language": language}, headers=person.auth)
        assert (await the_one(http, customer)).description.startswith("Noch nicht bestätigt\n")
        assert (await the_one(http, shop.person)).description.startswith("未確定\n")

    async def test_feed_with_a_removed_profile_keeps_the_name(
        self, http: httpx.AsyncClient, container: Container
    ) -> None:
        customer, shop, booking = await a_visit(http, container)
        assert (await http.delete("/v1/barbers/me", headers=shop.auth)).status_code == 204
        event = await the_one(http, customer)
        assert (event.summary, event.geo) == (f"A barber · {booking['services'][0]['name']}", None)
        assert (await the_one(http, shop.person)).starts_at == tomorrow(9)

    async def test_time_off_is_in_the_barbers_feed_only(self, http: httpx.AsyncClient, container: Container) -> None:
        customer, shop, _ = await a_visit(http, container)
        now = container.clock()
        weekend = TimeOff(new_id(), tomorrow(0), tomorrow(0) + timedelta(days=2), "At the sea; back on Monday")
        others = [
            TimeOff(new_id(), now - PAST_SPAN - timedelta(days=2), now - PAST_SPAN - timedelta(days=1)),
            TimeOff(new_id(), now + FUTURE_SPAN + timedelta(days=1), now + FUTURE_SPAN + timedelta(days=2)),
            TimeOff(new_id(), now, now + timedelta(milliseconds=5)),
        ]
        profile = await container.get(BarberService).get(UUID(shop.id))
        openings = ScheduleExceptions(time_off=[weekend, *others])
        await store_barbers(
            container, [msgspec.structs.replace(profile, openings=openings, version=profile.version + 1)]
        )
        before = await fetch(http, await address(http, shop.person))
        _, off = read(before.content)
        assert off.uid == f"{weekend.id}@grome"
        assert (off.starts_at, off.ends_at) == (weekend.starts_at, weekend.ends_at)
        assert (off.summary, off.description) == ("Time off", weekend.note)
        assert abs(off.changed_at - now) < timedelta(minutes=1)
        assert len(await feed(http, customer)) == 1
        await http.put("/v1/barbers/me/online", json={"is_online": True}, headers=shop.auth)
        assert (await fetch(http, await address(http, shop.person))).content == before.content

    async def test_feed_has_its_calendar_properties(self, http: httpx.AsyncClient) -> None:
        """An empty feed is a calendar, too, and has its polling interval."""
        answer = await fetch(http, await address(http, await register(http)))
        assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
        assert read(answer.content) == []
        lines = answer.text.split("\r\n")
        assert lines[0] == "BEGIN:VCALENDAR"
        assert {"VERSION:2.0", "METHOD:PUBLISH", "NAME:Grome", "X-WR-CALNAME:Grome"} < set(lines)
        assert "REFRESH-INTERVAL;VALUE=DURATION:PT15M" in lines


class TestWhichVisits:
    @pytest.mark.parametrize("zone", CHANGES)
    async def test_feeds_of_both_sides_agree_across_clock_changes(
        self, http: httpx.AsyncClient, container: Container, clock: AdjustableClock, zone: str
    ) -> None:
        """Includes the repeated hour, and the hour before the skipped hour."""
        shop = await barber(http, container, timezone=zone)
        url = await address(http, shop.person)
        for change in map(datetime.fromisoformat, CHANGES[zone]):
            offsets = {(change + timedelta(minutes=by)).astimezone(ZoneInfo(zone)).utcoffset() for by in (-1, 0)}
            assert len(offsets) == (1 if zone == "Asia/Kolkata" else 2)
            starts = [change + timedelta(minutes=minutes) for minutes in range(-120, 121, 30)]
            await insert_all(container, [make_booking(start, barber_id=UUID(shop.id)) for start in starts])
            clock.set(change)
            found = read((await fetch(http, url)).content)
            assert [event.starts_at for event in found if event.starts_at in starts] == starts
            for event in found:
                assert event.ends_at - event.starts_at == timedelta(minutes=30)

    async def test_feed_covers_90_days_back_to_the_horizon(self, http: httpx.AsyncClient, container: Container) -> None:
        customer, now = await register(http), container.clock()
        minute = timedelta(minutes=1)
        assert timedelta(days=90) == PAST_SPAN
        assert timedelta(days=366) < FUTURE_SPAN  # the longest horizon
        inside = [now - PAST_SPAN + minute, now - timedelta(days=1), now, now + FUTURE_SPAN - minute]
        outside = [now - PAST_SPAN - minute, now + FUTURE_SPAN + minute]
        await insert_all(container, [make_booking(start, customer_id=customer.id) for start in inside + outside])
        found = [event.starts_at for event in await feed(http, customer)]
        assert found == [start.replace(microsecond=0) for start in inside]

    async def test_feed_with_too_many_visits_keeps_the_nearest(self, container: Container) -> None:
        """Uses the query of feeds with smaller limits."""
        person, now = new_id(), container.clock()
        days = range(-9, 10)
        await insert_all(container, [make_booking(now + timedelta(days=day), barber_id=person) for day in days])
        bookings: BookingQueries = container.get(BookingQueries)
        ahead = await bookings.list_around(Party.BARBER, person, (now, now + FUTURE_SPAN), 3)
        behind = await bookings.list_around(Party.BARBER, person, (now - PAST_SPAN, now), 3, latest_first=True)
        assert _days(ahead, now) == [0, 1, 2]
        assert _days(behind, now) == [-1, -2, -3]

    async def test_feed_has_no_visits_of_others(self, http: httpx.AsyncClient, container: Container) -> None:
        customer, shop, _ = await a_visit(http, container)
        assert await feed(http, await register(http)) == []
        assert await feed(http, (await barber(http, container)).person) == []
        assert len(await feed(http, customer)) == len(await feed(http, shop.person)) == 1

    async def test_feed_reads_are_constant_in_number(self, http: httpx.AsyncClient, container: Container) -> None:
        shop = await barber(http, container)
        url = await address(http, shop.person)
        reads = []
        for count in (1, 10):
            people = await asyncio.gather(*(register(http) for _ in range(count)))
            bookings = [
                make_booking(tomorrow(1) + timedelta(minutes=30 * number), barber_id=UUID(shop.id), customer_id=one.id)
                for number, one in enumerate(people)
            ]
            await insert_all(container, bookings)
            tries: list[int] = []
            for _ in range(3):  # Grome also reads on its own now and then
                async with counted_reads(container) as counted:
                    assert read((await fetch(http, url)).content)
                tries += counted
            reads.append(min(tries))
        assert 3 <= reads[0] == reads[1] <= 6


class TestChanges:
    async def test_change_of_a_booking_increases_the_sequence(
        self, http: httpx.AsyncClient, container: Container, clock: AdjustableClock
    ) -> None:
        customer, _, booking = await a_visit(http, container)
        seen = [await the_one(http, customer)]
        for action in ("accept", "start", "complete"):
            clock.shift += timedelta(minutes=2)
            await serve(container, booking, action)
            seen.append(await the_one(http, customer))
        assert [event.sequence for event in seen] == [0, 1, 2, 3]
        assert [event.status for event in seen] == ["TENTATIVE", "CONFIRMED", "CONFIRMED", "CONFIRMED"]
        assert len({event.uid for event in seen}) == 1
        entries = await history(http, customer.auth, booking)
        changes = [datetime.fromisoformat(entry["at"]).replace(microsecond=0) for entry in entries]
        assert [event.changed_at for event in seen] == changes

    @pytest.mark.parametrize(
        ("by", "action", "told"),
        [
            ("customer", "cancel", "You cancelled the booking."),
            ("barber", "cancel", "The barber cancelled the booking."),
            ("barber", "decline", "The barber declined the request."),
        ],
    )
    async def test_cancelled_visit_stays_as_cancelled(
        self, http: httpx.AsyncClient, container: Container, by: str, action: str, told: str
    ) -> None:
        """Calendar apps delete only events that they see cancelled."""
        customer, shop, booking = await a_visit(http, container)
        before = await the_one(http, customer)
        await move(http, customer.auth if by == "customer" else shop.auth, booking, action)
        for person in (customer, shop.person):
            event = await the_one(http, person)
            assert (event.uid, event.status, event.sequence) == (before.uid, "CANCELLED", 1)
        answer = await fetch(http, await address(http, customer))
        assert "TRANSP:TRANSPARENT" in answer.text
        assert (await the_one(http, customer)).description.startswith(f"{told}\n")

    async def test_unchanged_feed_returns_304(self, http: httpx.AsyncClient, container: Container) -> None:
        customer, shop, booking = await a_visit(http, container)
        url = await address(http, customer)
        first = await fetch(http, url)
        known = {"If-None-Match": first.headers["etag"]}
        again = await fetch(http, url, **known)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["cache-control"] == first.headers["cache-control"] == "private, no-cache"
        await move(http, shop.auth, booking, "accept")
        changed = await fetch(http, url, **known)
        assert (changed.status_code, changed.headers["etag"] != first.headers["etag"]) == (200, True)

    async def test_feed_file_name_has_no_token(self, http: httpx.AsyncClient) -> None:
        url = await address(http, await register(http))
        disposition = "inline; filename=\"grome.ics\"; filename*=UTF-8''grome.ics"
        assert (await fetch(http, url)).headers["content-disposition"] == disposition

    async def test_large_feed_is_compressed(self, http: httpx.AsyncClient, container: Container) -> None:
        customer = await register(http)
        await insert_all(container, [make_booking(tomorrow(hour), customer_id=customer.id) for hour in range(9, 17)])
        url = await address(http, customer)
        packed, plain = [await fetch(http, url, **{"Accept-Encoding": coding}) for coding in ("gzip", "identity")]
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.content == plain.content
        assert int(packed.headers["content-length"]) < len(gzip.compress(plain.content)) * 2 < len(plain.content)


class TestOneVisit:
    async def test_visit_file_is_served_to_both_sides(self, http: httpx.AsyncClient, container: Container) -> None:
        customer, shop, booking = await a_visit(http, container)
        await book(http, customer, shop, tomorrow(12))
        for person, name in ((customer, "A chair"), (shop.person, "Zoë")):
            answer = await http.get(f"/v1/bookings/{booking['id']}/calendar.ics", headers=person.auth)
            assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
            file = f"grome-{booking['id']}.ics"
            disposition = f"attachment; filename=\"{file}\"; filename*=UTF-8''{file}"
            assert answer.headers["content-disposition"] == disposition
            (event,) = read(answer.content)
            assert (event.starts_at, event.summary.split(" · ")[0]) == (tomorrow(9), name)
            assert event in await feed(http, person)

    async def test_visit_file_of_others_is_not_found(self, http: httpx.AsyncClient, container: Container) -> None:
        _, _, booking = await a_visit(http, container)
        path = f"/v1/bookings/{booking['id']}/calendar.ics"
        for role in ("customer", "barber"):
            stranger = await register(http, role=role)
            assert_refused(await http.get(path, headers=stranger.auth), 404, "not_found", told=role)
        boss = await create_admin(http, container)
        assert_refused(await http.get(path, headers=boss.auth), 403, "forbidden", told="admin")
        assert_refused(await http.get(path), 401, "unauthenticated", told="nobody")


def _days(bookings: Sequence[Booking], now: datetime) -> list[int]:
    return [round((booking.scheduled_at - now.astimezone(UTC)) / timedelta(days=1)) for booking in bookings]


@asynccontextmanager
async def counted_reads(container: Container) -> AsyncIterator[list[int]]:
    """Yield a list that has the number of MongoDB queries of the block at its end."""
    database, told = container.database, [0]
    await database.command("profile", 2)
    try:
        yield told
    finally:
        await database.command("profile", 0)
        own = {"op": {"$in": ["query", "command", "getmore"]}, "ns": {"$ne": f"{database.name}.system.profile"}}
        told[0] = await database["system.profile"].count_documents(own)
        await database["system.profile"].drop()
