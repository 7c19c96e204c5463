"""`grome migrate`: the database's collections, validators and indexes."""

import asyncio

import click
from rich.console import Console

from config.settings import Settings
from grome.cli.bootstrap import load_connected_settings, opened_container
from grome.cli.preparation import migrate_database, replace_key_index
from grome.infrastructure.migrations import applied
from grome.migrations import MIGRATIONS

console = Console(highlight=False)


@click.command()
@click.option("--list", "only_list", is_flag=True, help="Show applied and pending migrations; change nothing.")
def migrate(*, only_list: bool) -> None:
    """Bring the database up to date.

    Creates missing collections, validators and indexes, and fills in new fields. `grome serve` and `grome run` do it
    before they serve. A migration can run twice.
    """
    settings = load_connected_settings()
    asyncio.run(_list(settings) if only_list else migrate_database(settings, console))


@click.command()
def prepare_shards() -> None:
    """Change the indexes of bookings, so that these can be sharded.

    Grome may serve meanwhile, if all its processes were started with GROME_MONGO_SHARDED_BOOKINGS=true. From then on
    MongoDB refuses bookings of processes without it. Repeating the command continues it.
    """
    asyncio.run(replace_key_index(load_connected_settings()))
    click.echo("The bookings can be sharded: deploy/mongodb/shard.py does it.")


async def _list(settings: Settings) -> None:
    async with opened_container(settings) as container:
        had = await applied(container.database)
    for migration in MIGRATIONS:
        click.echo(f"{migration.number:04}  {'applied' if migration.number in had else 'to do':7}  {migration.title}")
