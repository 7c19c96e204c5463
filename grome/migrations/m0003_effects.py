"""What follows from a change: jobs, reports."""

from grome.common.mongo import Database, apply_collection
from grome.jobs import repository as jobs
from grome.reports import repository as reports


async def up(database: Database) -> None:
    for spec in (jobs.COLLECTION, reports.COLLECTION):
        await apply_collection(database, spec)
