"""Test house calls in slot lists: service radius and travel time."""

from typing import Any

import httpx
import pytest

from grome.infrastructure.container import Container
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import ask, book, tomorrow
from tests.builders.people import register
from tests.builders.slots import asked_slots, change, daily, free, offer, refused_for
from tests.builders.world import destination

DAY = tomorrow(0).date()
HOME = (52.52, 13.405)


def km_away(distance: float) -> dict[str, float]:
    lat, lng = destination(HOME, distance * 1000, 70)
    return {"lat": lat, "lng": lng}


def to(distance: float) -> dict[str, Any]:
    return {"location": km_away(distance), "address": "Kastanienallee 1"}


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    """Create a barber open from 09:00 to 12:00 UTC, with visits of 30 minutes and a radius of 5 km."""
    hours = daily("09:00", "12:00")
    return await barber(http, container, durations=(30, 60), hours=hours, timezone="Etc/UTC", service_radius_km=5)


@pytest.mark.parametrize(
    ("rules", "distance", "travel_min"),
    [
        ({}, 0.0, 10),
        ({}, 3.3, 10),
        ({}, 3.4, 15),
        ({}, 4.99, 15),
        ({"minutes_per_km": 4.1}, 4.99, 25),
        ({"minutes_per_km": 0.5, "least_travel_min": 0}, 0.0, 0),
        ({"minutes_per_km": 0.5, "least_travel_min": 0}, 0.1, 5),
        ({"least_travel_min": 40}, 4.99, 40),
    ],
)
async def test_travel_time_is_rounded_up_to_five_minutes(
    http: httpx.AsyncClient, shop: Barber, rules: dict[str, Any], distance: float, travel_min: int
) -> None:
    assert (await change(http, shop, "PUT", "/house-calls", rules))["house_calls"] == {
        "minutes_per_km": 3.0, "least_travel_min": 10, **rules,
    }  # fmt: skip
    booking = await book(http, await register(http), shop, tomorrow(10), house_call=to(distance))
    call = booking["house_call"]
    assert (call["travel_min"], call["address"], call["location"]) == (
        travel_min,
        "Kastanienallee 1",
        km_away(distance),
    )
    assert call["distance_m"] == pytest.approx(distance * 1000, abs=1)
    assert booking["ends_at"] == f"{DAY}T10:30:00Z"  # the way is not part of the visit
    starts = await free(http, shop, DAY)
    before, after = [start for start in starts if start < "10:00"], [start for start in starts if start > "10:00"]
    assert before[-1] == f"09:{30 - travel_min:02}" if travel_min <= 30 else before == []
    assert after[0] == f"{10 + (30 + travel_min) // 60}:{(30 + travel_min) % 60:02}"


async def test_slots_of_a_house_call_keep_travel_time_free(http: httpx.AsyncClient, shop: Barber) -> None:
    """Travel may lie outside the hours, like buffers, and adds to the travel of adjacent visits."""
    await change(http, shop, "PUT", "/rules", {"slot_step_min": 5, "min_notice_min": 0, "buffer_after_min": 5})
    customer = await register(http)
    await book(http, customer, shop, tomorrow(10))
    there = km_away(3.4)
    starts = await free(http, shop, DAY, **there)
    assert starts == ["09:00", "09:05", "09:10", "10:50", "10:55", "11:00", *(f"11:{n:02}" for n in range(5, 35, 5))]
    refused = await ask(http, customer, shop, tomorrow(10, 45), house_call=to(3.4))
    assert refused.json()["code"] == "slot_taken"
    await book(http, customer, shop, tomorrow(10, 50), house_call=to(3.4))
    await book(http, customer, shop, tomorrow(9, 10), house_call=to(3.4))


@pytest.mark.parametrize(
    ("where", "field"),
    [
        (km_away(5.1), "lat"),
        ({"lat": 52.52}, "lng"),
        ({"lng": 13.405}, "lat"),
        ({"lat": 91, "lng": 13.4}, "lat"),
    ],
)
async def test_positions_outside_the_radius_are_refused(
    http: httpx.AsyncClient, shop: Barber, where: dict[str, float], field: str
) -> None:
    response = await asked_slots(http, shop, DAY, DAY, **where)
    assert (response.status_code, [fault["field"] for fault in response.json()["errors"]]) == (422, [field])


async def test_house_call_too_far_away_or_not_offered_is_refused(
    http: httpx.AsyncClient, container: Container, shop: Barber
) -> None:
    stays = await barber(http, container)
    customer = await register(http)
    for one, distance, message in (
        (shop, 5.1, "is farther away than 5 km, the barber's service radius"),
        (stays, 0.1, "the barber makes no house calls"),
    ):
        response = await ask(http, customer, one, tomorrow(10), house_call=to(distance))
        assert response.status_code == 422
        assert response.json()["errors"] == [{"field": "house_call.location", "message": message}]


async def test_house_call_has_no_processing_gap_for_others(http: httpx.AsyncClient, shop: Barber) -> None:
    """The service has a gap, but the barber is not in the shop."""
    await offer(http, shop, {}, {"processing": {"after_min": 15, "duration_min": 30}})
    customer = await register(http)
    away = await book(http, customer, shop, tomorrow(10), services=(1,), house_call=to(1))
    assert "10:15" not in await free(http, shop, DAY)
    assert (await http.post(f"/v1/bookings/{away['id']}/cancel", headers=customer.auth)).status_code == 200
    await book(http, customer, shop, tomorrow(10), services=(1,))
    assert "10:15" in await free(http, shop, DAY)


async def test_time_off_excludes_travel_to_and_from_a_house_call(http: httpx.AsyncClient, shop: Barber) -> None:
    """Travel takes 15 minutes. Visits in the shop are possible right up to the time off and right after it."""
    customer, stays = await register(http), await register(http)
    moved = await book(http, customer, shop, tomorrow(9), house_call=to(4))
    away = {"starts_at": tomorrow(10, 45).isoformat(), "ends_at": tomorrow(11).isoformat()}
    await change(http, shop, "POST", "/time-off", away)
    there = km_away(4)
    offered = await free(http, shop, DAY, **there)
    assert offered == ["10:00", "11:15", "11:20", "11:25", "11:30"]
    asked = {"service_ids": shop.services[0][0], "explain": "1", **there}
    listed = (await asked_slots(http, shop, DAY, DAY, **asked)).json()["days"][0]["refused"]
    reasons = {one["start"][11:16]: one["reason"] for one in listed}
    assert {reasons[start] for start in ("10:05", "10:30", "11:10")} == {"time_off"}
    for start in (tomorrow(10, 5), tomorrow(11, 10)):
        assert refused_for(await ask(http, stays, shop, start, house_call=to(4))) == "time_off"
    url = f"/v1/bookings/{moved['id']}/reschedule"
    answer = await http.post(url, json={"scheduled_at": tomorrow(11, 5).isoformat()}, headers=customer.auth)
    assert refused_for(answer) == "time_off"
    assert "11:00" in await free(http, shop, DAY)
    await book(http, stays, shop, tomorrow(11))


async def test_time_off_is_compared_with_exact_travel_minutes(http: httpx.AsyncClient, container: Container) -> None:
    """Travel of 60.1 minutes occupies 65, but after time off until 13:00 the barber arrives by 14:00."""
    shop = await barber(http, container, timezone="Etc/UTC", service_radius_km=50)
    away = {"starts_at": tomorrow(12).isoformat(), "ends_at": tomorrow(13).isoformat()}
    await change(http, shop, "POST", "/time-off", away)
    offered = await free(http, shop, DAY, **km_away(20.04))
    assert [start for start in offered if "10" < start < "14:05"] == [
        "10:00",
        "10:05",
        "10:10",
        "10:15",
        "10:20",
        "10:25",
        "10:30",
        "14:00",
    ]
    booking = await book(http, await register(http), shop, tomorrow(14), house_call=to(20.04))
    assert booking["house_call"]["travel_min"] == 65
