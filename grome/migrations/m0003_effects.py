"""Add jobs, audit trail, outboxes of accounts, notifications, reports, webhooks, and the relay.

The relay starts with events that occur after this migration.
"""

from grome.accounts.repository import SESSIONS, USERS, SessionRepository, UserRepository
from grome.audit import repository as audit
from grome.common.clock import system_clock
from grome.infrastructure.jobs import repository as jobs
from grome.infrastructure.mongo.client import Database, apply_collection
from grome.infrastructure.outbox import repository as events
from grome.notifications import repository as notifications
from grome.reports import repository as reports
from grome.webhooks.repository import DELIVERIES, ENDPOINTS

COLLECTIONS = (
    jobs.COLLECTION,
    audit.COLLECTION,
    events.COLLECTION,
    *notifications.COLLECTIONS,
    reports.COLLECTION,
    ENDPOINTS,
    DELIVERIES,
)


async def up(database: Database) -> None:
    for spec in (USERS, SESSIONS, *COLLECTIONS):  # the older validators of users and sessions reject the new fields
        await apply_collection(database, spec)
    await UserRepository(database).backfill()
    await SessionRepository(database).backfill()
    await events.RelayRepository(database).begin(system_clock())
