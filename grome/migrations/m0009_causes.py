"""Add the trace of a request to outbox entries, and the cause to jobs.

Validators list the fields of stored objects, so each collection with outbox entries is applied anew. Processes of the
previous release write documents without the new fields and read past them.
"""

from grome.accounts.repository import SESSIONS, USERS
from grome.barbers.repository import COLLECTION as BARBERS
from grome.codes.repository import COLLECTION as CODES
from grome.factors.repository import COLLECTION as FACTORS
from grome.infrastructure.jobs.repository import COLLECTION as JOBS
from grome.infrastructure.mongo.client import Database, apply_collection
from grome.migrations.m0008_protection import WITH_ORIGIN
from grome.privacy.repository import COLLECTION as EXPORTS
from grome.promos.repository import PROMOS
from grome.verification.repository import COLLECTION as VERIFICATIONS

CHANGED = (*WITH_ORIGIN, BARBERS, CODES, EXPORTS, FACTORS, JOBS, PROMOS, SESSIONS, USERS, VERIFICATIONS)


async def up(database: Database) -> None:
    for spec in CHANGED:
        await apply_collection(database, spec)
