"""Searches of places that are not worth being cached go to MongoDB, with the same results."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from itertools import chain, repeat
from random import Random
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from config.settings import Settings
from grome.barbers.change_feed import BarberChangeFeed
from grome.barbers.service import BarberService
from grome.common.geo import metres_of
from grome.composition import open_container
from grome.infrastructure.container import Container
from grome.infrastructure.redis.client import Namespace, RedisClients
from grome.nearby.cell_cache import CellCache
from grome.nearby.cell_loader import CellLoader, CellSnapshots
from grome.nearby.database_search import DatabaseSearch
from grome.nearby.h3_cells import cells_touching
from grome.nearby.schemas import NearbyQuery, search_of
from tests.builders.pages import read_pages
from tests.builders.searches import NEARBY, Search, a_search, any_limits, check
from tests.builders.world import REGIONS, Place, build_barbers, list_stored, stored_barbers
from tests.support.app import serve_app
from tests.support.eventually import until
from tests.support.http_client import http_client

TOWNS = [(-34.0 - degrees, 60.0) for degrees in range(8)]
PER_TOWN = 150
SLOW_S = 0.2


@hypothesis_settings(max_examples=20)
@given(region=st.sampled_from(REGIONS), size=st.integers(0, 60), dice=st.integers(0, 2**32))
async def test_database_search_finds_the_same_as_a_scan(
    container: Container, region: Place, size: int, dice: int
) -> None:
    chance = Random(dice)  # noqa: S311 -- reproducible, and no secret
    world = build_barbers(region, size, chance)
    async with stored_barbers(container, world):
        everybody = await list_stored(container)
        for _ in range(6):
            search = replace(a_search(region, world, chance), sort="distance")
            check(search, everybody, await _page_by_page(container, search, chance))


async def _page_by_page(container: Container, search: Search, chance: Random) -> list[dict[str, Any]]:
    database = DatabaseSearch(container.get(BarberService))
    query = NearbyQuery(**{**search.query, "online": search.online, "house_calls": search.house_calls})
    found, after = [], None
    for limit in any_limits(chance):
        page = await database.search(msgspec.structs.replace(search_of(query), after=after), limit)
        found += [{"id": str(one.barber.id), "distance_m": metres_of(one.position.chord2)} for one in page]
        if len(page) < limit:
            break
        after = page[-1].position
    return found


@pytest.fixture
async def small(settings: Settings, database: None) -> AsyncIterator[httpx.AsyncClient]:  # noqa: ARG001
    """Run an application with memory for at most three of the towns, with a long timeout."""
    nearby = msgspec.structs.replace(settings.nearby, memory_mb=1)
    mongo = msgspec.structs.replace(settings.mongo, timeout_ms=30_000)
    async with (
        serve_app(msgspec.structs.replace(settings, nearby=nearby, mongo=mongo)) as app,
        http_client(app.ctx.base_url, timeout_s=60) as client,
    ):
        await until(lambda: app.ctx.container.get(BarberChangeFeed).listening)
        yield client


async def test_searches_of_more_towns_than_fit_in_memory_find_all_barbers(
    small: httpx.AsyncClient, container: Container
) -> None:
    chance = Random(3)  # noqa: S311 -- as above
    world = [one for town in TOWNS for one in build_barbers(town, PER_TOWN, chance)]
    searches = [Search(town, 30) for town in TOWNS] * 3
    async with stored_barbers(container, world):
        everybody = await list_stored(container)
        await container.database.command("profile", 2)
        found = await asyncio.gather(*(read_pages(small, NEARBY, one.query, limits=repeat(40)) for one in searches))
        await container.database.command("profile", 0)
    for search, pages in zip(searches, found, strict=True):
        check(search, everybody, list(chain.from_iterable(pages)))
    profile = container.database["system.profile"]
    filters = [document["command"].get("filter", {}) async for document in profile.find({"op": "query"})]
    await profile.drop()
    assert any("$nearSphere" in one.get("location", {}) for one in filters)


class SlowLoader:
    """Delays the loads of cells, and counts the concurrent loads."""

    def __init__(self, loader: CellLoader) -> None:
        self._loader, self.running, self.most = loader, 0, 0

    async def load(self, cells: Sequence[int], not_before: float | None) -> CellSnapshots:
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(SLOW_S)
        try:
            return await self._loader.load(cells, not_before)
        finally:
            self.running -= 1


@pytest.fixture
async def process(settings: Settings, database: None) -> AsyncIterator[Container]:  # noqa: ARG001
    process = await open_container(settings)
    yield process
    await process.close()


async def test_cell_cache_loads_three_places_at_a_time_and_refuses_others(process: Container) -> None:
    loader = SlowLoader(
        CellLoader(process.get(BarberService), process.get(RedisClients).commands, process.get(Namespace))
    )
    cells = CellCache(loader.load, process.get(BarberChangeFeed), 10**6)
    places = [cells_touching(*town, 1_000) for town in TOWNS]
    gets = [asyncio.create_task(cells.get(place)) for place in places[:-1]]
    await until(lambda: loader.running > 0)
    assert [cells.should_cache(place) for place in places] == [True] * 7 + [False]
    await asyncio.gather(*gets)
    assert loader.most == 3
    assert cells.should_cache(places[-1])


async def test_place_that_evicts_others_is_loaded_after_20_requests_and_a_cooldown(process: Container) -> None:
    cells = CellCache(
        SlowLoader(
            CellLoader(process.get(BarberService), process.get(RedisClients).commands, process.get(Namespace))
        ).load,
        process.get(BarberChangeFeed),
        50_000,
    )
    one, other, third = (cells_touching(*town, 8_000) for town in TOWNS[:3])
    await cells.get(one)
    for place in (other, third):
        assert [cells.should_cache(place) for _ in range(20)] == [False] * 19 + [True]
    await cells.get(other)
    assert cells.should_cache(other)
    assert not cells.should_cache(third)
    assert await until(lambda: cells.should_cache(third)) > SLOW_S
