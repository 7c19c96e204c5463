"""Add the terms of barbers and bookings, and reviews, waitlists, promos, quotes, series and further collections.

There were no reviews before, so no rating has to be computed.
"""

from grome.audit.repository import COLLECTION as AUDIT
from grome.barbers.models import StoredBarber
from grome.barbers.repository import COLLECTION as BARBERS
from grome.barbers.repository import RATINGS
from grome.bookings.models import Booking, Party, Status
from grome.bookings.repository import COLLECTION as BOOKINGS
from grome.calendar_feeds.repository import COLLECTION as CALENDARS
from grome.favourites.repository import COLLECTION as FAVOURITES
from grome.infrastructure.mongo.client import Database, Document, apply_collection, backfill, from_document, to_document
from grome.notifications.repository import COLLECTIONS as NOTIFICATIONS
from grome.promos.repository import COLLECTIONS as PROMOS
from grome.quotes.repository import COLLECTION as QUOTES
from grome.reviews.repository import COLLECTION as REVIEWS
from grome.series.repository import COLLECTION as SERIES
from grome.waitlist.repository import COLLECTION as WAITLIST
from grome.walk_ins.repository import COLLECTION as WALK_INS
from grome.webhooks.repository import ENDPOINTS

COLLECTIONS = (REVIEWS, RATINGS, FAVOURITES, CALENDARS, WAITLIST, WALK_INS, *PROMOS, QUOTES, SERIES)


async def up(database: Database) -> None:
    # Collections of earlier migrations get new fields or event types, which their older validators reject.
    for spec in (BARBERS, BOOKINGS, AUDIT, ENDPOINTS, *NOTIFICATIONS, *COLLECTIONS):
        await apply_collection(database, spec)
    await backfill(database[BARBERS.name], "terms", lambda old: to_document(from_document(old, StoredBarber)))
    await backfill(database[BOOKINGS.name], "terms", _booking)


def _booking(old: Document) -> Document:
    """Complete a booking from the time before reschedules, cancellation fees and proposals to customers."""
    made = {"scheduled_at": old["scheduled_at"], "answer_by": old["answer_by"]}
    history = [{**(made if entry["version"] == 1 else {}), **entry} for entry in old["history"]]
    awaits = Party.BARBER.value if old["status"] == Status.REQUESTED.value and old["answer_by"] else None
    return to_document(from_document({"terms": {}, "awaits": awaits, **old, "history": history}, Booking))
