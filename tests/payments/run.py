"""`python -m tests.payments.run`: random payments among faults until a number is reached, with figures."""

import asyncio
import secrets
import tempfile
import time
from collections import Counter
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import Progress

from config.loading import load_settings
from config.settings import Settings
from grome.dev.embedded import embedded_servers
from grome.infrastructure.made_keys import with_made_keys
from tests.payments.audit_books import find_errors
from tests.payments.open_world import open_world
from tests.support.stripe import PUBLISHABLE_KEY, SECRET_KEY, WEBHOOK_SECRET

console = Console(highlight=False)


@click.command()
@click.option("--payments", default=1_000, show_default=True, help="Stop after so many collected payments.")
@click.option("--seed", type=int, help="The first seed. [default: random]")
@click.option("--steps", default=120, show_default=True, help="Actions of each day.")
def main(payments: int, seed: int | None, steps: int) -> None:
    """Compare the books with Stripe's after each of many random days."""
    first = secrets.randbelow(2**31) if seed is None else seed
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with embedded_servers(home) as servers:
            settings = money_settings(home, servers.mongo_url or "", servers.redis_url or "")
            raise SystemExit(asyncio.run(_run(settings, home, payments, first, steps)))


async def _run(settings: Settings, home: Path, wanted: int, first: int, steps: int) -> int:
    total: Counter[str] = Counter()
    began = time.monotonic()
    with Progress(console=console) as progress:
        bar = progress.add_task("payments", total=wanted)
        for seed in range(first, first + 100_000):
            counted, errors = await run_world(settings, home, seed, steps)
            if errors:
                console.print(f"seed {seed}:", *errors, sep="\n  ", style="red", markup=False)
                return 1
            total.update(counted)
            progress.update(bar, completed=total["collected payments"])
            if total["collected payments"] >= wanted:
                break
    for name, number in sorted(total.items()):
        console.print(f"{number:>8,} {name}")
    console.print(f"All books equal Stripe's to the cent, seeds {first} to {seed}, {time.monotonic() - began:.0f} s.")
    return 0


async def run_world(settings: Settings, home: Path, seed: int, steps: int) -> tuple[Counter[str], list[str]]:
    """Take so many random actions in a new world. Returns its figures and the errors in its books."""
    folder = home / str(seed)
    folder.mkdir()
    async with open_world(settings, folder, seed) as world:
        await world.open()
        for barber in world.barbers:
            await world.onboard(barber)
        await world.book()
        for _ in range(steps):
            await world.step()
        await world.settle_all()
        return Counter(await world.count()) + Counter(worlds=1), await find_errors(world)


def money_settings(home: Path, mongo_url: str, redis_url: str) -> Settings:
    base = with_made_keys(load_settings({"GROME_ENV": "test", "GROME_HOME": str(home)}), home)
    return msgspec.structs.replace(
        base,
        mongo=msgspec.structs.replace(base.mongo, url=mongo_url, database="grome_money"),
        redis=msgspec.structs.replace(base.redis, url=redis_url),
        stripe=msgspec.structs.replace(
            base.stripe, secret_key=SECRET_KEY, publishable_key=PUBLISHABLE_KEY, webhook_secrets=WEBHOOK_SECRET
        ),
    )


if __name__ == "__main__":
    main()
