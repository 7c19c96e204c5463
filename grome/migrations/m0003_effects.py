"""What follows from a change: jobs."""

from grome.common.mongo import Database, apply_collection
from grome.jobs import repository as jobs


async def up(database: Database) -> None:
    for spec in (jobs.COLLECTION,):
        await apply_collection(database, spec)
