"""What follows from a change: jobs, webhooks."""

from grome.common.mongo import Database, apply_collection
from grome.jobs import repository as jobs
from grome.webhooks.repository import DELIVERIES, ENDPOINTS


async def up(database: Database) -> None:
    for spec in (jobs.COLLECTION, ENDPOINTS, DELIVERIES):
        await apply_collection(database, spec)
