"""Test schedule exceptions over HTTP: overrides of dates, time off and public holidays."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from grome.infrastructure.container import Container
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import ask, book, tomorrow
from tests.builders.people import register
from tests.builders.slots import ME, change, clock_changes, daily, free, hours, refused_for

DAY = timedelta(days=1)
TODAY = tomorrow(0).date() - DAY
MONDAY = TODAY + (14 - TODAY.weekday()) * DAY
ORDINARY = ["09:00", "09:30", "10:00", "10:30"]


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    """Create a barber open from 09:00 to 11:00 UTC every day, with visits of 30 minutes."""
    return await barber(http, container, hours=daily("09:00", "11:00"), rules={"slot_step_min": 30}, timezone="Etc/UTC")


async def override(http: httpx.AsyncClient, shop: Barber, day: date, wanted: dict[str, Any] | None) -> Any:
    return await change(http, shop, "PUT", f"/overrides/{day}", {"hours": wanted})


async def test_override_replaces_the_hours_of_a_date_until_it_is_removed(http: httpx.AsyncClient, shop: Barber) -> None:
    assert (await override(http, shop, MONDAY + DAY, None))["overrides"] == [{"date": str(MONDAY + DAY), "hours": None}]
    told = await override(http, shop, MONDAY, hours("14:00", "16:00", ("14:30", "15:00")))
    assert [one["date"] for one in told["overrides"]] == [str(MONDAY), str(MONDAY + DAY)]
    assert [await free(http, shop, MONDAY + n * DAY) for n in range(3)] == [["14:00", "15:00", "15:30"], [], ORDINARY]
    customer = await register(http)
    assert refused_for(await ask(http, customer, shop, at(MONDAY, 9))) == "closed"
    await book(http, customer, shop, at(MONDAY, 15))

    await override(http, shop, MONDAY, hours("09:00", "09:30"))
    assert await free(http, shop, MONDAY) == ["09:00"]
    for day in (MONDAY, MONDAY + DAY):
        left = await change(http, shop, "DELETE", f"/overrides/{day}")
        assert await free(http, shop, day) == ORDINARY
    assert left == {"overrides": [], "time_off": [], "holidays": None}
    response = await http.delete(f"{ME}/overrides/{MONDAY}", headers=shop.auth)
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


async def test_override_over_midnight_belongs_to_its_first_date(http: httpx.AsyncClient, shop: Barber) -> None:
    """The hours or the closing of the next date do not cut them off."""
    await override(http, shop, MONDAY, hours("23:00", "01:00", ("23:30", "00:00")))
    assert await free(http, shop, MONDAY) == ["23:00"]
    assert await free(http, shop, MONDAY + DAY) == ["00:00", "00:30", *ORDINARY]
    await override(http, shop, MONDAY + DAY, None)
    assert await free(http, shop, MONDAY + DAY) == ["00:00", "00:30"]


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (hours("09:00", "11:00", ("08:00", "09:30")), "hours.breaks[0].start_time"),
        (hours("09:00", "11:00", ("09:30", "11:30")), "hours.breaks[0].end_time"),
        ({**hours("09:00", "11:00"), "start_time": "9:00"}, "hours.start_time"),
        ({"is_available": True, "end_time": "11:00"}, "hours.start_time"),
        ("closed", "hours"),
    ],
)
async def test_invalid_override_is_refused_at_its_field(
    http: httpx.AsyncClient, shop: Barber, wanted: Any, field: str
) -> None:
    response = await http.put(f"{ME}/overrides/{MONDAY}", json={"hours": wanted}, headers=shop.auth)
    assert [fault["field"] for fault in response.json()["errors"]] == [field]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
async def test_override_on_a_date_with_a_clock_change_follows_wall_time(
    http: httpx.AsyncClient, container: Container, zone: str
) -> None:
    """The opening from 00:00 to 06:00 varies by the clock change on the first day. It has six hours on the next day."""
    shop = await barber(http, container, hours=daily("09:00", "11:00"), rules={"slot_step_min": 30}, timezone=zone)
    for change_of_clocks in clock_changes(zone):
        day, later = change_of_clocks.date(), change_of_clocks.utcoffset()
        before = (change_of_clocks.astimezone(UTC) - timedelta(hours=1)).astimezone(change_of_clocks.tzinfo).utcoffset()
        assert before is not None
        assert later is not None
        await override(http, shop, day, hours("00:00", "06:00"))
        await override(http, shop, day + DAY, hours("00:00", "06:00"))
        assert len(await free(http, shop, day)) == 12 - int((later - before) / timedelta(minutes=30))
        assert len(await free(http, shop, day + DAY)) == 12


async def test_time_off_may_begin_and_end_at_any_moment(http: httpx.AsyncClient, shop: Barber) -> None:
    await change(http, shop, "PUT", "/rules", {"slot_step_min": 5, "min_notice_min": 0, "horizon_days": 366})
    away = {"starts_at": at(MONDAY, 9, 37).isoformat(), "ends_at": at(MONDAY, 10, 11).isoformat(), "note": "Dentist"}
    made = await change(http, shop, "POST", "/time-off", away)
    assert made["note"] == "Dentist"
    assert await free(http, shop, MONDAY) == ["09:00", "09:05", "10:15", "10:20", "10:25", "10:30"]
    customer = await register(http)
    assert refused_for(await ask(http, customer, shop, at(MONDAY, 9, 10))) == "time_off"
    assert refused_for(await ask(http, customer, shop, at(MONDAY, 10, 10))) == "time_off"
    await book(http, customer, shop, at(MONDAY, 10, 15))
    await change(http, shop, "DELETE", f"/time-off/{made['id']}")
    assert (await free(http, shop, MONDAY))[-1] == "09:45"


async def test_time_off_over_several_days_hides_all_of_their_hours(http: httpx.AsyncClient, shop: Barber) -> None:
    await override(http, shop, MONDAY + DAY, hours("00:00", "24:00"))
    away = {"starts_at": at(MONDAY, 10).isoformat(), "ends_at": at(MONDAY + 2 * DAY, 10).isoformat()}
    await change(http, shop, "POST", "/time-off", away)
    days = [await free(http, shop, MONDAY + n * DAY) for n in range(4)]
    assert days == [ORDINARY[:2], [], ORDINARY[2:], ORDINARY]
    offset = {"starts_at": f"{MONDAY + 3 * DAY}T11:00:00+02:00", "ends_at": f"{MONDAY + 3 * DAY}T11:30:00+02:00"}
    await change(http, shop, "POST", "/time-off", offset)
    assert await free(http, shop, MONDAY + 3 * DAY) == ORDINARY[1:]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"ends_at": at(MONDAY, 9).isoformat()}, "ends_at"),
        ({"starts_at": at(TODAY - 9 * DAY, 9).isoformat(), "ends_at": at(TODAY - 8 * DAY, 9).isoformat()}, "ends_at"),
        ({"starts_at": "2027-01-01T09:00:00"}, "starts_at"),
        ({"starts_at": "0001-01-01T00:00:00+14:00"}, "starts_at"),
        ({"note": "a\nb"}, "note"),
    ],
)
async def test_invalid_time_off_is_refused(
    http: httpx.AsyncClient, shop: Barber, wrong: dict[str, Any], field: str
) -> None:
    wanted = {"starts_at": at(MONDAY, 9).isoformat(), "ends_at": at(MONDAY, 10).isoformat(), **wrong}
    response = await http.post(f"{ME}/time-off", json=wanted, headers=shop.auth)
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, field)
    assert (await change(http, shop, "GET", "/openings"))["time_off"] == []


async def test_foreign_time_off_is_not_found(http: httpx.AsyncClient, container: Container, shop: Barber) -> None:
    away = {"starts_at": at(MONDAY, 9).isoformat(), "ends_at": at(MONDAY, 10).isoformat()}
    made = await change(http, shop, "POST", "/time-off", away)
    stranger = await barber(http, container)
    for who, time_off in ((stranger, made["id"]), (shop, uuid4())):
        response = await http.delete(f"{ME}/time-off/{time_off}", headers=who.auth)
        assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert (await change(http, shop, "GET", "/openings"))["time_off"] == [made]


async def test_expired_exceptions_are_dropped_to_make_room(
    http: httpx.AsyncClient, container: Container, shop: Barber
) -> None:
    away = {"starts_at": at(MONDAY, 9).isoformat(), "ends_at": at(MONDAY, 10).isoformat()}
    made = await change(http, shop, "POST", "/time-off", away)

    async def put_a_hundred(ends_at: datetime) -> None:
        many = [{"id": uuid4(), "starts_at": ends_at - DAY, "ends_at": ends_at, "note": ""} for _ in range(100)]
        change_of_all = {"$set": {"openings.time_off": many}, "$inc": {"version": 1}}
        await container.database["barbers"].update_one({"_id": shop.person.id}, change_of_all)

    await put_a_hundred(at(TODAY, 0))
    response = await http.post(f"{ME}/time-off", json=away, headers=shop.auth)
    assert (response.status_code, response.json()["code"]) == (409, "too_many_openings")
    await put_a_hundred(at(TODAY - 40 * DAY, 0))
    again = await change(http, shop, "POST", "/time-off", away)
    assert (await change(http, shop, "GET", "/openings"))["time_off"] == [again]
    assert again["id"] != made["id"]


async def test_concurrent_changes_are_all_kept(http: httpx.AsyncClient, shop: Barber) -> None:
    days = [MONDAY + n * DAY for n in range(4)]
    await asyncio.gather(*(override(http, shop, day, None) for day in days))
    assert [one["date"] for one in (await change(http, shop, "GET", "/openings"))["overrides"]] == list(map(str, days))


def next_date(month: int, day: int) -> date:
    """Return a holiday late enough that neither notice nor a test run over midnight matters."""
    soon = TODAY + 3 * DAY
    return min(found for year in (soon.year, soon.year + 1) if (found := date(year, month, day)) >= soon)


WOMENS_DAY, EPIPHANY, UNITY = next_date(3, 8), next_date(1, 6), next_date(10, 3)  # in Berlin; in Bavaria; in both


async def test_public_holidays_follow_the_subdivision(http: httpx.AsyncClient, shop: Barber) -> None:
    async def closed_on() -> set[date]:
        return {day for day in (WOMENS_DAY, EPIPHANY, UNITY) if not await free(http, shop, day)}

    closed = {"BE": {WOMENS_DAY, UNITY}, "BY": {EPIPHANY, UNITY}, "": {UNITY}}
    assert await closed_on() == set()
    for part, days in closed.items():
        holidays = {"country": "DE", "subdivision": part}
        assert (await change(http, shop, "PUT", "/holidays", {"holidays": holidays}))["holidays"] == holidays
        assert await closed_on() == days
    assert refused_for(await ask(http, await register(http), shop, at(UNITY, 9))) == "holiday"

    await override(http, shop, UNITY, hours("10:00", "11:00"))
    assert await free(http, shop, UNITY) == ORDINARY[2:]
    await change(http, shop, "PUT", "/holidays", {"holidays": None})
    assert await closed_on() == set()


async def test_opening_before_a_holiday_continues_into_it(http: httpx.AsyncClient, shop: Barber) -> None:
    await change(http, shop, "PUT", "/hours", daily("23:00", "01:00"))
    await change(http, shop, "PUT", "/holidays", {"holidays": {"country": "DE"}})
    assert await free(http, shop, UNITY) == ["00:00", "00:30"]
    assert await free(http, shop, UNITY + DAY) == ["23:00", "23:30"]


@pytest.mark.parametrize(
    ("holidays", "field"),
    [
        ({"country": "XX"}, "holidays.country"),
        ({"country": "de"}, "holidays.country"),
        ({"country": "DE", "subdivision": "XX"}, "holidays.subdivision"),
        ({"country": "US", "subdivision": "BY"}, "holidays.subdivision"),
        ({"country": "DE", "subdivision": "Augsburg"}, "holidays.subdivision"),
        ({}, "holidays.country"),
    ],
)
async def test_unknown_holiday_calendar_is_refused(
    http: httpx.AsyncClient, shop: Barber, holidays: dict[str, str], field: str
) -> None:
    response = await http.put(f"{ME}/holidays", json={"holidays": holidays}, headers=shop.auth)
    assert (response.status_code, response.json()["code"]) == (422, "invalid")
    assert [fault["field"] for fault in response.json()["errors"]] == [field]
