"""Test the `Idempotency-Key` of booking requests: repeats get the first answer."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from grome.infrastructure.container import Container
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import ask, book, move, serve, tomorrow
from tests.builders.people import Person, register, sign_in_again
from tests.conftest import AdjustableClock


@pytest.fixture
async def customer(http: httpx.AsyncClient) -> Person:
    return await register(http)


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    return await barber(http, container, durations=(30, 45), rules={"min_notice_min": 60})


async def count(container: Container, customer: Person) -> int:
    return await container.database["bookings"].count_documents({"customer_id": customer.id})


async def test_repeat_gets_the_first_answer(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber
) -> None:
    first = await ask(http, customer, shop, tomorrow(9), key="k")
    again = await ask(http, customer, shop, tomorrow(9), key="k")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert await count(container, customer) == 1


async def test_repeat_in_another_notation_gets_the_first_answer(
    http: httpx.AsyncClient, customer: Person, shop: Barber
) -> None:
    first = await book(http, customer, shop, tomorrow(9), key="k")
    elsewhere = tomorrow(9).isoformat().replace("T09", "T14").replace("+00:00", "+05:00")
    again = await book(http, customer, shop, tomorrow(9), key="k", scheduled_at=elsewhere, barber_id=shop.id.upper())
    assert again == first


@pytest.mark.parametrize("moves", [["accept"], ["accept", "start", "complete"], ["decline"], ["cancel"]])
async def test_repeat_after_transitions_gets_the_first_answer(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber, moves: list[str]
) -> None:
    first = await book(http, customer, shop, tomorrow(9), key="k")
    await serve(container, first, *moves)
    assert await book(http, customer, shop, tomorrow(9), key="k") == first
    assert await count(container, customer) == 1


async def test_repeat_after_another_booking_of_the_time_gets_the_first_answer(
    http: httpx.AsyncClient, customer: Person, shop: Barber
) -> None:
    first = await book(http, customer, shop, tomorrow(9), key="k")
    await move(http, customer.auth, first, "cancel")
    await book(http, await register(http), shop, tomorrow(9))
    assert await book(http, customer, shop, tomorrow(9), key="k") == first


async def test_repeat_within_the_notice_gets_the_first_answer(
    http: httpx.AsyncClient, customer: Person, shop: Barber, clock: AdjustableClock
) -> None:
    first = await book(http, customer, shop, tomorrow(9), key="k")
    clock.set(tomorrow(8, 30))
    later = await sign_in_again(http, customer)
    assert (await ask(http, later, shop, tomorrow(9), key="other")).json()["code"] == "slot_not_offered"
    assert await book(http, later, shop, tomorrow(9), key="k") == first


async def test_repeat_after_changes_of_offers_and_hours_gets_the_first_answer(
    http: httpx.AsyncClient, customer: Person, shop: Barber
) -> None:
    first = await book(http, customer, shop, tomorrow(9), key="k")
    await http.put("/v1/barbers/me/services", json={"services": []}, headers=shop.auth)
    assert (await ask(http, customer, shop, tomorrow(9), key="other")).status_code == 422
    assert await book(http, customer, shop, tomorrow(9), key="k") == first


OTHERS: list[Callable[[Barber], dict[str, Any]]] = [
    lambda _: {"scheduled_at": tomorrow(12).isoformat()},
    lambda shop: {"service_ids": [shop.services[1][0]]},
    lambda shop: {"service_ids": [service_id for service_id, _ in shop.services]},
    lambda _: {"barber_id": str(uuid4())},
    lambda _: {"service_ids": [str(uuid4())]},
]


@pytest.mark.parametrize("other", OTHERS)
async def test_key_with_another_body_is_refused(
    http: httpx.AsyncClient,
    container: Container,
    customer: Person,
    shop: Barber,
    other: Callable[[Barber], dict[str, Any]],
) -> None:
    await book(http, customer, shop, tomorrow(9), key="k")
    refused = await ask(http, customer, shop, tomorrow(9), key="k", **other(shop))
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert await count(container, customer) == 1


@pytest.mark.parametrize("repeat", range(5))
async def test_twenty_concurrent_requests_make_one_booking(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber, repeat: int
) -> None:
    start = tomorrow(9) + timedelta(hours=repeat)
    answers = await asyncio.gather(*(ask(http, customer, shop, start, key="k") for _ in range(20)))
    made = [answer.json() for answer in answers if answer.status_code == 201]
    assert made
    assert made == [made[0]] * len(made)
    others = {(answer.status_code, answer.json()["code"]) for answer in answers if answer.status_code != 201}
    assert others <= {(409, "idempotency_key_in_flight")}
    assert await count(container, customer) == 1
    assert await book(http, customer, shop, start, key="k") == made[0]


async def test_equal_keys_of_two_customers_are_independent(
    http: httpx.AsyncClient, customer: Person, shop: Barber
) -> None:
    first = await book(http, customer, shop, tomorrow(9), key="k")
    other = await register(http)
    assert (await ask(http, other, shop, tomorrow(9), key="k")).json()["code"] == "slot_taken"
    second = await book(http, other, shop, tomorrow(10), key="k")
    assert second["id"] != first["id"]


async def test_refused_request_does_not_use_up_its_key(http: httpx.AsyncClient, customer: Person, shop: Barber) -> None:
    taken = await book(http, await register(http), shop, tomorrow(9))
    assert (await ask(http, customer, shop, tomorrow(9), key="k")).status_code == 409
    await move(http, shop.auth, taken, "decline")
    await book(http, customer, shop, tomorrow(9), key="k")


async def test_requests_without_a_key_are_independent(http: httpx.AsyncClient, customer: Person, shop: Barber) -> None:
    await book(http, customer, shop, tomorrow(9))
    assert (await ask(http, customer, shop, tomorrow(9))).json()["code"] == "slot_taken"


@pytest.mark.parametrize("key", ["x" * 201, "tab\there"])
async def test_malformed_key_is_refused(http: httpx.AsyncClient, customer: Person, shop: Barber, key: str) -> None:
    refused = await ask(http, customer, shop, tomorrow(9), key=key)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "Idempotency-Key")
