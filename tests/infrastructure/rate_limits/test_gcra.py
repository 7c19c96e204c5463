"""The buckets decide like those of throttled-py, for any sequence of times and costs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from throttled import utils as oracle_utils
from throttled.rate_limiter.gcra import MemoryLimitActionLogic

from config.settings import Settings
from grome.common.ids import new_hex_id
from grome.infrastructure.rate_limits.buckets import Buckets
from grome.infrastructure.rate_limits.models import Quota
from grome.infrastructure.rate_limits.scripts import BucketScripts
from grome.infrastructure.redis.client import open_redis

US = 1_000_000
# Times and intervals are multiples of 1/64 s, which is both a whole number of µs and exact as a float. So requests that
# come just when their place is free are no matter of rounding.
TICK_US = US // 64
START_US = 1_800_000_000 * US
QUOTAS = st.builds(Quota, st.just("tested"), st.sampled_from([1, 2, 4, 8]), st.sampled_from([1.0, 16.0, 64.0, 512.0]))
STEPS_US = st.one_of(st.just(0), st.integers(1, 64), st.integers(1, 64 * 120)).map(lambda ticks: ticks * TICK_US)
Requests = list[tuple[int, int]]


@dataclass
class OracleClock:
    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


class OracleStore(dict[str, float]):
    def set(self, key: str, value: float, _timeout: int) -> None:
        self[key] = value


@pytest.fixture
def oracle_clock(monkeypatch: pytest.MonkeyPatch) -> OracleClock:
    clock = OracleClock()
    monkeypatch.setattr(oracle_utils, "now_mono_f", clock)
    return clock


@pytest.fixture
async def redis(settings: Settings) -> Any:
    client = open_redis(settings.redis)
    yield client
    await client.aclose()


def ask_oracle(clock: OracleClock, quota: Quota, requests: Requests) -> Iterator[tuple[bool, float]]:
    """Yield whether each request is granted, and how far the bucket then is ahead."""
    store: Any = OracleStore()
    for at_us, cost in requests:
        clock.now_s = at_us / US
        limited, _, reset_after, _ = MemoryLimitActionLogic._do(store, ["a"], [quota.interval_s, quota.amount, cost])  # noqa: SLF001
        yield not limited, reset_after


@settings(max_examples=25)
@given(quota=QUOTAS, steps=st.lists(st.tuples(STEPS_US, st.integers(1, 5)), min_size=1, max_size=25))
async def test_script_with_any_times_and_costs_decides_like_the_oracle(
    redis: Redis, oracle_clock: OracleClock, quota: Quota, steps: Requests
) -> None:
    requests = _at_times(steps, START_US)
    expected = list(ask_oracle(oracle_clock, quota, [(at - START_US + US, cost) for at, cost in requests]))
    scripts, key = BucketScripts(redis), f"gcra:{new_hex_id()}"
    found = []
    for at_us, cost in requests:
        granted, (ahead,) = await scripts.take([key], [quota], cost=cost, now_us=at_us)
        found.append((granted, pytest.approx(ahead, abs=1e-5)))
    await redis.delete(key)
    assert expected == found


@given(quota=QUOTAS, steps=st.lists(st.tuples(STEPS_US, st.just(1)), min_size=1, max_size=60))
def test_buckets_in_memory_with_any_times_decide_like_the_oracle(
    oracle_clock: OracleClock, quota: Quota, steps: Requests
) -> None:
    requests = _at_times(steps, US)
    buckets, found = Buckets(quota, str), []
    for at_us, _ in requests:
        verdict = buckets.take("a", at_us / US)
        found.append((not verdict.wait_s, pytest.approx(verdict.ahead_s, abs=1e-5)))
    assert list(ask_oracle(oracle_clock, quota, requests)) == found


async def test_script_with_a_used_up_bucket_takes_from_no_other(redis: Redis) -> None:
    scripts, quota, ids = BucketScripts(redis), Quota("tested", 1, 60), [new_hex_id(), new_hex_id()]
    assert (await scripts.take(ids[:1], [quota], now_us=START_US))[0]
    assert await scripts.take(ids, [quota, quota], now_us=START_US) == (False, [60.0, 0.0])
    assert (await scripts.take(ids[1:], [quota], now_us=START_US))[0]
    await redis.delete(*ids)


async def test_charges_without_refusal_are_at_most_a_window_ahead_and_can_be_given_back(redis: Redis) -> None:
    scripts, quota, key = BucketScripts(redis), Quota("tested", 10, 60), new_hex_id()
    assert await scripts.add(quota, [key], [25]) == [60.0]
    (ahead,) = await scripts.add(quota, [key], [-4])
    assert 35 < ahead <= 36
    assert await redis.pttl(key) <= 36_000
    await redis.delete(key)


def test_buckets_untouched_for_two_windows_leave_memory() -> None:
    buckets = Buckets(Quota("tested", 10, 60), str)
    for number in range(1_000):
        buckets.spend(number, 1.0)
    for now in (62.0, 123.0, 184.0):
        buckets.spend(f"another at {now}", now)
    assert len(buckets) == 2


def _at_times(steps: Requests, start_us: int) -> Requests:
    found, now = [], start_us
    for step_us, cost in steps:
        now += step_us
        found.append((now, cost))
    return found
