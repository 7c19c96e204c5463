"""Jobs, reports, audit trail, webhooks; the relay, which begins with what happens from here on."""

from grome.audit import repository as audit
from grome.common.clock import system_clock
from grome.common.mongo import Database, apply_collection
from grome.events import repository as events
from grome.jobs import repository as jobs
from grome.reports import repository as reports
from grome.webhooks.repository import DELIVERIES, ENDPOINTS


async def up(database: Database) -> None:
    for spec in (jobs.COLLECTION, reports.COLLECTION, audit.COLLECTION, events.COLLECTION, ENDPOINTS, DELIVERIES):
        await apply_collection(database, spec)
    await events.RelayRepository(database).begin(system_clock())
