"""The cell cache reads each cell once for concurrent searches, and stays within its bound of memory."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import chain
from random import Random
from uuid import UUID

import httpx
import msgspec
import pytest

from config.settings import Settings
from grome.app import App
from grome.barbers.change_feed import BarberChangeFeed
from grome.barbers.models import Barber
from grome.barbers.service import BarberService
from grome.composition import open_container
from grome.infrastructure.container import Container
from grome.infrastructure.redis.client import Namespace, RedisClients
from grome.nearby.barber_array import IndexedBarber
from grome.nearby.cell_cache import REFRESH_AFTER_S, CellCache
from grome.nearby.cell_loader import CellLoader
from grome.nearby.h3_cells import cells_touching
from grome.nearby.schemas import NearbyQuery
from grome.nearby.service import NearbyService
from tests.builders.chairs import Chair, at_the_door
from tests.builders.pages import read_pages
from tests.builders.searches import NEARBY, Search, check
from tests.builders.world import build_barbers, destination, list_stored, location_of, stored_barbers
from tests.support.app import serve_app
from tests.support.eventually import until
from tests.support.http_client import http_client

REGIONS = [(-30.0, 85.0), (-32.0, 90.0)]
PROCESSES = 4


@asynccontextmanager
async def counted_reads(container: Container) -> AsyncIterator[list[int]]:
    """Count the queries for barbers that MongoDB answers within the block; the count is set when it ends."""
    database, count = container.database, [0]
    await database.command("profile", 2)
    try:
        yield count
    finally:
        await database.command("profile", 0)
        count[0] = await database["system.profile"].count_documents({"op": "query", "ns": f"{database.name}.barbers"})
        await database["system.profile"].drop()


async def test_200_concurrent_searches_of_a_new_place_cause_one_read(
    http: httpx.AsyncClient, container: Container
) -> None:
    async with counted_reads(container) as reads:
        answers = await asyncio.gather(*(at_the_door(http, (-30.0, 95.0)) for _ in range(200)))
    assert {answer.status_code for answer in answers} == {200}
    assert reads == [1]


async def test_concurrent_processes_share_a_read(
    settings: Settings,
    container: Container,
) -> None:
    """At most two, because a process that waits for over a second reads too: the reader may have died."""
    async with AsyncExitStack() as stack:
        processes = [await open_container(settings) for _ in range(PROCESSES)]
        for process in processes:
            stack.push_async_callback(process.close)
        await until(lambda: all(process.get(BarberChangeFeed).listening for process in processes))
        await asyncio.sleep(1.2)  # a copy that was read before they subscribed, or just after, is not shared
        async with counted_reads(container) as reads:
            await asyncio.gather(
                *(process.get(NearbyService).search(NearbyQuery(lat=-30.0, lng=97.0)) for process in processes)
            )
    assert 1 <= reads[0] <= 2


class Mirror:
    """Tracks the content of a cell cache from its reports."""

    def __init__(self) -> None:
        self.rows: defaultdict[int, dict[UUID, IndexedBarber]] = defaultdict(dict)

    def on_barber_changed(self, cell: int, old: IndexedBarber | None, new: IndexedBarber | None) -> None:
        if new:
            self.rows[cell][new.id] = new
        elif old:
            del self.rows[cell][old.id]
        else:
            self.rows.pop(cell, None)  # an empty cell is not in the mirror

    @property
    def size_bytes(self) -> int:
        return sum(row.size_bytes for rows in self.rows.values() for row in rows.values())


async def test_cell_cache_stays_within_its_bound(settings: Settings, container: Container) -> None:
    bound, mirror = 100_000, Mirror()
    world = build_barbers(REGIONS[0], 150, Random(1))  # noqa: S311 -- reproducible, and no secret
    process = await open_container(settings)
    cells = CellCache(
        CellLoader(process.get(BarberService), process.get(RedisClients).commands, process.get(Namespace)).load,
        process.get(BarberChangeFeed),
        bound,
    )
    cells.set_listener(mirror.on_barber_changed)
    async with stored_barbers(container, world):
        total = 0
        for one in world:
            wanted = cells_touching(*location_of(one), 1_000)
            held = await cells.get(wanted)
            assert one.id in {row.id for cell in held for row in cell.array.barbers}
            assert mirror.size_bytes <= bound
            total = max(total, mirror.size_bytes)
    await process.close()
    assert total > bound / 2


@pytest.fixture
async def small(settings: Settings, database: None) -> AsyncIterator[httpx.AsyncClient]:  # noqa: ARG001
    """Run an application with less memory than a single wide search needs."""
    nearby = msgspec.structs.replace(settings.nearby, memory_mb=1)
    async with (
        serve_app(msgspec.structs.replace(settings, nearby=nearby)) as app,
        http_client(app.ctx.base_url, timeout_s=60) as client,
    ):
        await until(lambda: app.ctx.container.get(BarberChangeFeed).listening)
        yield client


@pytest.fixture(scope="module")
async def crowded(app: App) -> AsyncIterator[list[Barber]]:
    chance = Random(2)  # noqa: S311 -- as above
    world = [one for region in REGIONS for one in build_barbers(region, 400, chance)]
    async with stored_barbers(app.ctx.container, world):
        yield world


async def test_searches_that_evict_each_other_find_all_barbers(
    small: httpx.AsyncClient,
    container: Container,
    crowded: list[Barber],  # noqa: ARG001
) -> None:
    searches = [Search(destination(region, 3_000, turn), 50) for turn in (0, 120, 240) for region in REGIONS]
    everybody = await list_stored(container)
    found = await asyncio.gather(*(read_pages(small, NEARBY, search.query) for search in searches))
    for search, pages in zip(searches, found, strict=True):
        check(search, everybody, list(chain.from_iterable(pages)))


async def test_search_beyond_the_bound_of_memory_follows_every_change(
    small: httpx.AsyncClient, container: Container, crowded: list[Barber]
) -> None:
    search = Search(REGIONS[0], 50)
    nearest = min(crowded, key=search.distance_m)
    one = Chair(nearest.id, location_of(nearest))

    async def is_shown(*, online: bool) -> bool:
        found = (await small.get(NEARBY, params=search.query)).json()["items"]
        return {item["id"]: item["is_online"] for item in found}[str(one.id)] is online

    for online in (True, False) * 3:
        await one.turn(container, online=online)
        # Far less than the age from which a place is loaded anew without being told.
        await until(partial(is_shown, online=online), within_s=REFRESH_AFTER_S / 2)
        assert await is_shown(online=online)
