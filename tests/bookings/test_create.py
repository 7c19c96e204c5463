"""Test the creation of bookings: copied fields, overlaps, and the release of time."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from grome.infrastructure.container import Container
from tests.builders.barbers import ALWAYS_OPEN, Barber, barber
from tests.builders.bookings import ask, book, move, serve, tomorrow
from tests.builders.people import Person, create_admin, register


@pytest.fixture
async def customer(http: httpx.AsyncClient) -> Person:
    return await register(http)


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    """Create a barber with services of 30, 15 and 60 minutes."""
    return await barber(http, container, durations=(30, 15, 60), prices=(2500, 900, 5000))


async def test_created_booking_has_all_documented_fields(
    http: httpx.AsyncClient, customer: Person, shop: Barber
) -> None:
    start = tomorrow(9)
    asked = datetime.now(UTC)
    booking = await book(http, customer, shop, start)
    assert set(booking) == {
        "id", "status", "reason", "customer_id", "guest", "barber_id", "origin", "series_id", "services",
        "scheduled_at", "ends_at", "house_call", "awaits", "answer_by", "proposal", "late_min", "on_the_way", "price",
        "discount", "currency", "payment", "settlement", "terms", "customer_note", "version", "created_at",
    }  # fmt: skip
    assert (booking["status"], booking["reason"], booking["version"]) == ("requested", None, 1)
    assert (booking["customer_id"], booking["barber_id"]) == (str(customer.id), shop.id)
    assert (booking["scheduled_at"], booking["ends_at"]) == (
        f"{start:%Y-%m-%dT%H:%M}:00Z",
        f"{start:%Y-%m-%dT%H}:30:00Z",
    )
    assert (booking["price"], booking["currency"]) == (2500, "EUR")
    assert booking["payment"] == {
        "status": "pending", "amount": 2500, "currency": "EUR", "deposit": 0, "paid": 0, "tip": 0,
        "refunded": 0, "tip_paid": 0, "pay_by": None,
    }  # fmt: skip
    assert abs(datetime.fromisoformat(booking["created_at"]) - asked) < timedelta(seconds=10)
    answer_by = min(datetime.fromisoformat(booking["created_at"]) + timedelta(hours=24), start)
    assert datetime.fromisoformat(booking["answer_by"]) == answer_by


async def test_services_are_copied_in_the_requested_order(
    http: httpx.AsyncClient, customer: Person, shop: Barber
) -> None:
    booking = await book(http, customer, shop, tomorrow(9), services=(2, 0, 1))
    assert [service["service_id"] for service in booking["services"]] == [shop.services[n][0] for n in (2, 0, 1)]
    assert [(service["price"], service["duration_min"]) for service in booking["services"]] == [
        (5000, 60), (2500, 30), (900, 15),
    ]  # fmt: skip
    assert booking["price"] == booking["payment"]["amount"] == 8400
    assert booking["ends_at"] == f"{tomorrow(10, 45):%Y-%m-%dT%H:%M}:00Z"

    dearer = [{"service_id": service_id, "price": 1, "duration_min": 5} for service_id, _ in shop.services]
    await http.put("/v1/barbers/me/services", json={"services": dearer}, headers=shop.auth)
    assert (await http.get(f"/v1/bookings/{booking['id']}", headers=customer.auth)).json() == booking


async def test_auto_accepted_booking_has_no_deadline(
    http: httpx.AsyncClient, container: Container, customer: Person
) -> None:
    shop = await barber(http, container, rules={"auto_accept": True})
    booking = await book(http, customer, shop, tomorrow(9))
    assert (booking["status"], booking["version"], booking["answer_by"]) == ("accepted", 1, None)


# The time from 10:00 to 10:30 is taken. Each case: minutes from 10:00, and the index of the service.
OVERLAPS = {
    "the same": (0, 0),
    "the first part": (0, 1),
    "the last part": (15, 1),
    "the middle": (5, 1),
    "from before": (-25, 0),
    "till after": (25, 0),
    "from before till after": (-15, 2),
    "the same start, longer": (0, 2),
    "the same end, longer": (-30, 2),
    "the last five minutes before the end": (-10, 1),
}


@pytest.mark.parametrize("moves", [[], ["accept"], ["accept", "start"]], ids=["requested", "accepted", "in progress"])
async def test_overlapping_booking_is_refused(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber, moves: list[str]
) -> None:
    taken = await book(http, customer, shop, tomorrow(10))
    await serve(container, taken, *moves)
    for overlap, (minutes, service) in OVERLAPS.items():
        start = tomorrow(10) + timedelta(minutes=minutes)
        refused = await ask(http, customer, shop, start, services=(service,))
        assert (refused.status_code, refused.json()["code"]) == (409, "slot_taken"), overlap
        assert refused.headers["content-type"] == "application/problem+json"
        assert set(refused.json()) >= {"type", "title", "status", "code", "request_id"}


async def test_adjacent_bookings_are_accepted(http: httpx.AsyncClient, customer: Person, shop: Barber) -> None:
    for start in (tomorrow(10), tomorrow(9, 30), tomorrow(10, 30)):
        assert (await ask(http, customer, shop, start)).status_code == 201


async def test_bookings_of_two_barbers_are_independent(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber
) -> None:
    for chair in (shop, await barber(http, container)):
        assert (await ask(http, customer, chair, tomorrow(10))).status_code == 201


@pytest.mark.parametrize(("gap_min", "status"), [(0, 409), (10, 409), (15, 201), (20, 201)])
async def test_buffers_of_adjacent_visits_add_up(
    http: httpx.AsyncClient, container: Container, customer: Person, gap_min: int, status: int
) -> None:
    shop = await barber(http, container, rules={"buffer_before_min": 5, "buffer_after_min": 10})
    await book(http, customer, shop, tomorrow(10))
    gap = timedelta(minutes=gap_min)
    assert (await ask(http, customer, shop, tomorrow(10, 30) + gap)).status_code == status
    assert (await ask(http, customer, shop, tomorrow(9, 30) - gap)).status_code == status


@pytest.mark.parametrize("end", ["customer cancels", "barber cancels", "decline", "admin cancels"])
async def test_ended_booking_frees_its_time(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber, end: str
) -> None:
    first = await book(http, customer, shop, tomorrow(10))
    auth = {"customer cancels": customer.auth, "admin cancels": (await create_admin(http, container)).auth}.get(
        end, shop.auth
    )
    ended = await move(http, auth, first, "decline" if end == "decline" else "cancel")
    assert ended.status_code == 200
    second = await book(http, await register(http), shop, tomorrow(10))
    assert second["id"] != first["id"]
    assert (await ask(http, customer, shop, tomorrow(10))).status_code == 409


async def test_forty_concurrent_bookings_of_one_time_have_one_winner(http: httpx.AsyncClient, shop: Barber) -> None:
    customers = await asyncio.gather(*(register(http) for _ in range(8)))
    answers = await asyncio.gather(*(ask(http, customers[n % 8], shop, tomorrow(10)) for n in range(40)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 39}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"slot_taken"}


WRONG: list[tuple[dict[str, Any], int, str, str]] = [
    ({"barber_id": str(uuid4())}, 404, "not_found", "barber_id"),
    ({"service_ids": []}, 422, "invalid", "service_ids"),
    ({"service_ids": [str(uuid4())]}, 422, "invalid", "service_ids[0]"),
    ({"service_ids": ["x"]}, 422, "invalid", "service_ids[0]"),
    ({"scheduled_at": "tomorrow"}, 422, "invalid", "scheduled_at"),
    ({"scheduled_at": "2027-03-01T09:00:00"}, 422, "invalid", "scheduled_at"),
    ({"scheduled_at": "0001-01-01T00:00:00+14:00"}, 422, "invalid", "scheduled_at"),
    ({"scheduled_at": "9999-12-31T23:59:00-12:00"}, 422, "invalid", "scheduled_at"),
    ({"scheduled_at": "2020-01-01T09:00:00Z"}, 422, "slot_not_offered", "scheduled_at"),
    ({"price": 1}, 422, "invalid", "price"),
    ({"status": "accepted"}, 422, "invalid", "status"),
    ({"customer_id": str(uuid4())}, 422, "invalid", "customer_id"),
]


async def test_invalid_booking_is_refused_at_its_field(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber
) -> None:
    for wrong, status, code, field in WRONG:
        refused = await ask(http, customer, shop, tomorrow(9), **wrong)
        assert (refused.status_code, refused.json()["code"]) == (status, code), wrong
        assert [fault["field"] for fault in refused.json()["errors"]] == [field]
    assert await container.database["bookings"].count_documents({"customer_id": customer.id}) == 0


async def test_duplicate_service_is_refused(http: httpx.AsyncClient, customer: Person, shop: Barber) -> None:
    refused = await ask(http, customer, shop, tomorrow(9), services=(0, 1, 0))
    assert refused.json()["errors"] == [{"field": "service_ids[2]", "message": "is given twice"}]


async def test_unavailable_start_is_refused_with_its_rule(
    http: httpx.AsyncClient, container: Container, customer: Person
) -> None:
    hours = {day: {**each, "end_time": "22:00"} for day, each in ALWAYS_OPEN.items()}
    rules = {"slot_step_min": 30, "min_notice_min": 240}
    shop = await barber(http, container, timezone="UTC", hours=hours, rules=rules)
    soon = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=2)
    times = {
        "misaligned": tomorrow(10) + timedelta(seconds=1),
        "too_soon": soon,
        "beyond_horizon": tomorrow(10) + timedelta(days=400),
        "off_grid": tomorrow(10, 15),
        "closed": tomorrow(21, 45),
    }
    for rule, start in times.items():
        refused = await ask(http, customer, shop, start)
        assert (refused.status_code, refused.json()["code"]) == (422, "slot_not_offered")
        assert refused.json()["errors"] == [{"field": "scheduled_at", "message": rule}]


async def test_only_customers_can_book(http: httpx.AsyncClient, container: Container, shop: Barber) -> None:
    for person in (shop.person, await create_admin(http, container)):
        assert (await ask(http, person, shop, tomorrow(10))).status_code == 403
