"""`python -m tests.realtime.run`: live clients among faults for minutes, with figures."""

import asyncio
import random
import sys
import tempfile
from pathlib import Path

import click
import msgspec
from rich.console import Console

from config.loading import load_settings
from grome.infrastructure.made_keys import with_made_keys
from tests.realtime.faults.storm import Plan, storm
from tests.support.servers import own_mongod, own_valkey


@click.command()
@click.option("--minutes", default=10.0, show_default=True, type=click.FloatRange(min=0.1))
@click.option("--seed", default=None, type=int, help="Seed of the faults. [default: random]")
def main(minutes: float, seed: int | None) -> None:
    """Compare the state of live clients with the server's after minutes of faults."""
    console = Console(highlight=False)
    seed = seed if seed is not None else random.randrange(10_000)  # noqa: S311 -- dice
    plan = Plan(minutes * 60, seed, pairs=5, node=4, fault_pause_s=1.0, kill_pause_s=8.0, write_pause_s=0.4)
    with tempfile.TemporaryDirectory(prefix="grome-live-") as folder, console.status(f"{minutes} min, seed {seed} …"):
        home = Path(folder)
        (home / "mongod").mkdir()
        (home / "valkey").mkdir()
        with own_mongod(home / "mongod") as mongo, own_valkey(home / "valkey") as redis:
            base = with_made_keys(load_settings({"GROME_ENV": "test", "GROME_HOME": folder}), home)
            settings = msgspec.structs.replace(
                base,
                mongo=msgspec.structs.replace(base.mongo, url=mongo.url),
                redis=msgspec.structs.replace(base.redis, url=redis.url),
            )
            outcome = asyncio.run(storm(settings, home, redis, plan))
    console.print(outcome.table())
    console.print(f"Seed {seed}:", "no errors." if not outcome.errors else f"{len(outcome.errors)} errors.")
    console.print(*outcome.errors, sep="\n", style="red", markup=False)
    sys.exit(1 if outcome.errors else 0)


if __name__ == "__main__":
    main()
