"""A change in one API process shows in the other, also after a pause of the process."""

import asyncio
import os
import signal
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field

import httpx
import pytest

from config.settings import Settings
from grome.barbers.schemas import ProfileIn
from grome.barbers.service import BarberService
from grome.common.geo import LatLng
from grome.infrastructure.container import Container
from tests.builders.chairs import Chair, chair, is_online
from tests.builders.searches import NEARBY
from tests.builders.world import Place
from tests.support.eventually import PATIENCE_S, overload, until
from tests.support.http_client import http_client
from tests.support.processes import RunningGrome, running_grome

STOOD_STILL = (-40.0, 92.0)
# Two places that lie in different cells, and that one search finds.
FROM, TO = (-40.0, 94.0), (-40.0, 94.08)
BARBERS, SECONDS, CHANGES_A_SECOND = 25, 2, 50
# A change is shown within a second. Twice that is for a machine that is busy with other things.
SHOWN_WITHIN_S = 2.0


@pytest.fixture(scope="module")
def pair(settings: Settings, database: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RunningGrome]]:  # noqa: ARG001
    """Run two applications with a single API process each, so that a test can address each process."""
    with ExitStack() as stack:
        homes = [tmp_path_factory.mktemp("process") for _ in range(2)]
        yield [stack.enter_context(running_grome(settings, home, workers=1, GROME_JOBS_WORKERS="0")) for home in homes]


@pytest.fixture
async def clients(pair: list[RunningGrome]) -> AsyncIterator[list[httpx.AsyncClient]]:
    async with AsyncExitStack() as stack:
        made = [http_client(one.url) for one in pair]
        yield [await stack.enter_async_context(client) for client in made]


async def test_process_resumed_after_a_stop_shows_the_missed_changes(
    pair: list[RunningGrome], clients: list[httpx.AsyncClient], container: Container
) -> None:
    one = await chair(container, STOOD_STILL)
    assert [await is_online(http, one) for http in clients] == [False, False]
    (worker,) = pair[0].workers("Server")
    os.kill(worker.pid, signal.SIGSTOP)
    try:
        for online in (True, False, True):
            await one.turn(container, online=online)
        await until(lambda: is_online(clients[1], one), within_s=SHOWN_WITHIN_S * overload())
        await asyncio.sleep(3)  # longer than a listener bears silence
    finally:
        os.kill(worker.pid, signal.SIGCONT)
    await until(lambda: is_online(clients[0], one), within_s=SHOWN_WITHIN_S * overload())


@dataclass
class Board:
    """Records when names were stored, and the longest delay until a process showed them."""

    stored: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    longest: float = 0.0

    def shown(self, name: str, number: int, already: int) -> None:
        """Record that a name was shown. Names count the changes; `already` of them were shown before."""
        now = time.monotonic()
        for moment in self.stored[name][already:number]:
            self.longest = max(self.longest, now - moment)


async def test_moving_barber_is_shown_in_one_place_and_soon_in_the_new_place(
    clients: list[httpx.AsyncClient], container: Container
) -> None:
    """`make bench` has exact figures; this bound holds on any machine."""
    chairs = [await chair(container, FROM) for _ in range(BARBERS)]
    for one in chairs:
        await container.get(BarberService).put_profile(one.actor, profile(0, FROM))
    board, done = Board(), asyncio.Event()
    watching = [asyncio.create_task(watch(http, board, chairs, done)) for http in clients]
    await change(container, chairs, board)
    done.set()
    await asyncio.wait_for(asyncio.gather(*watching), timeout=PATIENCE_S)
    assert board.longest < SHOWN_WITHIN_S * overload()


async def change(container: Container, chairs: list[Chair], board: Board) -> None:
    """Move each barber back and forth on a schedule, with the number of changes in the name."""
    started = time.monotonic()
    for number in range(SECONDS * CHANGES_A_SECOND):
        await asyncio.sleep(max(0.0, started + number / CHANGES_A_SECOND - time.monotonic()))
        one, turn = chairs[number % BARBERS], number // BARBERS + 1
        await container.get(BarberService).put_profile(one.actor, profile(turn, TO if turn % 2 else FROM))
        board.stored[str(one.id)].append(time.monotonic())


def profile(turn: int, place: Place) -> ProfileIn:
    return ProfileIn(name=f"Change {turn}", location=LatLng(*place), timezone="UTC", currency="EUR")


async def watch(http: httpx.AsyncClient, board: Board, chairs: list[Chair], done: asyncio.Event) -> None:
    """Read pages until every change was shown."""
    lat, lng = FROM
    turns = dict.fromkeys((str(one.id) for one in chairs), 0)
    while not done.is_set() or any(turns[name] < len(board.stored[name]) for name in turns):
        page = (await http.get(NEARBY, params={"lat": lat, "lng": lng, "radius_km": 20, "limit": 100})).json()["items"]
        assert sorted(item["id"] for item in page) == sorted(turns)  # each once, wherever they are just now
        for item in page:
            turn = int(item["name"].rpartition(" ")[2])
            board.shown(item["id"], turn, turns[item["id"]])
            turns[item["id"]] = turn
        await asyncio.sleep(0.02)
