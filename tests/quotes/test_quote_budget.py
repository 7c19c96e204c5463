"""A customer cannot fill the database with quotes."""

import asyncio

import httpx
import pytest

from grome.infrastructure.container import Container
from grome.infrastructure.mongo.budgets import Budget, Budgets
from grome.quotes.service import QUOTES_OF_CUSTOMER
from grome.series.service import SERIES_OF_CUSTOMER
from tests.builders.barbers import barber
from tests.builders.bookings import tomorrow
from tests.builders.people import Person, register
from tests.builders.quotes import ask_quote
from tests.builders.series import ask_series, wish


async def use_up(container: Container, budget: Budget, person: Person, *, but: int) -> None:
    await asyncio.gather(*(container.get(Budgets).take(budget, str(person.id)) for _ in range(budget.limit - but)))


async def test_quotes_beyond_the_budget_are_refused_with_retry_after(
    http: httpx.AsyncClient, container: Container
) -> None:
    shop, customer = await barber(http, container), await register(http)
    await use_up(container, QUOTES_OF_CUSTOMER, customer, but=2)
    answers = await asyncio.gather(*(ask_quote(http, customer, shop, tomorrow(9)) for _ in range(10)))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert sorted(answer.status_code for answer in answers) == [201, 201, *[429] * 8]
    assert {answer.json()["code"] for answer in refused} == {"too_many_requests"}
    assert all(1 <= int(answer.headers["Retry-After"]) <= 3600 for answer in refused)
    assert (await ask_quote(http, await register(http), shop, tomorrow(9))).status_code == 201


@pytest.mark.parametrize("key", [None, "a-key-of-ones-own"])
async def test_series_beyond_the_budget_are_refused_but_not_repeats(
    http: httpx.AsyncClient, container: Container, key: str | None
) -> None:
    shop, customer = await barber(http, container), await register(http)
    await use_up(container, SERIES_OF_CUSTOMER, customer, but=1)
    first = await ask_series(http, customer, wish(shop, tomorrow(9)), key=key)
    second = await ask_series(http, customer, wish(shop, tomorrow(9)), key=key)
    assert first.status_code == 201
    assert second.status_code == (201 if key else 429)
    assert await container.database["series"].count_documents({"customer_id": customer.id}) == 1
