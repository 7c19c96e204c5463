"""Add the collections of payments and the ledger, and the fields of bookings, barbers, quotes and promos for payments.

Bookings from before have no commission, because their terms knew none.
"""

from grome.barbers.repository import COLLECTION as BARBERS
from grome.bookings.repository import COLLECTION as BOOKINGS
from grome.infrastructure.mongo.client import Database, apply_collection
from grome.ledger.repository import ENTRIES as LEDGER_ENTRIES
from grome.promos.repository import USES as PROMO_USES
from grome.quotes.repository import COLLECTION as QUOTES

COLLECTIONS = (LEDGER_ENTRIES,)
CHANGED = (BARBERS, BOOKINGS, PROMO_USES, QUOTES)


async def up(database: Database) -> None:
    for spec in (*CHANGED, *COLLECTIONS):
        await apply_collection(database, spec)
