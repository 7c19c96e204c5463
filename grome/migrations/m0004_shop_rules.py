"""What the rules of a shop need: terms, openings and add-ons of barbers, and what bookings keep of them."""

from grome.barbers.models import StoredBarber
from grome.barbers.repository import COLLECTION as BARBERS
from grome.bookings.models import Booking, Party, Status
from grome.bookings.repository import COLLECTION as BOOKINGS
from grome.common.mongo import Database, Document, apply_collection, fill_in, from_document, to_document
from grome.promos import repository as promos
from grome.quotes.repository import COLLECTION as QUOTES

COLLECTIONS = (*promos.COLLECTIONS, QUOTES)


async def up(database: Database) -> None:
    for spec in (BARBERS, BOOKINGS, *COLLECTIONS):
        await apply_collection(database, spec)
    await fill_in(database[BARBERS.name], "terms", lambda old: to_document(from_document(old, StoredBarber)))
    await fill_in(database[BOOKINGS.name], "terms", _booking)


def _booking(old: Document) -> Document:
    """Until now customers cancelled without cost, and requests waited for barbers only."""
    awaits = Party.BARBER.value if old["status"] == Status.REQUESTED.value and old["answer_by"] else None
    return to_document(from_document({"terms": {}, "awaits": awaits, **old}, Booking))
