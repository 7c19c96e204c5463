"""A proof: a fault at its full size, a bar, and the figures that were measured."""

import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from config.settings import Settings
from grome.infrastructure.container import Container
from tests.chaos.run import Outcome, migrated_container, settings_for
from tests.rolling.long_requests import LongRequests
from tests.support.servers import StoppableServer, own_mongod, own_valkey

# Prints a line of progress.
Tell = Callable[[str], None]


@dataclass
class Result:
    """`figures` are the measured figures, `misses` the sentences about parts of the bar that were not reached."""

    figures: list[str] = field(default_factory=list)
    misses: list[str] = field(default_factory=list)

    def hold(self, figure: str, *, holds: bool) -> None:
        """Add a figure, which is a miss if it does not hold."""
        self.figures.append(figure)
        if not holds:
            self.misses.append(figure)

    def add_counts(self, outcome: Outcome) -> None:
        """Add the effects of a storm; each must exist exactly once."""
        for count in outcome.counts:
            wrong = f", {count.missing} missing, {count.doubled} doubled, {count.unexpected} unexpected"
            figure = f"{count.what}: {count.expected:,}"
            self.hold(figure if count.is_right else figure + wrong, holds=count.is_right)

    def add_long_requests(self, beside: LongRequests) -> None:
        told = ", ".join(f"{times:,} times {kind}" for kind, times in sorted(beside.done.items()))
        self.figures.append(told)
        self.hold(f"{len(beside.failed)} of them failed", holds=not beside.failed)


@dataclass(frozen=True)
class Proof:
    """`bar` names the promise. `run` gets an empty folder of its own."""

    name: str
    bar: str
    run: Callable[[Path, Tell], Awaitable[Result]]

    async def result(self, home: Path, tell: Tell) -> Result:
        """Run the proof; an error of any kind is a miss."""
        try:
            return await self.run(home, tell)
        except Exception as error:  # noqa: BLE001 -- the other proofs go on
            tell(traceback.format_exc())
            return Result(misses=[f"{type(error).__name__}: {error}".partition("\n")[0][:300]])


@dataclass(frozen=True)
class World:
    """Servers of a proof's own with an empty, migrated database."""

    home: Path
    settings: Settings
    container: Container
    mongo: StoppableServer
    redis: StoppableServer


@asynccontextmanager
async def open_world(home: Path) -> AsyncIterator[World]:
    for name in ("mongod", "valkey"):
        (home / name).mkdir()
    with own_mongod(home / "mongod") as mongo, own_valkey(home / "valkey") as redis:
        settings = settings_for(home, mongo.url, redis.url)
        async with migrated_container(settings) as container:
            yield World(home, settings, container, mongo, redis)
