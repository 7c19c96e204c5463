"""Without Redis, nearby searches are slower but right, and recover when Redis is back."""

import asyncio
import statistics

import httpx
from redis.asyncio import Redis

from grome.infrastructure.container import Container
from tests.builders.chairs import Chair, asked, beside, chair, is_online
from tests.faults.conftest import OwnServers, listening
from tests.support.eventually import overload, until

PLACE = (-40.0, 60.0)
# Half a second that an answer may be old, and as long to look again; the rest is for a busy machine.
DEAF_S = 2.5
# Two seconds until a silent Redis is taken for gone, by a command as by a listener, and the look at MongoDB after it.
SILENT_S = 4.0


async def test_nearby_during_a_redis_outage_shows_changes_late_and_recovers(
    own: OwnServers, http: httpx.AsyncClient, here: Container, elsewhere: Container
) -> None:
    one = await chair(here, PLACE)
    assert not await is_online(http, one)

    own.redis.kill()
    for turn in range(6):
        online = turn % 2 == 0
        await one.turn(here, online=online)
        assert await is_online(http, one) is online  # this process shows its own writes at once
    for turn in range(6):
        await one.turn(elsewhere, online=turn % 2 == 0)
        await shown(http, one, online=turn % 2 == 0, within_s=DEAF_S)
    assert not listening(here)
    assert (await asked(http, beside(PLACE, 1))).response.status_code == 200

    await asyncio.to_thread(own.redis.start)
    await until(lambda: listening(here) and listening(elsewhere))
    took = []
    for turn in range(9):
        await one.turn(elsewhere, online=turn % 2 == 0)
        took.append(await shown(http, one, online=turn % 2 == 0, within_s=DEAF_S))
    assert statistics.median(took) < 0.1 * overload()  # told again; who looks again twice a second needs 250 ms


async def test_nearby_with_a_silent_redis_shows_changes_late_and_recovers(
    own: OwnServers, http: httpx.AsyncClient, here: Container, elsewhere: Container
) -> None:
    """A silent server accepts connections and never responds."""
    one = await chair(here, PLACE)
    assert not await is_online(http, one)

    own.redis.freeze()
    changing = asyncio.create_task(one.turn(elsewhere, online=True))  # its answer waits until Redis is given up
    held, new = await asyncio.gather(
        worst(http, [PLACE] * 20), worst(http, [beside(PLACE, degrees) for degrees in range(1, 4)])
    )
    assert held < 1.5 * overload()  # half a second of patience at most
    assert new < SILENT_S * overload()
    await shown(http, one, online=True, within_s=SILENT_S)
    await until(lambda: not listening(here))
    assert (
        await worst(http, [beside(PLACE, 5)]) < 1.5 * overload()
    )  # a process that has noticed the silence does not wait for Redis
    await changing

    own.redis.resume()
    await until(lambda: listening(here))
    await one.turn(elsewhere, online=False)
    await shown(http, one, online=False, within_s=DEAF_S)


async def test_nearby_with_a_full_redis_shows_changes_at_once(
    own: OwnServers, http: httpx.AsyncClient, here: Container
) -> None:
    """A full server still publishes and reads, but rejects writes."""
    one = await chair(here, PLACE)
    async with Redis.from_url(own.redis.url) as redis:
        await redis.config_set("maxmemory", 1)
        try:
            assert not await is_online(http, one)
            await one.turn(here, online=True)
            assert await is_online(http, one)
        finally:
            await redis.config_set("maxmemory", 0)


async def shown(http: httpx.AsyncClient, one: Chair, *, online: bool, within_s: float) -> float:
    async def is_so() -> bool:
        return await is_online(http, one) is online

    return await until(is_so, within_s=within_s * overload())


async def worst(http: httpx.AsyncClient, places: list[tuple[float, float]]) -> float:
    """Return the longest response time of consecutive searches."""
    longest = 0.0
    for place in places:
        answer = await asked(http, place)
        assert answer.response.status_code == 200
        longest = max(longest, answer.seconds)
    return longest
