"""Add the keys of months, under which the audit trail keeps addresses, and let unused push tokens expire.

Records from before have addresses under the keys of persons only. Processes of the previous release read new records
without their addresses.
"""

from grome.audit.repository import ADDRESS_KEYS
from grome.infrastructure.mongo.client import Database, apply_collection
from grome.notifications.repository import PUSH_DEVICES


async def up(database: Database) -> None:
    for spec in (ADDRESS_KEYS, PUSH_DEVICES):
        await apply_collection(database, spec)
