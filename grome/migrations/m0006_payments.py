"""Add the collections of payments and the ledger."""

from grome.infrastructure.mongo.client import Database, apply_collection
from grome.ledger.repository import ENTRIES as LEDGER_ENTRIES

COLLECTIONS = (LEDGER_ENTRIES,)


async def up(database: Database) -> None:
    for spec in COLLECTIONS:
        await apply_collection(database, spec)
