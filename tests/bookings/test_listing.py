"""Test lists of bookings: visibility, order and pages."""

import base64
import json
from datetime import timedelta
from itertools import repeat
from typing import Any

import httpx
import pytest

from grome.infrastructure.container import Container
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, move, tomorrow
from tests.builders.pages import read_pages
from tests.builders.people import Person, create_admin, register


@pytest.fixture
async def customer(http: httpx.AsyncClient) -> Person:
    return await register(http)


@pytest.fixture
async def shops(http: httpx.AsyncClient, container: Container) -> list[Barber]:
    return [await barber(http, container) for _ in range(2)]


@pytest.fixture
async def booked(http: httpx.AsyncClient, customer: Person, shops: list[Barber]) -> list[dict[str, Any]]:
    """Create bookings, and return them latest start first; for equal starts, latest created first."""
    made = [
        await book(http, customer, shop, tomorrow(9) + timedelta(hours=hour)) for hour in (2, 0, 1) for shop in shops
    ]
    return sorted(made, key=lambda booking: (booking["scheduled_at"], booking["id"]), reverse=True)


async def pages(http: httpx.AsyncClient, person: Person, limit: int = 100, **query: str) -> list[list[dict[str, Any]]]:
    return await read_pages(http, "/v1/bookings", query, auth=person.auth, limits=repeat(limit))


def ids(bookings: list[dict[str, Any]]) -> list[str]:
    return [booking["id"] for booking in bookings]


@pytest.mark.parametrize(("limit", "sizes"), [(1, [1] * 6), (4, [4, 2]), (5, [5, 1]), (6, [6]), (100, [6])])
async def test_pages_of_a_customer_are_complete_and_ordered(
    http: httpx.AsyncClient, customer: Person, booked: list[dict[str, Any]], limit: int, sizes: list[int]
) -> None:
    found = await pages(http, customer, limit=limit)
    assert [len(page) for page in found] == sizes
    assert [booking for page in found for booking in page] == booked


async def test_list_shows_a_barber_own_bookings_and_an_admin_all(
    http: httpx.AsyncClient, container: Container, shops: list[Barber], booked: list[dict[str, Any]]
) -> None:
    for shop in shops:
        own = [booking for booking in booked if booking["barber_id"] == shop.id]
        assert await pages(http, shop.person, limit=2) == [own[:2], own[2:]]
    boss = await create_admin(http, container)
    seen = [booking["id"] for page in await pages(http, boss, limit=100) for booking in page]
    assert len(seen) == len(set(seen)) == await container.database["bookings"].count_documents({})
    assert [booking_id for booking_id in seen if booking_id in ids(booked)] == ids(booked)


async def test_list_is_filtered_by_status(
    http: httpx.AsyncClient, customer: Person, shops: list[Barber], booked: list[dict[str, Any]]
) -> None:
    auth_of = {shop.id: shop.auth for shop in shops}
    accepted, declined = booked[::3], booked[1::3]
    for chosen, action in ((accepted, "accept"), (declined, "decline")):
        for booking in chosen:
            await move(http, auth_of[booking["barber_id"]], booking, action)
    for status, wanted in (("accepted", accepted), ("cancelled", declined), ("completed", [])):
        found = await pages(http, customer, status=status, limit=1)
        assert [booking["id"] for page in found for booking in page] == ids(wanted)
        assert {booking["status"] for page in found for booking in page} <= {status}


async def test_list_of_another_customer_is_empty(http: httpx.AsyncClient, booked: list[dict[str, Any]]) -> None:
    stranger = await register(http)
    assert await pages(http, stranger) == [[]]
    assert (await http.get("/v1/bookings")).status_code == 401
    assert booked


def cursor_of(position: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


ID = "0190a0a0-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"status": "lost"}, "status"),
        ({"barber_id": ID}, "barber_id"),
        ({"cursor": ""}, "cursor"),
        ({"cursor": "§"}, "cursor"),
        ({"cursor": "A" * 401}, "cursor"),
        ({"cursor": cursor_of({"name": "Cut"})}, "cursor"),
        ({"cursor": cursor_of({"scheduled_at": "soon", "id": ID})}, "cursor"),
        ({"cursor": cursor_of({"scheduled_at": "2027-01-01T00:00:00", "id": ID})}, "cursor"),
        ({"cursor": cursor_of({"scheduled_at": "0001-01-01T00:00:00+14:00", "id": ID})}, "cursor"),
        ({"cursor": cursor_of({"scheduled_at": {"$gt": ""}, "id": ID})}, "cursor"),
        ({"cursor": cursor_of([])}, "cursor"),
    ],
)
async def test_invalid_query_is_refused_at_its_field(
    http: httpx.AsyncClient, query: dict[str, str], field: str
) -> None:
    response = await http.get("/v1/bookings", params=query, headers=(await register(http)).auth)
    assert (response.status_code, response.json()["code"]) == (422, "invalid")
    assert [fault["field"] for fault in response.json()["errors"]] == [field]
