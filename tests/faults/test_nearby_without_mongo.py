"""Without MongoDB, cached places are served with their age and other places are refused at once."""

import asyncio
import statistics

import httpx
from redis.asyncio import Redis

from grome.infrastructure.container import Container
from tests.builders.chairs import asked, beside, chair, is_online
from tests.faults.conftest import MONGO_TIMEOUT_S, OwnServers
from tests.support.eventually import overload, until

HELD = (-40.0, 70.0)
NOT_HELD = beside(HELD, 1)


async def test_cached_place_without_mongo_is_served_with_its_age(
    own: OwnServers, http: httpx.AsyncClient, here: Container
) -> None:
    one = await chair(here, HELD)
    assert not await is_online(http, one)

    own.mongo.kill()
    for _ in range(5):
        answer = await asked(http, HELD)
        assert (answer.response.status_code, answer.age) == (200, None)  # it is fresh: nobody can have changed it
    # The connection that changes come by is lost, so whatever is held may be wrong from here on.
    async with Redis.from_url(own.redis.url) as redis:
        await redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    await grows_old(http)

    await asyncio.to_thread(own.mongo.start)
    await until(lambda: is_young(http))
    await one.turn(here, online=True)
    assert await is_online(http, one)


async def test_uncached_place_without_mongo_is_refused_at_once(
    own: OwnServers, http: httpx.AsyncClient, here: Container
) -> None:
    one = await chair(here, NOT_HELD)
    own.mongo.kill()
    first = await asked(http, NOT_HELD)
    assert first.response.status_code == 503
    assert first.response.headers["content-type"] == "application/problem+json"
    assert first.response.headers["retry-after"] == "2"
    assert first.response.json()["code"] == "unavailable"
    assert (
        first.seconds < (2 * MONGO_TIMEOUT_S + 1) * overload()
    )  # as long as the driver is given to find the server again

    later = [await asked(http, beside(NOT_HELD, degrees)) for degrees in range(12)]
    crowd = await asyncio.gather(*(asked(http, beside(NOT_HELD, degrees)) for degrees in range(30)))
    assert {answer.response.status_code for answer in (*later, *crowd)} == {503}
    # One of them a second looks whether MongoDB is back, and waits half a second for it; nobody else waits.
    assert statistics.median(answer.seconds for answer in later) < first.seconds / 5
    assert max(answer.seconds for answer in later) < MONGO_TIMEOUT_S * overload()

    await asyncio.to_thread(own.mongo.start)
    await until(lambda: answers(http))
    assert not await is_online(http, one)


async def test_cached_place_without_mongo_and_redis_is_served(
    own: OwnServers, http: httpx.AsyncClient, here: Container
) -> None:
    one = await chair(here, HELD)
    assert not await is_online(http, one)

    own.mongo.kill()
    own.redis.kill()
    await grows_old(http)
    assert (await asked(http, NOT_HELD)).response.status_code == 503

    await asyncio.to_thread(own.redis.start)
    await asyncio.to_thread(own.mongo.start)
    await until(lambda: is_young(http))
    assert not await is_online(http, one)


async def grows_old(http: httpx.AsyncClient) -> None:
    """Assert that every response is a 200 without a wait, with a growing `Age`."""

    async def age() -> int | None:
        answer = await asked(http, HELD)
        assert answer.response.status_code == 200
        return answer.age

    async def is_at_least(seconds: int) -> bool:
        told = await age()
        return told is not None and told >= seconds

    await until(lambda: is_at_least(0))
    first = await age() or 0
    await until(lambda: is_at_least(first + 2))


async def is_young(http: httpx.AsyncClient) -> bool:
    answer = await asked(http, HELD)
    assert answer.response.status_code == 200
    return answer.age is None


async def answers(http: httpx.AsyncClient) -> bool:
    return (await asked(http, NOT_HELD)).response.status_code == 200
