"""Budgets that the database counts."""

import asyncio
from datetime import timedelta

from grome.common.ids import new_hex_id
from grome.infrastructure.container import Container
from grome.infrastructure.mongo.budgets import COLLECTION, Budget, Budgets
from tests.conftest import AdjustableClock

HOUR = timedelta(hours=1)


def budget(limit: int) -> Budget:
    return Budget(f"test-{new_hex_id()}", limit, HOUR)


async def test_budget_with_concurrent_takers_grants_exactly_its_limit(container: Container) -> None:
    some = budget(7)
    granted = await asyncio.gather(*(Budgets(container.database, container.clock).take(some, "+49") for _ in range(40)))
    assert granted.count(None) == 7


async def test_budget_of_a_subject_is_independent_of_other_subjects(container: Container) -> None:
    some, budgets = budget(1), Budgets(container.database, container.clock)
    assert [await budgets.take(some, subject) is None for subject in ("a", "b", "a", "b")] == [True, True, False, False]


async def test_budget_that_is_used_up_returns_the_wait_until_its_next_window(
    container: Container, clock: AdjustableClock
) -> None:
    some, budgets = budget(1), Budgets(container.database, clock)
    now = clock().replace(minute=20, second=0, microsecond=0)
    clock.set(now)
    assert await budgets.take(some, "a") is None
    wait_s = await budgets.take(some, "a")
    assert wait_s is not None
    assert abs(wait_s - 40 * 60) < 60
    clock.set(now + timedelta(seconds=wait_s + 1))
    assert await budgets.take(some, "a") is None


async def test_budget_counter_expires_with_its_window_and_hides_its_subject(container: Container) -> None:
    some = budget(1)
    await container.get(Budgets).take(some, "+4915112345678")
    (counter,) = [one async for one in container.database[COLLECTION.name].find({"_id": {"$regex": f"^{some.kind}:"}})]
    assert container.clock() < counter["expires_at"] <= container.clock() + HOUR
    assert "4915112345678" not in str(counter)
