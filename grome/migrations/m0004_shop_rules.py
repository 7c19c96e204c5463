"""What the rules of a shop need: terms, openings and add-ons of barbers, and what bookings keep of them."""

from grome.audit.repository import COLLECTION as AUDIT
from grome.barbers.models import StoredBarber
from grome.barbers.repository import COLLECTION as BARBERS
from grome.bookings.models import Booking, Party, Status
from grome.bookings.repository import COLLECTION as BOOKINGS
from grome.common.mongo import Database, Document, apply_collection, fill_in, from_document, to_document
from grome.promos import repository as promos
from grome.quotes.repository import COLLECTION as QUOTES
from grome.webhooks.repository import ENDPOINTS

COLLECTIONS = (*promos.COLLECTIONS, QUOTES)


async def up(database: Database) -> None:
    for spec in (BARBERS, BOOKINGS, AUDIT, ENDPOINTS, *COLLECTIONS):  # audit and endpoints for new types of events
        await apply_collection(database, spec)
    await fill_in(database[BARBERS.name], "terms", lambda old: to_document(from_document(old, StoredBarber)))
    await fill_in(database[BOOKINGS.name], "terms", _booking)


def _booking(old: Document) -> Document:
    """Until now nothing moved a visit, customers cancelled without cost, and requests waited for barbers only."""
    made = {"scheduled_at": old["scheduled_at"], "answer_by": old["answer_by"]}
    history = [{**(made if entry["version"] == 1 else {}), **entry} for entry in old["history"]]
    awaits = Party.BARBER.value if old["status"] == Status.REQUESTED.value and old["answer_by"] else None
    return to_document(from_document({"terms": {}, "awaits": awaits, **old, "history": history}, Booking))
