"""Test house calls: service radius, travel time, and the visibility of the address."""

from typing import Any

import httpx
import pytest

from grome.infrastructure.container import Container
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import ask, book, tomorrow
from tests.builders.people import Person, create_admin, register
from tests.builders.quotes import ask_quote, book_quote, quote
from tests.builders.world import destination

SHOP = (52.52, 13.405)
ADDRESS = "Lindenstraße 5, third bell"


def call_at(metres: float, address: str = ADDRESS) -> dict[str, Any]:
    lat, lng = destination(SHOP, metres, 90)
    return {"location": {"lat": lat, "lng": lng}, "address": address}


@pytest.fixture
async def customer(http: httpx.AsyncClient) -> Person:
    return await register(http)


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    """Create a barber with a radius of 8 km and 30-minute visits. Travel takes 3 minutes per km, at least 10."""
    return await barber(http, container, service_radius_km=8)


async def starts(http: httpx.AsyncClient, shop: Barber, **more: Any) -> set[str]:
    day = str(tomorrow(9).date())
    query = {"from": day, "to": day, "service_ids": shop.services[0][0], **more}
    response = await http.get(f"/v1/barbers/{shop.id}/slots", params=query)
    assert response.status_code == 200, response.text
    return {slot["start"] for slot in response.json()["days"][0]["slots"]}


def at(hour: int, minute: int) -> str:
    return f"{tomorrow(hour, minute):%Y-%m-%dT%H:%M:%S}Z"


@pytest.mark.parametrize(("metres", "minutes"), [(0, 10), (3_300, 10), (3_400, 15), (4_990, 15), (7_990, 25)])
async def test_travel_time_follows_the_distance_and_the_minimum(
    http: httpx.AsyncClient, customer: Person, shop: Barber, metres: float, minutes: int
) -> None:
    call = (await book(http, customer, shop, tomorrow(9), house_call=call_at(metres)))["house_call"]
    assert call["travel_min"] == minutes
    assert call["distance_m"] == pytest.approx(metres, abs=0.2)


async def test_travel_blocks_time_before_and_after_the_visit(
    http: httpx.AsyncClient, customer: Person, shop: Barber
) -> None:
    """15 minutes each way: a visit from 9:00 to 9:30 blocks 8:45 to 9:45."""
    booking = await book(http, customer, shop, tomorrow(9), house_call=call_at(4_900))
    assert (booking["scheduled_at"], booking["ends_at"]) == (at(9, 0), at(9, 30))
    other = await register(http)
    for hour, minute, taken in ((8, 20, True), (9, 40, True), (8, 15, False), (9, 45, False)):
        assert (at(hour, minute) in await starts(http, shop)) is not taken
        answer = await ask(http, other, shop, tomorrow(hour, minute))
        assert answer.status_code == (409 if taken else 201), answer.text


async def test_travel_of_two_visits_does_not_overlap(http: httpx.AsyncClient, customer: Person, shop: Barber) -> None:
    """The listed slots for the position are the bookable times."""
    await book(http, customer, shop, tomorrow(9), house_call=call_at(4_900))
    there = call_at(4_900)
    offered = await starts(http, shop, **there["location"])
    assert {at(9, 55), at(8, 5)}.isdisjoint(offered)
    assert {at(10, 0), at(8, 0)} <= offered
    other = await register(http)
    assert (await ask(http, other, shop, tomorrow(9, 55), house_call=there)).json()["code"] == "slot_taken"
    await book(http, other, shop, tomorrow(10), house_call=there)


async def test_house_call_beyond_the_radius_is_refused(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber
) -> None:
    at_home = await barber(http, container)
    for one, metres in ((shop, 8_010), (at_home, 10)):
        for asked in (ask, ask_quote):
            refused = await asked(http, customer, one, tomorrow(9), house_call=call_at(metres))
            assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "house_call.location")


async def test_quoted_house_call_is_booked_as_quoted(http: httpx.AsyncClient, customer: Person, shop: Barber) -> None:
    quoted = await quote(http, customer, shop, tomorrow(9), house_call=call_at(4_900))
    assert (quoted["house_call"]["address"], quoted["house_call"]["travel_min"]) == (ADDRESS, 15)
    booked = (await book_quote(http, customer, quoted)).json()
    assert booked["house_call"] == quoted["house_call"]
    assert (await ask(http, await register(http), shop, tomorrow(9, 40))).json()["code"] == "slot_taken"


async def test_quote_is_refused_after_the_barber_stops_house_calls(
    http: httpx.AsyncClient, customer: Person, shop: Barber
) -> None:
    quoted = await quote(http, customer, shop, tomorrow(9), house_call=call_at(4_900))
    profile = {"name": "A chair", "timezone": "Europe/Berlin", "currency": "EUR"}
    place = {"lat": SHOP[0], "lng": SHOP[1]}
    moved = await http.put("/v1/barbers/me", json={**profile, "location": place}, headers=shop.auth)
    assert moved.status_code == 200
    assert (await book_quote(http, customer, quoted)).json()["errors"][0]["field"] == "house_call.location"


async def test_address_is_visible_to_the_sides_and_admins_only(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber
) -> None:
    booking = await book(http, customer, shop, tomorrow(9), house_call=call_at(4_900))
    url = f"/v1/bookings/{booking['id']}"
    for person in (customer, shop.person, await create_admin(http, container)):
        assert ADDRESS in (await http.get(url, headers=person.auth)).text
    strangers = [await register(http), (await barber(http, container)).person]
    for person in strangers:
        for path in (url, f"{url}/history", "/v1/bookings"):
            assert "Linden" not in (await http.get(path, headers=person.auth)).text
    day = str(tomorrow(9).date())
    query = {"from": day, "to": day, "service_ids": shop.services[0][0], "explain": "true"}
    for path in (f"/v1/barbers/{shop.id}/slots", f"/v1/barbers/{shop.id}"):
        told = await http.get(path, params=query if path.endswith("slots") else None, headers=strangers[0].auth)
        assert told.status_code == 200
        assert "Linden" not in told.text
