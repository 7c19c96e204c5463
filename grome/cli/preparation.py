"""Makes a database ready to be served: checks of the servers, migrations, the demo."""

import click
from rich.console import Console

from config.settings import Settings
from grome.bookings.key_indexes import KeyIndexes, find_key_fault
from grome.cli.bootstrap import opened_container
from grome.cli.faults import redis_sentence
from grome.dev.demo.seed import seed_if_empty
from grome.dev.embedded import CannotStart
from grome.infrastructure.backup.restore import require_no_unfinished_restore
from grome.infrastructure.container import Container
from grome.infrastructure.migrations import applied, migrate
from grome.infrastructure.ops.versions import MongoServer, RedisServer, read_mongo_server, read_redis_server
from grome.infrastructure.redis.client import TRANSIENT_FAULTS, RedisClients
from grome.migrations import MIGRATIONS


async def migrate_database(settings: Settings, console: Console) -> None:
    """Apply the missing migrations, a line each. Raises CannotStart if Grome cannot run on servers and database."""
    async with opened_container(settings) as container:
        await require_servers(container)
        async for migration in migrate(container.database, MIGRATIONS, container.clock):
            console.print(f"Migration {migration.number:04} applied: {migration.title}", soft_wrap=True)
        await require_key_indexes(container)


async def require_servers(container: Container) -> None:
    """Raises CannotStart for an unfit server, and the driver's error if MongoDB is away.

    Raises BackupError for a database with an unfinished restore. Valkey may be away: the API and the workers wait for
    it.
    """
    servers: list[MongoServer | RedisServer] = [await read_mongo_server(container.database)]
    try:
        servers.append(await read_redis_server(container.get(RedisClients).commands))
    except TRANSIENT_FAULTS as error:
        click.echo(f"grome: {redis_sentence(error)} Starting without it.", err=True)
    if faults := [server.fault for server in servers if server.fault]:
        raise CannotStart(" ".join(faults))
    await require_no_unfinished_restore(container.database)


async def require_migrated(settings: Settings) -> None:
    """Raises CannotStart if Grome cannot run on the servers, or on the database as it is."""
    async with opened_container(settings) as container:
        await require_servers(container)
        await require_migrations(container)
        await require_key_indexes(container)


async def require_migrations(container: Container) -> None:
    """Raises CannotStart if migrations are missing."""
    if missing := {migration.number for migration in MIGRATIONS} - await applied(container.database):
        name = container.settings.mongo.database
        raise CannotStart(f"The database {name!r} has {len(missing)} migrations to apply: run `grome migrate`.")


async def require_key_indexes(container: Container) -> None:
    """Raises CannotStart if the settings do not fit the indexes on Idempotency-Keys."""
    state = await container.get(KeyIndexes).read()
    if fault := find_key_fault(state, claims_keys=container.settings.mongo.sharded_bookings):
        raise CannotStart(fault)


async def replace_key_index(settings: Settings) -> None:
    """Replace the unique index on Idempotency-Keys. Raises CannotStart without the setting or a migration."""
    if not settings.mongo.sharded_bookings:
        raise CannotStart("Set GROME_MONGO_SHARDED_BOOKINGS=true first, for this command and for all processes.")
    async with opened_container(settings) as container:
        await require_migrations(container)
        await container.get(KeyIndexes).replace()


async def seed_demo(settings: Settings, console: Console) -> None:
    """Add the demo to an empty database."""
    async with opened_container(settings) as container:
        await seed_if_empty(container, console)
