"""Test the slot list over HTTP: its contract, and that it offers exactly the bookable starts."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from grome.infrastructure.container import Container
from tests.builders.barbers import ALWAYS_OPEN, Barber, barber
from tests.builders.bookings import ask, book, move
from tests.builders.hours import weekly_hours
from tests.builders.people import Person, register
from tests.builders.slots import asked_slots, clock_changes
from tests.conftest import AdjustableClock

TICK = timedelta(minutes=5)
DAY = timedelta(days=1)


@pytest.fixture
def day() -> date:
    return datetime.now(UTC).date() + 3 * DAY


@pytest.fixture
async def morning_shop(http: httpx.AsyncClient, container: Container) -> Barber:
    """Create a barber in Berlin, open from 09:00 to 12:00, with visits of 30 and 15 minutes every 30 minutes."""
    opening = {"is_available": True, "start_time": "09:00", "end_time": "12:00"}
    hours = dict.fromkeys(ALWAYS_OPEN, opening)
    return await barber(http, container, durations=(30, 15), hours=hours, rules={"slot_step_min": 30})


async def test_slot_list_has_the_documented_fields(http: httpx.AsyncClient, morning_shop: Barber, day: date) -> None:
    response = await asked_slots(http, morning_shop, day, day + DAY)
    assert response.status_code == 200
    berlin = ZoneInfo("Europe/Berlin")

    def expected(local: date) -> dict[str, Any]:
        opens = datetime.combine(local, datetime.min.time(), berlin).replace(hour=9).astimezone(UTC)
        starts = [opens + timedelta(minutes=30 * number) for number in range(5)]
        return {
            "date": local.isoformat(),
            "slots": [{"start": rfc3339(start), "end": rfc3339(start + timedelta(minutes=45))} for start in starts],
        }

    assert response.json() == {"timezone": "Europe/Berlin", "days": [expected(day), expected(day + DAY)]}
    repeated = {"service_ids": [service_id for service_id, _ in morning_shop.services]}
    assert (await asked_slots(http, morning_shop, day, day + DAY, **repeated)).content == response.content


async def test_taken_slot_is_not_offered_until_it_is_free_again(
    http: httpx.AsyncClient, morning_shop: Barber, day: date
) -> None:
    offered = (await asked_slots(http, morning_shop, day, day)).json()["days"][0]["slots"]
    customer = await register(http)
    booking = await book(http, customer, morning_shop, datetime.fromisoformat(offered[2]["start"]), services=(0, 1))
    assert {"start": booking["scheduled_at"], "end": booking["ends_at"]} == offered[2]
    left = (await asked_slots(http, morning_shop, day, day)).json()["days"][0]["slots"]
    assert left == [offered[0], offered[4]]
    await move(http, customer.auth, booking, "cancel")
    assert (await asked_slots(http, morning_shop, day, day)).json()["days"][0]["slots"] == offered


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"from": "today"}, "from"),
        ({"from": "2027-02-29"}, "from"),
        ({"from": "2027-01-02", "to": "2027-01-01"}, "to"),
        ({"from": "2027-01-01", "to": "2027-02-01"}, "to"),
        ({"to": ["2027-01-01", "2027-01-02"]}, "to"),
        ({"service_ids": ""}, "service_ids"),
        ({"service_ids": str(uuid4())}, "service_ids[0]"),
        ({"day": "2027-01-01"}, "day"),
    ],
)
async def test_invalid_query_is_refused_at_its_field(
    http: httpx.AsyncClient, morning_shop: Barber, day: date, wrong: dict[str, Any], field: str
) -> None:
    response = await asked_slots(http, morning_shop, day, day, **wrong)
    assert (response.status_code, response.json()["code"]) == (422, "invalid")
    assert [fault["field"] for fault in response.json()["errors"]] == [field]


async def test_duplicate_service_and_unknown_barber_are_refused(
    http: httpx.AsyncClient, morning_shop: Barber, day: date
) -> None:
    twice = ",".join([morning_shop.services[0][0]] * 2)
    response = await asked_slots(http, morning_shop, day, day, service_ids=twice)
    assert response.json()["errors"] == [{"field": "service_ids[1]", "message": "is given twice"}]
    response = await http.get(
        f"/v1/barbers/{uuid4()}/slots", params={"from": str(day), "to": str(day), "service_ids": str(uuid4())}
    )
    assert (response.status_code, response.json()["errors"][0]["field"]) == (404, "barber_id")


@pytest.mark.parametrize("days", [(date.min, date.min), (date.max, date.max)])
async def test_dates_at_the_ends_of_the_calendar_have_no_slots(
    http: httpx.AsyncClient, morning_shop: Barber, days: tuple[date, date]
) -> None:
    response = await asked_slots(http, morning_shop, *days)
    assert response.json()["days"] == [{"date": days[0].isoformat(), "slots": []}]


def rfc3339(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


@dataclass(frozen=True)
class Day:
    """Describes a barber on two local dates around a clock change."""

    first: date
    now: datetime
    hours: dict[str, Any]
    rules: dict[str, Any]
    durations: tuple[int, ...]

    @property
    def last(self) -> date:
        return self.first + DAY


@st.composite
def days(draw: st.DrawFn, change: datetime) -> Day:
    first = change.date() - draw(st.sampled_from([DAY, 0 * DAY]))
    return Day(
        first,
        change.astimezone(UTC) - draw(st.integers(12, 60)) * timedelta(hours=1),
        msgspec.to_builtins(draw(weekly_hours())),
        {
            "slot_step_min": draw(st.sampled_from([30, 15, 5, 20, 60])),
            "min_notice_min": draw(st.sampled_from([0, 60, 1440])),
            "horizon_days": draw(st.sampled_from([366, 3, 2])),
            "buffer_before_min": draw(st.sampled_from([0, 5, 30])),
            "buffer_after_min": draw(st.sampled_from([0, 10, 60])),
        },
        draw(st.sampled_from([(30,), (5,), (45, 15), (90,), (240,)])),
    )


def instants(laid_out: Day, change: datetime) -> list[datetime]:
    """Return every fifth minute of the two dates."""
    midnight = datetime.combine(laid_out.first, datetime.min.time(), change.tzinfo).astimezone(UTC)
    ahead = [midnight + number * TICK for number in range(3 * 24 * 12)]
    return [moment for moment in ahead if moment.astimezone(change.tzinfo).date() <= laid_out.last]


def nearest(change: datetime, moments: list[datetime], count: int) -> list[datetime]:
    return sorted(moments, key=lambda moment: abs(moment - change))[:count]


def some_of(data: st.DataObject, moments: list[datetime], most: int) -> list[datetime]:
    return data.draw(st.lists(st.sampled_from(moments), max_size=most)) if moments else []


def all_of(shop: Barber) -> tuple[int, ...]:
    return tuple(range(len(shop.services)))


async def offered_starts(http: httpx.AsyncClient, shop: Barber, laid_out: Day) -> list[datetime]:
    response = await asked_slots(http, shop, laid_out.first, laid_out.last)
    assert response.status_code == 200, response.text
    return [datetime.fromisoformat(slot["start"]) for listed in response.json()["days"] for slot in listed["slots"]]


async def book_and_cancel(http: httpx.AsyncClient, customer: Person, shop: Barber, start: datetime) -> None:
    booking = await book(http, customer, shop, start, services=all_of(shop))
    assert (await move(http, customer.auth, booking, "cancel")).status_code == 200


CHANGES = [
    pytest.param(change, id=f"{zone} {change.date()}")
    for zone in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
    for change in clock_changes(zone)
]


@pytest.mark.parametrize("change", CHANGES)
# Not shrunk: an example takes about a hundred requests, and is readable as drawn.
@settings(max_examples=5, phases=[Phase.reuse, Phase.generate])
@given(data=st.data())
async def test_exactly_the_offered_slots_can_be_booked(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock, change: datetime, data: st.DataObject
) -> None:
    laid_out = data.draw(days(change))
    clock.set(laid_out.now)
    shop = await barber(
        http,
        container,
        durations=laid_out.durations,
        hours=laid_out.hours,
        rules=laid_out.rules,
        timezone=str(change.tzinfo),
    )
    customer = await register(http)
    for start in some_of(data, await offered_starts(http, shop, laid_out), 3):
        await ask(http, customer, shop, start, services=all_of(shop))  # refused where one before overlaps

    offered = await offered_starts(http, shop, laid_out)
    hidden = [moment for moment in instants(laid_out, change) if moment not in offered]
    for start in nearest(change, offered, 16) + offered[:: max(1, len(offered) // 10)]:
        await book_and_cancel(http, customer, shop, start)
    for start in nearest(change, hidden, 8) + some_of(data, hidden, 10):
        refused = await ask(http, customer, shop, start, services=all_of(shop))
        told = refused.status_code, refused.json()["code"]
        assert told in {(422, "slot_not_offered"), (409, "slot_taken")}, start
    assert await offered_starts(http, shop, laid_out) == offered


async def test_list_without_items_in_a_query_is_empty(http: httpx.AsyncClient, morning_shop: Barber, day: date) -> None:
    """Generated clients send `add_on_ids=` (OpenAPI, style `form`)."""
    plain = await asked_slots(http, morning_shop, day, day)
    empty = await asked_slots(http, morning_shop, day, day, add_on_ids="")
    assert (empty.status_code, empty.json()) == (200, plain.json())
    refused = await asked_slots(http, morning_shop, day, day, service_ids="")
    assert refused.json()["errors"][0]["field"] == "service_ids"
