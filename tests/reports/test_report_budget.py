"""Test that a person cannot fill the storage with reports."""

import asyncio

import httpx

from grome.infrastructure.container import Container
from grome.infrastructure.mongo.budgets import Budgets
from grome.reports.service import REPORT_BUDGET
from tests.builders.barbers import barber
from tests.builders.reports import post_report


async def test_report_beyond_the_budget_is_refused_except_a_repeat(
    http: httpx.AsyncClient, container: Container
) -> None:
    shop = await barber(http, container)
    spent = (container.get(Budgets).take(REPORT_BUDGET, shop.id) for _ in range(REPORT_BUDGET.limit - 1))
    await asyncio.gather(*spent)
    first, repeat, second = [
        await post_report(http, shop.person, key=key) for key in ("first-key", "first-key", "second-key")
    ]
    assert (first.status_code, repeat.status_code, second.status_code) == (202, 202, 429)
    assert repeat.content == first.content
    assert second.json()["code"] == "too_many_requests"
    assert int(second.headers["Retry-After"]) > 0
    assert await container.database["reports"].count_documents({"by.id": shop.person.id}) == 1
