"""Loops that one bad item cannot stop."""

import asyncio
from collections.abc import Sequence

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from grome.infrastructure.isolated_items import FAILED_ITEMS, Sweep, Tally, for_batch, for_each, map_each


class Numbers:
    """Items 0 to 9, of which some fail, and each that succeeds is no longer found."""

    def __init__(self, *bad: int, fault: type[Exception] = ValueError) -> None:
        self.open, self.bad, self.fault = set(range(10)), bad, fault
        self.tried: list[int] = []

    async def page(self, after: int | None, limit: int) -> Sequence[int]:
        return sorted(number for number in self.open if after is None or number > after)[:limit]

    async def act(self, number: int) -> None:
        self.tried.append(number)
        if number in self.bad:
            raise self.fault(number)
        self.open.discard(number)


async def test_for_each_with_a_bad_item_handles_the_others_and_counts_it() -> None:
    numbers, before = Numbers(0, 4), FAILED_ITEMS["tested"]
    assert await for_each(range(10), numbers.act, name="tested") == Tally(done=8, failed=2)
    assert numbers.open == {0, 4}
    assert FAILED_ITEMS["tested"] == before + 2


async def test_for_each_with_an_unreachable_server_ends_at_once() -> None:
    numbers = Numbers(4, fault=RedisConnectionError)
    with pytest.raises(RedisConnectionError):
        await for_each(range(10), numbers.act, name="tested")
    assert numbers.tried == [0, 1, 2, 3, 4]


async def test_for_batch_with_a_bad_item_handles_each_item_alone() -> None:
    numbers, batches = Numbers(7), list[list[int]]()

    async def act(batch: Sequence[int]) -> None:
        batches.append(list(batch))
        for number in batch:
            await numbers.act(number)

    assert await for_batch([6, 7, 8], act, name="tested") == Tally(done=2, failed=1)
    assert batches == [[6, 7, 8], [6], [7], [8]]
    assert await for_batch([1, 2], act, name="tested") == Tally(done=2)
    assert batches[4:] == [[1, 2]]


def test_map_each_with_a_bad_item_leaves_it_out() -> None:
    assert map_each("12x4", int, name="tested") == [1, 2, 4]


async def test_sweep_with_a_whole_page_of_bad_items_reaches_the_next_page() -> None:
    numbers = Numbers(0, 1, 2, 3)
    sweep = Sweep("tested", numbers.page, 2)
    assert await sweep.run(numbers.act) == Tally(done=6, failed=4)
    assert numbers.open == {0, 1, 2, 3}
    assert await sweep.run(numbers.act) == Tally(failed=4)


async def test_interrupted_sweep_continues_after_the_hanging_item_and_then_restarts() -> None:
    numbers = Numbers()
    sweep = Sweep("tested", numbers.page, 3)

    async def hang_at_4(number: int) -> None:
        if number == 4:
            limit.reschedule(0)
            await asyncio.sleep(60)
        await numbers.act(number)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(None) as limit:
            await sweep.run(hang_at_4)
    assert numbers.tried == [0, 1, 2, 3]
    await sweep.run(numbers.act)
    assert numbers.tried == [0, 1, 2, 3, 5, 6, 7, 8, 9, 4]
