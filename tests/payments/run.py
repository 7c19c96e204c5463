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

_STEPS = 120
console = Console(highlight=False)


@click.command()
@click.option("--payments", default=1_000, show_default=True, help="Stop after so many collected payments.")
@click.option("--seed", type=int, help="The first seed. [default: random]")
def main(payments: int, seed: int | None) -> None:
    """Compare the books with Stripe's after each of many random days."""
    first = secrets.randbelow(2**31) if seed is None else seed
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with embedded_servers(home) as servers:
            base = with_made_keys(load_settings({"GROME_ENV": "test", "GROME_HOME": folder}), home)
            settings = msgspec.structs.replace(
                base,
                mongo=msgspec.structs.replace(base.mongo, url=servers.mongo_url or "", database="grome_money"),
                redis=msgspec.structs.replace(base.redis, url=servers.redis_url or ""),
                stripe=msgspec.structs.replace(
                    base.stripe,
                    secret_key=SECRET_KEY,
                    publishable_key=PUBLISHABLE_KEY,
                    webhook_secrets=WEBHOOK_SECRET,
                ),
            )
            raise SystemExit(asyncio.run(_run(settings, home, payments, first)))


async def _run(settings: Settings, home: Path, wanted: int, first: int) -> int:
    total: Counter[str] = Counter()
    began = time.monotonic()
    with Progress(console=console) as progress:
        bar = progress.add_task("payments", total=wanted)
        for seed in range(first, first + 100_000):
            folder = home / str(seed)
            folder.mkdir()
            async with open_world(settings, folder, seed) as world:
                await world.open()
                for barber in world.barbers:
                    await world.onboard(barber)
                await world.book()
                for _ in range(_STEPS):
                    await world.step()
                await world.settle_all()
                if errors := await find_errors(world):
                    console.print(f"seed {seed}:", *errors, sep="\n  ", style="red", markup=False)
                    return 1
                total.update(await world.count())
                total["worlds"] += 1
            progress.update(bar, completed=total["collected payments"])
            if total["collected payments"] >= wanted:
                break
    for name, number in sorted(total.items()):
        console.print(f"{number:>8,} {name}")
    console.print(f"All books equal Stripe's to the cent, seeds {first} to {seed}, {time.monotonic() - began:.0f} s.")
    return 0


if __name__ == "__main__":
    main()
