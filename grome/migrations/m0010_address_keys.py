"""Add the keys of months, under which the audit trail keeps addresses.

Records from before have addresses under the keys of persons only. Processes of the previous release read new records
without their addresses.
"""

from grome.audit.repository import ADDRESS_KEYS
from grome.infrastructure.mongo.client import Database, apply_collection


async def up(database: Database) -> None:
    await apply_collection(database, ADDRESS_KEYS)
