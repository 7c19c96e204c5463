"""`grome seed` and `grome demo`: data to try Grome with, and the story of a booking."""

import asyncio
import os
import sys
from pathlib import Path

import click
from rich.console import Console

from config.loading import load_settings
from config.settings import Settings
from grome.cli.bootstrap import load_connected_settings, opened_container
from grome.cli.preparation import migrate_database
from grome.cli.running_api import find_url
from grome.dev.demo.scenario import run_scenario
from grome.dev.demo.seed import DEFAULT_CITIES, SeedSize
from grome.dev.demo.seed import seed as add_demo

console = Console(highlight=False)


@click.command()
@click.option("--city", "cities", multiple=True, help="A city of the demo's table; may be repeated. [default: five]")
@click.option("--barbers", default=150, show_default=True, type=click.IntRange(min=0), help="In each city.")
@click.option("--customers", default=50, show_default=True, type=click.IntRange(min=0), help="In all.")
@click.option("--random-seed", default=1, show_default=True, help="The same seed makes the same demo.")
def seed(cities: tuple[str, ...], barbers: int, customers: int, random_seed: int) -> None:
    """Add demo barbers and customers in real cities.

    Existing data stays unchanged. Needs GROME_MONGO_URL and GROME_REDIS_URL. For example:

    grome seed --city Vienna --city Paris --barbers 500
    """
    size = SeedSize(
        cities=cities or DEFAULT_CITIES, barbers_per_city=barbers, customers=customers, random_seed=random_seed
    )
    asyncio.run(_seed(load_connected_settings(), size))


async def _seed(settings: Settings, size: SeedSize) -> None:
    await migrate_database(settings, console)
    async with opened_container(settings) as container:
        added = await add_demo(container, size, console)
    console.print(f"Added {added.services} services, {added.customers} customers and {added.barbers} barbers")


@click.command()
@click.option("--url", help="Where Grome runs. [default: where `grome run` of this folder runs]")
@click.option("--city", default="Berlin", show_default=True, help="A city with demo data.")
def demo(url: str | None, city: str) -> None:
    """Drive a running Grome from the search to the finished haircut.

    Checks every response; exit code 1 if a response is wrong.
    """
    settings = load_settings(os.environ)
    sys.exit(run_scenario(url or find_url(settings, Path(settings.home)), city, console))
