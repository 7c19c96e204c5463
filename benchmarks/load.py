"""The load generators: wrk where it is installed, else our own over asyncio.

No package fits the second place: those on PyPI spend more on a request than the servers under test do, and so would
measure themselves, and npm's autocannon asks for Node, which nothing else here needs.
"""

import asyncio
import shutil
import statistics
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Final, Protocol

import msgspec
import uvloop

from benchmarks.connections import Connection

CONNECTIONS: Final = 32
# After a load, for what was asked and no longer waited for: it shall not burden who comes next.
SETTLE_S: Final = 0.5
_PLAY: Final = Path(__file__).with_name("play.lua")


@dataclass(frozen=True, slots=True)
class Requests:
    """Whole HTTP requests, each of them `before`, one of `parts` and `after`.

    `status` is the expected status of each response.
    Where a repetition would be another thing than a first time, `once` is
    set, and there must be enough `parts`.
    """

    before: str
    parts: Sequence[str]
    after: str
    status: int = 200
    once: bool = False


class Loaded(msgspec.Struct, frozen=True):
    """The result of a load. `broken` counts lost connections and time-outs."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    unexpected: int
    broken: int
    played_out: int

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


class LoadFailed(Exception):
    """A measurement that would not count: something was answered otherwise than it should be."""


class Loader(Protocol):
    name: str

    def play(self, url: str, requests: Requests, seconds: int) -> Loaded: ...


def find_loader(folder: Path) -> Loader:
    """`folder` is where requests may be written down for wrk."""
    wrk = shutil.which("wrk")
    return Wrk(wrk, folder / "requests") if wrk else AsyncLoader()


def load(loader: Loader, url: str, requests: Requests, seconds: int) -> Loaded:
    """Raises LoadFailed unless every answer was as it should be."""
    loaded = loader.play(url, requests, seconds)
    time.sleep(SETTLE_S)
    if not loaded.requests and not loaded.broken:
        raise LoadFailed(f"{url}: not one answer in {seconds} s; rounds must be longer here")
    if loaded.unexpected or loaded.broken:
        raise LoadFailed(
            f"{url}: of {loaded.requests} answers {loaded.unexpected} were not {requests.status}, "
            f"and {loaded.broken} connections broke or timed out"
        )
    if requests.once and loaded.played_out:
        raise LoadFailed(f"{url}: {len(requests.parts)} requests were too few for {seconds} s")
    return loaded


class Wrk:
    """One thread of wrk, since the load generator has one core."""

    name = "wrk"

    def __init__(self, program: str, file: Path) -> None:
        self._program, self._file = program, file

    def play(self, url: str, requests: Requests, seconds: int) -> Loaded:
        texts = [requests.before, requests.after, *requests.parts]
        self._file.write_text("".join(f"{text}\0" for text in texts))
        options = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "-s", str(_PLAY)]
        told = subprocess.run(  # noqa: S603 -- the loader, with requests of ours
            [self._program, *options, url, "--", str(self._file), str(requests.status)],
            check=True,
            capture_output=True,
            text=True,
        )
        return msgspec.json.decode(told.stdout.splitlines()[-1], type=Loaded)


class AsyncLoader:
    """It costs several times as much as wrk: the fastest rows show the limit of the loader."""

    name = "asyncio loader (no wrk on PATH)"

    def play(self, url: str, requests: Requests, seconds: int) -> Loaded:
        return uvloop.run(_play(url, requests, seconds))


async def _play(url: str, requests: Requests, seconds: int) -> Loaded:
    parts = cycle(requests.parts) if not requests.once else iter(requests.parts)
    connections = [await Connection.open(url) for _ in range(CONNECTIONS)]
    started = time.perf_counter()
    players = [_Player(connection, requests, parts) for connection in connections]
    await asyncio.gather(*(player.play(started + seconds) for player in players))
    spent = time.perf_counter() - started
    for connection in connections:
        await connection.close()
    times = sorted(took for player in players for took in player.took)
    hundredths = statistics.quantiles(times, n=100) if len(times) > 1 else [0.0] * 99
    return Loaded(
        requests=len(times),
        seconds=spent,
        p50_ms=hundredths[49] * 1e3,
        p99_ms=hundredths[98] * 1e3,
        unexpected=sum(player.unexpected for player in players),
        broken=sum(player.broken for player in players),
        played_out=sum(player.played_out for player in players),
    )


class _Player:
    def __init__(self, connection: Connection, requests: Requests, parts: Iterator[str]) -> None:
        self._connection, self._requests, self._parts = connection, requests, parts
        self.took: list[float] = []
        self.unexpected = self.broken = self.played_out = 0

    async def play(self, until: float) -> None:
        before, after = self._requests.before, self._requests.after
        while (now := time.perf_counter()) < until:
            part = next(self._parts, None)
            if part is None:
                self.played_out = 1
                return
            try:
                answer = await self._connection.ask(f"{before}{part}{after}".encode())
            except ConnectionError:
                self.broken += 1
                return
            self.took.append(time.perf_counter() - now)
            self.unexpected += answer.status != self._requests.status
