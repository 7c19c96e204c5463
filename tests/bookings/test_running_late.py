"""Test delays over HTTP: shifted visits, conflicts and repeats."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from grome.common.ids import new_id
from grome.infrastructure.container import Container
from tests.builders.barbers import ALWAYS_OPEN, Barber, barber
from tests.builders.bookings import book, history, move, tomorrow
from tests.builders.people import Person, register, sign_in_again
from tests.builders.slots import daily
from tests.conftest import AdjustableClock

Booked = dict[str, Any]
EIGHT_TO_TWELVE = {
    day: {"is_available": True, "start_time": "08:00", "end_time": "12:00"}
    for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
}
OVERTIME = {"timezone": "UTC", "hours": EIGHT_TO_TWELVE}


class Day:
    """Holds an auto-accepting shop and its visits of one day, with all people signed in on this day."""

    def __init__(self, http: httpx.AsyncClient, shop: Barber, customer: Person, bookings: list[Booked]) -> None:
        self._http, self.shop, self.customer, self.bookings = http, shop, customer, bookings

    async def late(self, number: int, minutes: int, *, preview: bool = False) -> dict[str, Any]:
        response = await self.ask(number, minutes, preview=preview)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def ask(self, number: int, minutes: int, *, preview: bool = False) -> httpx.Response:
        url = f"/v1/bookings/{self.bookings[number]['id']}/late"
        if preview:
            return await self._http.get(url, params={"minutes": str(minutes)}, headers=self.shop.auth)
        return await self._http.post(url, json={"minutes": minutes}, headers=self.shop.auth)

    async def now(self) -> list[Booked]:
        urls = [f"/v1/bookings/{booking['id']}" for booking in self.bookings]
        return [(await self._http.get(url, headers=self.shop.auth)).json() for url in urls]

    async def starts(self) -> list[str]:
        return [clock_of(booking["scheduled_at"]) for booking in await self.now()]


def clock_of(text: str) -> str:
    return text[11:16]


async def a_day(
    http: httpx.AsyncClient,
    container: Container,
    clock: AdjustableClock,
    *starts: tuple[int, int],
    now: datetime | None = None,
    rules: dict[str, Any] | None = None,
    **shop: Any,
) -> Day:
    # An unanswered request expires after a day, and the visits of tomorrow may be more than a day away.
    clock.set(tomorrow(*starts[0]) - timedelta(hours=12))
    made = await barber(http, container, rules={"auto_accept": True, **(rules or {})}, **{"timezone": "UTC", **shop})
    customer = await register(http)
    bookings = [await book(http, customer, made, tomorrow(*start)) for start in starts]
    clock.set(now or tomorrow(*starts[0]) - timedelta(minutes=5))
    person = await sign_in_again(http, made.person)
    return Day(http, Barber(person, made.services), await sign_in_again(http, customer), bookings)


async def test_gaps_absorb_the_delay(http: httpx.AsyncClient, container: Container, clock: AdjustableClock) -> None:
    day = await a_day(http, container, clock, (10, 0), (10, 30), (11, 10), (11, 40), (15, 0))
    foreseen = await day.late(0, 20, preview=True)
    assert await day.now() == day.bookings
    done = await day.late(0, 20)
    assert done == foreseen
    assert (done["minutes"], done["late_min"], done["clashes"]) == (20, 20, [])
    times = [
        (clock_of(one["was_scheduled_at"]), clock_of(one["scheduled_at"]), one["late_min"]) for one in done["shifted"]
    ]
    assert times == [("10:00", "10:20", 20), ("10:30", "10:50", 20), ("11:10", "11:20", 10), ("11:40", "11:50", 10)]
    assert await day.starts() == ["10:20", "10:50", "11:20", "11:50", "15:00"]
    now = await day.now()
    expected = {"scheduled_at", "ends_at", "late_min", "version"}
    for before, after in zip(day.bookings, now, strict=True):
        assert {name for name in before if before[name] != after[name]} <= expected
    assert [one["late_min"] for one in now] == [20, 20, 10, 10, 0]
    last = (await history(http, day.customer.auth, now[1]))[-1]
    assert (last["action"], last["by"], clock_of(last["scheduled_at"])) == ("delay", "barber", "10:50")


async def test_delay_minutes_count_from_the_agreed_time(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    day = await a_day(http, container, clock, (10, 0), (10, 30))
    await day.late(0, 15)
    for minutes in (15, 10):
        assert await day.late(0, minutes) == {"minutes": minutes, "late_min": 15, "shifted": [], "clashes": []}
    await day.late(0, 35)
    assert await day.starts() == ["10:35", "11:05"]
    assert [one["late_min"] for one in await day.now()] == [35, 35]


async def test_visit_in_progress_ends_later(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    day = await a_day(http, container, clock, (10, 0), (10, 40))
    await move(http, day.shop.auth, day.bookings[0], "start")
    done = await day.late(0, 25)
    assert [clock_of(one["ends_at"]) for one in done["shifted"]] == ["10:55", "11:25"]
    assert await day.starts() == ["10:00", "10:55"]
    clock.set(tomorrow(10, 50))
    person = await sign_in_again(http, day.shop.person)
    ended = await move(http, person.auth, day.bookings[0], "complete")
    assert (ended.status_code, ended.json()["status"]) == (200, "completed")
    assert await ticks_are_right(container, day)


async def test_requests_and_proposals_are_shifted_along(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    day = await a_day(http, container, clock, (10, 0), (10, 30), (11, 0), rules={"auto_accept": False})
    await move(http, day.shop.auth, day.bookings[0], "accept")
    wanted = {"scheduled_at": tomorrow(14).isoformat()}
    url = f"/v1/bookings/{day.bookings[1]['id']}"
    asked = await http.post(f"{url}/reschedule", json=wanted, headers=day.shop.auth)
    assert asked.status_code == 200, asked.text
    await day.late(0, 30)
    assert await day.starts() == ["10:30", "11:00", "11:30"]
    assert [one["status"] for one in await day.now()] == ["accepted", "requested", "requested"]
    declined = (await http.post(f"{url}/proposal/decline", headers=day.customer.auth)).json()
    assert (clock_of(declined["scheduled_at"]), declined["proposal"], declined["late_min"]) == ("11:00", None, 30)
    assert await ticks_are_right(container, day)


async def test_delay_stops_at_a_conflict_and_proposes_another_time(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    """A shifted visit may end at most 30 minutes after closing."""
    day = await a_day(http, container, clock, (10, 30), (11, 0), (11, 30), **OVERTIME)
    foreseen = await day.late(0, 45, preview=True)
    done = await day.late(0, 45)
    assert (done["late_min"], await day.starts()) == (30, ["11:00", "11:30", "12:00"])
    (clash,) = done["clashes"]
    assert (clash["booking_id"], clash["needs_min"], clash["reason"]) == (day.bookings[2]["id"], 45, "closed")
    assert {**clash, "scheduled_at": ""} == {**foreseen["clashes"][0], "scheduled_at": ""}
    offered = (await day.now())[2]["proposal"]
    assert (offered["scheduled_at"], offered["awaits"]) == (clash["proposed"], "customer")
    assert offered["scheduled_at"] == f"{tomorrow(8) + timedelta(days=1):%Y-%m-%dT%H:%M}:00Z"

    again = await day.late(0, 45)
    assert (again["shifted"], again["clashes"][0]["proposed"]) == ([], clash["proposed"])
    assert (await day.now())[2]["proposal"] == offered
    url = f"/v1/bookings/{day.bookings[2]['id']}/proposal/accept"
    agreed = (await http.post(url, headers=day.customer.auth)).json()
    assert (agreed["scheduled_at"], agreed["late_min"]) == (clash["proposed"], 0)
    done = await day.late(0, 45)
    assert (done["late_min"], done["clashes"]) == (45, [])
    assert (await day.starts())[:2] == ["11:15", "11:45"]
    assert await ticks_are_right(container, day)


async def test_visit_is_not_shifted_into_time_off(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    day = await a_day(http, container, clock, (10, 0), (10, 30), (12, 0))
    off = {"starts_at": tomorrow(11, 10).isoformat(), "ends_at": tomorrow(11, 40).isoformat()}
    added = await http.post("/v1/barbers/me/time-off", json=off, headers=day.shop.auth)
    assert added.status_code == 201, added.text
    done = await day.late(0, 20)
    assert (done["late_min"], await day.starts()) == (10, ["10:10", "10:40", "12:00"])
    (clash,) = done["clashes"]
    assert (clash["booking_id"], clash["reason"]) == (day.bookings[1]["id"], "time_off")
    assert clock_of(clash["proposed"]) == "12:30"


async def test_buffer_is_not_shifted_into_time_off(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    day = await a_day(http, container, clock, (10, 0), rules={"buffer_after_min": 20})
    off = {"starts_at": tomorrow(11).isoformat(), "ends_at": tomorrow(12).isoformat()}
    assert (await http.post("/v1/barbers/me/time-off", json=off, headers=day.shop.auth)).status_code == 201
    done = await day.late(0, 20)
    assert (done["late_min"], await day.starts()) == (10, ["10:10"])
    assert [clash["reason"] for clash in done["clashes"]] == ["time_off"]


async def test_customer_of_a_shifted_visit_can_reschedule_and_cancel_free_of_charge(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    terms = {"cancellation": {"reschedule_notice_min": 600, "cancel_notice_min": 600, "late_refund_percent": 0}}
    shop = await barber(http, container, rules={"auto_accept": True}, timezone="UTC")
    assert (await http.put("/v1/barbers/me/terms", json=terms, headers=shop.auth)).status_code == 200
    customer = await register(http)
    bookings = [await book(http, customer, shop, tomorrow(10, minute)) for minute in (0, 30)]
    clock.set(tomorrow(9, 55))
    customer, person = await sign_in_again(http, customer), await sign_in_again(http, shop.person)
    day = Day(http, Barber(person, shop.services), customer, bookings)
    url, wanted = f"/v1/bookings/{bookings[1]['id']}/reschedule", {"scheduled_at": tomorrow(14).isoformat()}
    refused = await http.post(url, json=wanted, headers=customer.auth)
    assert refused.json()["code"] == "too_late_to_reschedule"
    await day.late(0, 10)
    moved = await http.post(url, json=wanted, headers=customer.auth)
    assert (moved.status_code, moved.json()["late_min"]) == (200, 0)
    ended = (await move(http, customer.auth, bookings[0], "cancel")).json()
    assert ended["settlement"]["fee"] == 0


async def test_delay_of_other_days_and_ended_visits_is_refused(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    day = await a_day(http, container, clock, (10, 0), (12, 0), now=tomorrow(8) - timedelta(days=1))
    assert (await day.ask(0, 10)).json()["code"] == "wrong_state"
    clock.set(tomorrow(8))
    person = await sign_in_again(http, day.shop.person)
    day = Day(http, Barber(person, day.shop.services), day.customer, day.bookings)
    for minutes in (0, 7, 245):
        for preview in (True, False):
            refused = await day.ask(0, minutes, preview=preview)
            assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "minutes")
    await move(http, day.shop.auth, day.bookings[0], "cancel")
    assert (await day.ask(0, 10)).json()["code"] == "wrong_state"
    assert (await day.ask(0, 10, preview=True)).json()["code"] == "wrong_state"
    stranger = await barber(http, container)
    url = f"/v1/bookings/{day.bookings[1]['id']}/late"
    assert (await http.post(url, json={"minutes": 10}, headers=stranger.auth)).status_code == 404


async def test_interrupted_delay_is_completed_by_a_repeat(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    """Interrupts the call after each of its writes; visits never overlap, and a repeat does the rest."""
    starts = [(10, 0), (10, 30), (11, 0), (11, 35), (12, 5)]
    for writes in range(1, 5):
        clock.shift = timedelta()
        day = await a_day(http, container, clock, *starts)
        bookings = container.database["bookings"]
        later = tomorrow(10, 20)
        # The state that the interrupted call leaves: the latest visits are shifted.
        shifted = {4: 15, 3: 15, 2: 20, 1: 20}
        for number in list(shifted)[:writes]:
            foreseen = await day.late(number, shifted[number])
            assert len(foreseen["shifted"]) == 1
        assert await ticks_are_right(container, day)
        done = await day.late(0, 20)
        assert (done["late_min"], done["clashes"], len(done["shifted"])) == (20, [], 5 - writes)
        assert await day.starts() == ["10:20", "10:50", "11:20", "11:50", "12:20"]
        assert await bookings.count_documents({"_id": UUID(day.bookings[0]["id"]), "scheduled_at": later}) == 1
        assert await ticks_are_right(container, day)


async def test_concurrent_delays_and_bookings_do_not_overlap(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    day = await a_day(http, container, clock, (10, 0), (10, 30), (11, 30), (12, 30))
    wanted = {"barber_id": day.shop.id, "service_ids": [day.shop.services[0][0]]}
    gaps = [tomorrow(11), tomorrow(12), tomorrow(13)]
    answers = await asyncio.gather(
        *(day.ask(0, minutes) for minutes in (20, 40, 20, 30)),
        *(
            http.post("/v1/bookings", json={**wanted, "scheduled_at": one.isoformat()}, headers=day.customer.auth)
            for one in gaps
        ),
    )
    assert {one.status_code for one in answers[:4]} == {200}
    assert {one.status_code for one in answers[4:]} <= {201, 409}
    late_min = [one["late_min"] for one in await day.now()]
    assert late_min[0] == max(one.json()["late_min"] for one in answers[:4]) == 40
    assert await ticks_are_right(container, day)


async def ticks_are_right(container: Container, day: Day) -> bool:
    """Return whether no visits overlap and each coming visit occupies exactly its own and its proposed time."""
    found = container.database["bookings"].find({"barber_id": UUID(day.shop.id), "active": True})
    taken: list[int] = []
    async for one in found:
        taken += one["ticks"]
        times = [(one["scheduled_at"], one["ends_at"])] if one["status"] != "completed" else []
        if proposal := one["proposal"]:
            times.append((proposal["scheduled_at"], proposal["ends_at"]))
        expected = {
            tick for start, end in times for tick in range(int(start.timestamp()) // 300, int(end.timestamp()) // 300)
        }
        assert not times or set(one["ticks"]) == expected
    assert len(taken) == len(set(taken))
    return True


async def test_delay_before_too_many_visits_stops_at_the_limit(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    now = tomorrow(0) + timedelta(minutes=1)
    day = await a_day(http, container, clock, (0, 5), hours=ALWAYS_OPEN, durations=(5,), now=now)
    bookings = container.database["bookings"]
    stored = await bookings.find_one({"_id": UUID(day.bookings[0]["id"])})
    assert stored
    length, [tick] = timedelta(minutes=5), stored["ticks"]

    def behind(number: int) -> dict[str, Any]:
        times = {name: stored[name] + number * length for name in ("scheduled_at", "ends_at")}
        return {**stored, **times, "_id": new_id(), "ticks": [tick + number], "idempotency": None}

    others = [behind(number) for number in range(1, 200)]
    await bookings.insert_many(others)
    done = await day.late(0, 5, preview=True)
    assert (done["late_min"], done["shifted"]) == (0, [])
    assert [clash["booking_id"] for clash in done["clashes"]] == [str(others[148]["_id"])]
    await bookings.delete_one({"_id": others[139]["_id"]})
    done = await day.late(0, 5, preview=True)
    assert (done["late_min"], len(done["shifted"]), done["clashes"]) == (5, 140, [])


async def test_visit_after_midnight_counts_as_today_within_the_same_opening(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    hours = daily("18:00", "02:00")
    shop, customer = (
        await barber(http, container, hours=hours, timezone="UTC", rules={"auto_accept": True}),
        await register(http),
    )
    midnight = tomorrow(0) + timedelta(days=1)
    booking = await book(http, customer, shop, midnight + timedelta(minutes=15))
    clock.set(midnight - timedelta(minutes=15))
    auth = (await sign_in_again(http, shop.person)).auth
    url = f"/v1/bookings/{booking['id']}/late"
    done = await http.post(url, json={"minutes": 20}, headers=auth)
    assert (done.status_code, done.json().get("late_min")) == (200, 20)
    clock.set(tomorrow(1))  # of the opening that began the evening before
    auth = (await sign_in_again(http, shop.person)).auth
    assert (await http.post(url, json={"minutes": 30}, headers=auth)).json()["code"] == "wrong_state"
