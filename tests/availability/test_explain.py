"""Test the explanations of unavailable starts over HTTP: each rule, and completeness."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given, settings

from grome.infrastructure.container import Container
from grome.scheduling.explain import explain_day
from grome.scheduling.slots import Unavailability, free_slots, reason_unavailable
from grome.scheduling.ticks import local_day, moment_of
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import ask, book, tomorrow
from tests.builders.people import register
from tests.builders.slots import asked_slots, change, daily, hours, refused_for
from tests.scheduling.cases import Case, cases

DAY = timedelta(days=1)
# Later than tomorrow, so that notice does not matter, and within the horizon of a week.
MARKET, FEAST, LAST = (tomorrow(0).date() + number * DAY for number in (2, 3, 6))


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    """Create a barber in UTC, open from 09:00 to 13:00 with a break, with a start for each rule."""
    rules = {"slot_step_min": 30, "min_notice_min": 24 * 60, "horizon_days": 7, "daily_cap": 2}
    open_hours = daily("09:00", "13:00", ("12:00", "12:30"))
    shop = await barber(http, container, hours=open_hours, rules=rules, timezone="Etc/UTC")
    away = {"starts_at": f"{MARKET}T10:10:00Z", "ends_at": f"{MARKET}T10:20:00Z"}
    await change(http, shop, "POST", "/time-off", away)
    customer = await register(http)
    for start in (at(MARKET, 9), at(FEAST, 9), at(FEAST, 11)):
        await book(http, customer, shop, start)
    return shop


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


async def told(http: httpx.AsyncClient, shop: Barber, day: date, **changed: Any) -> tuple[list[str], dict[str, str]]:
    """Return the offered starts of a date, and the reasons of the rejected starts by time of day."""
    response = await asked_slots(http, shop, day, day, explain="1", **changed)
    assert response.status_code == 200, response.text
    (listed,) = response.json()["days"]
    sentences = {one["detail"] for one in listed["refused"]}
    assert sentences <= {why.sentence for why in Unavailability}
    reasons = {one["start"][11:19]: one["reason"] for one in listed["refused"]}
    return [slot["start"][11:19] for slot in listed["slots"]], reasons


async def test_explained_day_lists_reasons_of_rejected_starts(http: httpx.AsyncClient, shop: Barber) -> None:
    offered, reasons = await told(http, shop, MARKET)
    assert offered == ["09:30:00", "10:30:00", "11:00:00", "11:30:00", "12:30:00"]
    inside = {"09:00:00": "taken", "10:00:00": "time_off", "12:00:00": "on_break"}
    assert {start: why for start, why in reasons.items() if "09" <= start < "13"} == inside
    outside = [f"{hour:02}:{minute:02}:00" for hour in (*range(9), *range(13, 24)) for minute in (0, 30)]
    assert reasons == {**inside, **dict.fromkeys(outside, "closed")}


async def test_every_rule_is_explained_by_its_code(http: httpx.AsyncClient, container: Container, shop: Barber) -> None:
    """A booking of the same start is refused with the same reason."""
    examples = {
        Unavailability.MISALIGNED: (shop, at(MARKET, 11, 1)),
        Unavailability.TOO_SOON: (shop, at(tomorrow(0).date(), 0)),
        Unavailability.BEYOND_HORIZON: (shop, at(LAST + 2 * DAY, 9)),
        Unavailability.DAY_FULL: (shop, at(FEAST, 10)),
        Unavailability.HOLIDAY: await barber_on_a_holiday(http, container),
        Unavailability.CLOSED: (shop, at(MARKET, 13)),
        Unavailability.OFF_GRID: (shop, at(MARKET, 11, 10)),
        Unavailability.ON_BREAK: (shop, at(MARKET, 12)),
        Unavailability.TIME_OFF: (shop, at(MARKET, 10)),
        Unavailability.TAKEN: (shop, at(MARKET, 9)),
    }
    assert set(examples) == set(Unavailability)
    customer = await register(http)
    for why, (one, start) in examples.items():
        offered, reasons = await told(http, one, start.date(), at=start.isoformat())
        assert reasons[f"{start:%H:%M:%S}"] == why.value
        assert f"{start:%H:%M:%S}" not in offered
        response = await ask(http, customer, one, start)
        if why is Unavailability.TAKEN:
            assert response.json()["code"] == "slot_taken"
        else:
            assert refused_for(response) == why.value
            assert response.json()["detail"] == why.sentence


async def barber_on_a_holiday(http: httpx.AsyncClient, container: Container) -> tuple[Barber, datetime]:
    """Create a barber that is closed on New Year's Day."""
    shop = await barber(http, container, hours=daily("09:00", "13:00"), timezone="Etc/UTC")
    await change(http, shop, "PUT", "/holidays", {"holidays": {"country": "DE"}})
    soon = tomorrow(0).date() + DAY
    return shop, at(date(soon.year + 1, 1, 1), 9)


async def test_reasons_are_listed_only_on_request(http: httpx.AsyncClient, shop: Barber) -> None:
    """Without `explain` there are no reasons, and an offered start has no reason."""
    plain = (await asked_slots(http, shop, MARKET, MARKET)).json()
    assert [set(day) for day in plain["days"]] == [{"date", "slots"}]
    offered, reasons = await told(http, shop, MARKET, at=at(MARKET, 11).isoformat())
    assert "11:00:00" in offered
    assert "11:00:00" not in reasons
    _, reasons = await told(http, shop, MARKET, at=f"{MARKET}T12:05:00+02:00")
    assert reasons["10:05:00"] == "off_grid"


async def test_opening_grid_is_explained_in_addition_to_steps_from_midnight(
    http: httpx.AsyncClient, shop: Barber
) -> None:
    await change(http, shop, "PUT", f"/overrides/{MARKET}", {"hours": hours("15:10", "16:20")})
    offered, reasons = await told(http, shop, MARKET)
    assert offered == ["15:10:00", "15:40:00"]
    assert {start: why for start, why in reasons.items() if "15" <= start <= "16:20"} == {
        "15:00:00": "closed", "15:30:00": "off_grid", "16:00:00": "closed", "16:10:00": "closed",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"to": str(MARKET + 7 * DAY)}, "to"),
        ({"at": f"{MARKET + DAY}T00:00:00Z"}, "at"),
        ({"at": "9999-12-31T23:59:59-14:00"}, "at"),
        ({"at": "9999-12-31T23:59:59Z"}, "at"),
        ({"at": "0001-01-01T00:00:00Z"}, "at"),
        ({"at": "2027-01-01T00:00:00"}, "at"),
        ({"at": f"{MARKET}T09:00:00Z", "explain": "0"}, "at"),
        ({"explain": "yes"}, "explain"),
    ],
)
async def test_invalid_explain_query_is_refused_at_its_field(
    http: httpx.AsyncClient, shop: Barber, wrong: dict[str, str], field: str
) -> None:
    response = await asked_slots(http, shop, MARKET, MARKET, **{"explain": "1", **wrong})
    assert (response.status_code, [fault["field"] for fault in response.json()["errors"]]) == (422, [field])


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        (date(1, 1, 2), "too_soon"),
        (date(1969, 12, 31), "too_soon"),
        (date(2999, 12, 25), "beyond_horizon"),
        (date(9999, 12, 30), "beyond_horizon"),
    ],
)
async def test_distant_dates_are_explained(http: httpx.AsyncClient, shop: Barber, day: date, reason: str) -> None:
    offered, reasons = await told(http, shop, day)
    assert (offered, len(reasons), set(reasons.values())) == ([], 48, {reason})


@settings(max_examples=50)
@given(cases())
def test_expected_start_is_either_offered_or_rejected(case: Case) -> None:
    """The expected starts are the steps of the local date and the grids of its openings."""
    calendar, step = case.calendar, case.calendar.rules.slot_step_min // 5
    for day, slots in free_slots(calendar, case.first, case.last, case.visit):
        refused = explain_day(calendar, day, case.visit)
        offered = [slot.start for slot in slots]
        starts = [one.start for one in refused]
        assert starts == sorted(set(starts))
        assert set(starts).isdisjoint(offered)
        whole = local_day(day, calendar.timezone)
        openings = [calendar.opening_on(day - days * DAY) for days in range(4)]
        grids = [set(range(one.hours.start, one.hours.end, step)) for one in openings if one]
        expected = set(range(*whole, step))
        if calendar.today <= day <= calendar.last_day:
            expected |= set().union(*grids) & set(range(*whole))
        assert {*starts, *offered} == {moment_of(tick) for tick in expected}
        assert [reason_unavailable(calendar, one.start, case.visit) for one in refused] == [
            one.reason for one in refused
        ]
