"""Add the fields and collections of live connections: first the preference `show_last_seen`.

Validators list the fields of stored objects, so collections with a new field are applied anew.
"""

from grome.accounts.repository import USERS
from grome.infrastructure.mongo.client import Database, apply_collection

CHANGED = (USERS,)


async def up(database: Database) -> None:
    for spec in CHANGED:
        await apply_collection(database, spec)
