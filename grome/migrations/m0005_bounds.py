"""Bounds that the database itself holds, and the fields that they need.

Applies every collection's validator and indexes as they are declared now.
"""

from grome.accounts.repository import SESSIONS, USERS
from grome.barbers.repository import COLLECTION as BARBERS
from grome.bookings.repository import COLLECTION as BOOKINGS
from grome.catalogue.repository import COLLECTION as SERVICES
from grome.common.mongo import Database, apply_collection
from grome.migrations import m0003_effects, m0004_shop_rules

COLLECTIONS = (USERS, SESSIONS, SERVICES, BARBERS, BOOKINGS, *m0003_effects.COLLECTIONS, *m0004_shop_rules.COLLECTIONS)


async def up(database: Database) -> None:
    for spec in COLLECTIONS:
        await apply_collection(database, spec)
