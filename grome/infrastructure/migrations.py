"""Apply missing migrations, and record them in the collection `migrations`."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from grome.common.clock import Clock
from grome.infrastructure.mongo.client import Database

_APPLIED = "migrations"


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    title: str
    up: Callable[[Database], Awaitable[None]]


async def applied(database: Database) -> set[int]:
    """The numbers of the migrations that this database has had."""
    return {document["_id"] async for document in database[_APPLIED].find({}, {"_id": 1})}


async def migrate(database: Database, migrations: Sequence[Migration], clock: Clock) -> AsyncIterator[Migration]:
    """Apply the missing migrations in order; yields each migration when it is done and recorded."""
    had = await applied(database)
    for migration in migrations:
        if migration.number in had:
            continue
        await migration.up(database)
        await database[_APPLIED].update_one(
            {"_id": migration.number}, {"$set": {"title": migration.title, "applied_at": clock()}}, upsert=True
        )
        yield migration
