"""Quotes show prices and costs, expire, and are booked once."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from grome.infrastructure.container import Container
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import ask, book, move, tomorrow
from tests.builders.people import Person, create_admin, register, sign_in_again
from tests.builders.promos import create_promo, read_figures
from tests.builders.quotes import QUOTE, ask_quote, book_quote, put_terms, quote
from tests.conftest import AdjustableClock

DAY = 24 * 60
STRICT = {"cancel_notice_min": 120, "late_refund_percent": 50, "no_show_refund_percent": 0}


@pytest.fixture
async def customer(http: httpx.AsyncClient) -> Person:
    return await register(http)


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    """Create a barber with half an hour for 25.01, a quarter for 9, and a deposit of half the price."""
    made = await barber(http, container, durations=(30, 15), prices=(2501, 900))
    await put_terms(http, made, STRICT, percent=50)
    return made


async def count(container: Container, customer: Person) -> int:
    return await container.database["bookings"].count_documents({"customer_id": customer.id})


async def test_quote_shows_price_deposit_and_costs(http: httpx.AsyncClient, customer: Person, shop: Barber) -> None:
    start = tomorrow(9)
    quoted = await quote(http, customer, shop, start, services=(0, 1), note="By the window")
    assert (quoted["full_price"], quoted["discount"], quoted["price"], quoted["deposit"]) == (3401, None, 3401, 1701)
    assert [(one["price"], one["duration_min"]) for one in quoted["services"]] == [(2501, 30), (900, 15)]
    assert (quoted["currency"], quoted["duration_min"], quoted["customer_note"]) == ("EUR", 45, "By the window")
    assert quoted["ends_at"] == f"{start + timedelta(minutes=45):%Y-%m-%dT%H:%M:%S}Z"
    assert quoted["terms"]["cancellation"]["late_refund_percent"] == 50
    assert quoted["costs"] == {
        "cancelling": [{"until": f"{tomorrow(7):%Y-%m-%dT%H:%M:%S}Z", "fee": 0}, {"until": None, "fee": 1701}],
        "no_show": 3401,
    }
    read = await http.get(f"{QUOTE}/{quoted['id']}", headers=customer.auth)
    assert read.json() == quoted


async def test_quote_does_not_claim_the_time(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber
) -> None:
    quoted = await quote(http, customer, shop, tomorrow(9))
    assert await count(container, customer) == 0
    taken = await book(http, await register(http), shop, tomorrow(9))
    assert (await book_quote(http, customer, quoted)).json()["code"] == "slot_taken"
    await move(http, shop.auth, taken, "decline")
    assert (await book_quote(http, customer, quoted)).status_code == 201


async def test_quote_of_an_unavailable_visit_is_refused(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber
) -> None:
    await book(http, await register(http), shop, tomorrow(9))
    refused = await ask_quote(http, customer, shop, tomorrow(9, 25))
    assert (refused.status_code, refused.json()["code"]) == (409, "slot_taken")
    refused = await ask_quote(http, customer, shop, tomorrow(9, 31))
    assert (refused.status_code, refused.json()["code"]) == (422, "slot_not_offered")
    assert (await ask_quote(http, customer, shop, tomorrow(9, 30))).status_code == 201
    full = await barber(http, container, rules={"daily_cap": 1})
    await book(http, await register(http), full, tomorrow(9))
    refused = await ask_quote(http, customer, full, tomorrow(15))
    assert refused.json()["errors"] == [{"field": "scheduled_at", "message": "day_full"}]


async def test_booking_by_quote_ignores_later_changes_of_price_and_terms(
    http: httpx.AsyncClient, customer: Person, shop: Barber
) -> None:
    quoted = await quote(http, customer, shop, tomorrow(9), services=(0, 1), note="Quick")
    dearer = [{"service_id": shop.services[0][0], "price": 9000, "duration_min": 60}]
    await http.put("/v1/barbers/me/services", json={"services": dearer}, headers=shop.auth)
    await put_terms(http, shop, {"cancel_notice_min": DAY}, percent=100)
    assert (await book(http, customer, shop, tomorrow(12)))["price"] == 9000
    booked = (await book_quote(http, customer, quoted)).json()
    assert booked["id"] == quoted["id"]
    same = ("price", "currency", "terms", "scheduled_at", "ends_at", "services", "discount", "customer_note")
    assert {name: booked[name] for name in same} == {name: quoted[name] for name in same}
    assert booked["payment"]["deposit"] == quoted["deposit"]


async def test_booking_by_quote_applies_the_present_rules(
    http: httpx.AsyncClient, customer: Person, shop: Barber
) -> None:
    quoted = await quote(http, customer, shop, tomorrow(9))
    off = {"starts_at": tomorrow(8).isoformat(), "ends_at": tomorrow(10).isoformat()}
    assert (await http.post("/v1/barbers/me/time-off", json=off, headers=shop.auth)).is_success
    refused = await book_quote(http, customer, quoted)
    assert refused.json()["errors"] == [{"field": "scheduled_at", "message": "time_off"}]


async def test_repeated_booking_by_quote_returns_the_first_response(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber, clock: AdjustableClock
) -> None:
    quoted = await quote(http, customer, shop, tomorrow(9))
    first = await book_quote(http, customer, quoted)
    assert (await book_quote(http, customer, quoted)).json() == first.json()
    await move(http, shop.auth, first.json(), "accept")
    await move(http, customer.auth, first.json(), "cancel")
    await book(http, await register(http), shop, tomorrow(9))
    assert (await book_quote(http, customer, quoted)).json() == first.json()
    clock.shift = timedelta(minutes=20)
    later = await sign_in_again(http, customer)
    assert (await book_quote(http, later, quoted)).json() == first.json()
    assert await count(container, customer) == 1


async def test_twenty_concurrent_requests_create_one_booking(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber
) -> None:
    quoted = await quote(http, customer, shop, tomorrow(9))
    answers = await asyncio.gather(*(book_quote(http, customer, quoted) for _ in range(20)))
    made = [answer.json() for answer in answers if answer.status_code == 201]
    assert made
    assert made == [made[0]] * len(made)
    others = {answer.json()["code"] for answer in answers if answer.status_code != 201}
    assert others <= {"booking_in_flight"}
    assert await count(container, customer) == 1


async def test_expired_quote_is_gone(
    http: httpx.AsyncClient, customer: Person, shop: Barber, clock: AdjustableClock
) -> None:
    quoted = await quote(http, customer, shop, tomorrow(9))
    clock.set(datetime.fromisoformat(quoted["expires_at"]))
    later = await sign_in_again(http, customer)
    for response in (
        await book_quote(http, later, quoted),
        await http.get(f"{QUOTE}/{quoted['id']}", headers=later.auth),
    ):
        assert (response.status_code, response.json()["code"]) == (410, "quote_expired")


async def test_quote_of_another_customer_is_missing(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber
) -> None:
    quoted = await quote(http, customer, shop, tomorrow(9))
    other = await register(http)
    assert (await book_quote(http, other, quoted)).status_code == 404
    assert (await http.get(f"{QUOTE}/{quoted['id']}", headers=other.auth)).status_code == 404
    await book_quote(http, customer, quoted)
    assert (await book_quote(http, other, quoted)).status_code == 404
    assert await count(container, other) == 0


@pytest.fixture
async def promo(http: httpx.AsyncClient, container: Container) -> tuple[dict[str, Any], Person]:
    """Create a code of 10 per cent, once for each customer and twice in total."""
    boss = await create_admin(http, container)
    return await create_promo(http, boss, most_uses_each=1, most_uses=2), boss


async def test_promo_use_is_held_by_the_quote_and_kept_by_the_booking(
    http: httpx.AsyncClient, customer: Person, shop: Barber, promo: tuple[dict[str, Any], Person]
) -> None:
    made, boss = promo
    quoted = await quote(http, customer, shop, tomorrow(9), promo_code=made["code"].lower())
    assert quoted["discount"] == {"code": made["code"], "amount": 250, "funder": "platform"}
    assert (quoted["full_price"], quoted["price"], quoted["deposit"]) == (2501, 2251, 1126)
    assert quoted["costs"]["no_show"] == 2251
    told = await read_figures(http, boss, made)
    assert (told["uses"], told["held"], told["left"]) == (0, 1, 1)
    booked = (await book_quote(http, customer, quoted)).json()
    assert (booked["price"], booked["discount"], booked["payment"]["amount"]) == (2251, quoted["discount"], 2251)
    told = await read_figures(http, boss, made)
    assert (told["uses"], told["held"], told["left"]) == (1, 0, 1)


async def test_newer_promo_use_replaces_the_use_of_the_quote(
    http: httpx.AsyncClient, customer: Person, shop: Barber, promo: tuple[dict[str, Any], Person]
) -> None:
    code = promo[0]["code"]
    quoted = await quote(http, customer, shop, tomorrow(9), promo_code=code)
    await book(http, customer, shop, tomorrow(11), promo_code=code)
    refused = await book_quote(http, customer, quoted)
    assert (refused.status_code, refused.json()["code"]) == (422, "promo_refused")
    assert (await ask_quote(http, customer, shop, tomorrow(9), promo_code=code)).json()["code"] == "promo_refused"


async def test_promo_code_without_a_quote_discounts_the_booking(
    http: httpx.AsyncClient, customer: Person, shop: Barber, promo: tuple[dict[str, Any], Person]
) -> None:
    made, boss = promo
    booked = await book(http, customer, shop, tomorrow(9), promo_code=made["code"], key="k")
    assert (booked["price"], booked["discount"]) == (2251, {"code": made["code"], "amount": 250, "funder": "platform"})
    assert await book(http, customer, shop, tomorrow(9), promo_code=made["code"], key="k") == booked
    refused = await ask(http, customer, shop, tomorrow(9), key="k")
    assert refused.json()["code"] == "idempotency_key_reused"
    told = await read_figures(http, boss, made)
    assert (told["uses"], told["held"]) == (1, 0)


async def test_refused_booking_releases_the_promo_use(
    http: httpx.AsyncClient, customer: Person, shop: Barber, promo: tuple[dict[str, Any], Person]
) -> None:
    made, boss = promo
    await book(http, await register(http), shop, tomorrow(9))
    refused = await ask(http, customer, shop, tomorrow(9), promo_code=made["code"])
    assert refused.json()["code"] == "slot_taken"
    told = await read_figures(http, boss, made)
    assert (told["uses"], told["held"]) == (0, 0)
    unknown = await ask(http, customer, shop, tomorrow(10), promo_code="NO-SUCH-CODE")
    assert (unknown.status_code, unknown.json()["code"]) == (422, "promo_refused")


async def test_concurrent_bookings_get_as_many_discounts_as_uses(
    http: httpx.AsyncClient, shop: Barber, promo: tuple[dict[str, Any], Person]
) -> None:
    made, boss = promo
    people = [await register(http) for _ in range(6)]
    answers = await asyncio.gather(
        *(
            ask(http, person, shop, tomorrow(8 + number), promo_code=made["code"])
            for number, person in enumerate(people)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201, 201, 422, 422, 422, 422]
    assert (await read_figures(http, boss, made))["uses"] == 2
