"""Test rebooking over HTTP."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from grome.infrastructure.container import Container
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import ask, book, move, serve, tomorrow
from tests.builders.people import Person, register

NEAR = {"location": {"lat": 52.53, "lng": 13.41}, "address": "Torstraße 1"}
FAR = {"location": {"lat": 53.55, "lng": 9.99}, "address": "Jungfernstieg 1"}
AGAIN = tomorrow(9) + timedelta(days=28)


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    shop = await barber(http, container, durations=(30, 45), service_radius_km=5)
    await offer(http, shop, [3000, 4500], 500)
    return shop


@pytest.fixture
async def customer(http: httpx.AsyncClient) -> Person:
    return await register(http)


@pytest.fixture
async def visit(http: httpx.AsyncClient, customer: Person, shop: Barber) -> dict[str, Any]:
    """Book both services, with the add-on of the first service."""
    return await book(http, customer, shop, tomorrow(9), services=(1, 0), add_on_ids=[EXTRA], note="Gently.")


EXTRA = "01890a5d-ac96-774b-bcce-b302099a8057"


async def offer(http: httpx.AsyncClient, shop: Barber, prices: list[int], extra: int | None) -> None:
    """Offer a service for each price; the first service has an add-on for `extra`."""
    offers: list[dict[str, Any]] = [
        {"service_id": service_id, "price": price, "duration_min": duration}
        for (service_id, duration), price in zip(shop.services, prices, strict=False)
    ]
    if extra is not None:
        offers[0]["add_ons"] = [{"id": EXTRA, "name": "Hot towel", "price": extra, "duration_min": 10}]
    answer = await http.put("/v1/barbers/me/services", json={"services": offers}, headers=shop.auth)
    assert answer.status_code == 200, answer.text


async def rebook(
    http: httpx.AsyncClient, person: Person, booking: dict[str, Any], start: datetime, key: str = "", **body: Any
) -> httpx.Response:
    headers = {**person.auth, **({"Idempotency-Key": key} if key else {})}
    wanted = {"scheduled_at": start.isoformat(), **body}
    return await http.post(f"/v1/bookings/{booking['id']}/rebook", json=wanted, headers=headers)


@pytest.mark.parametrize("moves", [[], ["cancel"], ["accept", "start", "complete"]])
async def test_rebooked_visit_has_todays_prices(
    http: httpx.AsyncClient,
    container: Container,
    customer: Person,
    shop: Barber,
    visit: dict[str, Any],
    moves: list[str],
) -> None:
    await serve(container, visit, *moves)
    await offer(http, shop, [3100, 4600], 600)
    answer = await rebook(http, customer, visit, AGAIN)
    assert answer.status_code == 201, answer.text
    again = answer.json()
    names = ("service_id", "name", "duration_min")
    assert [[one[name] for name in names] for one in again["services"]] == [
        [one[name] for name in names] for one in visit["services"]
    ]
    assert [one["price"] for one in again["services"]] == [4600, 3100]
    assert [extra["price"] for one in again["services"] for extra in one["add_ons"]] == [600]
    assert (visit["price"], again["price"], again["payment"]["amount"]) == (8000, 8300, 8300)
    assert (again["origin"], again["customer_note"], again["status"]) == ("rebook", None, "requested")
    assert datetime.fromisoformat(again["scheduled_at"]) == AGAIN
    assert again["id"] != visit["id"]


@pytest.mark.parametrize(
    ("prices", "extra", "told"), [([3000, 4500], None, "Hot towel"), ([3000], 500, None)], ids=["add-on", "service"]
)
async def test_rebook_of_missing_services_is_refused_and_names_them(
    http: httpx.AsyncClient,
    customer: Person,
    shop: Barber,
    visit: dict[str, Any],
    prices: list[int],
    extra: int | None,
    told: str | None,
) -> None:
    await offer(http, shop, prices, extra)
    refused = await rebook(http, customer, visit, AGAIN)
    assert (refused.status_code, refused.json()["code"]) == (409, "no_longer_offered")
    assert refused.json()["detail"] == f"No longer offered: {told or visit['services'][0]['name']}."


async def test_rebook_with_a_removed_barber_is_refused(
    http: httpx.AsyncClient, customer: Person, shop: Barber, visit: dict[str, Any]
) -> None:
    assert (await http.delete("/v1/barbers/me", headers=shop.auth)).status_code == 204
    assert (await rebook(http, customer, visit, AGAIN)).json()["code"] == "no_longer_offered"


async def test_rebook_key_is_for_one_request(
    http: httpx.AsyncClient, customer: Person, shop: Barber, visit: dict[str, Any]
) -> None:
    first = await rebook(http, customer, visit, AGAIN, key="again")
    assert (await move(http, shop.auth, first.json(), "accept")).status_code == 200
    repeated = await rebook(http, customer, visit, AGAIN, key="again")
    assert (first.status_code, repeated.status_code, repeated.json()) == (201, 201, first.json())
    later = AGAIN + timedelta(hours=3)
    others = [
        await rebook(http, customer, visit, later, key="again"),
        await rebook(http, customer, first.json(), AGAIN, key="again"),
        await ask(http, customer, shop, later, key="again"),
    ]
    assert [other.json()["code"] for other in others] == ["idempotency_key_reused"] * 3


async def test_rebook_needs_a_free_and_offered_time(
    http: httpx.AsyncClient, customer: Person, visit: dict[str, Any]
) -> None:
    assert (await rebook(http, customer, visit, tomorrow(9))).json()["code"] == "slot_taken"
    assert (await rebook(http, customer, visit, AGAIN + timedelta(minutes=1))).json()["code"] == "slot_not_offered"


async def test_rebooked_house_call_keeps_changes_or_drops_its_location(
    http: httpx.AsyncClient, customer: Person, shop: Barber
) -> None:
    """The location is the earlier location, a given location, or the shop."""
    there = await book(http, customer, shop, tomorrow(9), house_call=NEAR)
    same = (await rebook(http, customer, there, AGAIN)).json()
    assert same["house_call"] == there["house_call"]
    moved = (await rebook(http, customer, there, AGAIN + timedelta(days=1), house_call={**NEAR, "address": "2"})).json()
    assert moved["house_call"] == {**there["house_call"], "address": "2"}
    at_the_shop = await rebook(http, customer, there, AGAIN + timedelta(days=2), house_call=None)
    assert at_the_shop.json()["house_call"] is None
    too_far = await rebook(http, customer, there, AGAIN + timedelta(days=3), house_call=FAR)
    assert (too_far.status_code, too_far.json()["errors"][0]["field"]) == (422, "house_call.location")


async def test_rebook_of_a_foreign_booking_is_not_found(
    http: httpx.AsyncClient, shop: Barber, visit: dict[str, Any]
) -> None:
    assert (await rebook(http, await register(http), visit, AGAIN)).status_code == 404
    assert (await rebook(http, shop.person, visit, AGAIN)).status_code == 403
