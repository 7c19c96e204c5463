"""Declare the personal data of bookings, and remove the details of old visits."""

from datetime import datetime
from typing import Any, Final

from grome.bookings.models import Status
from grome.bookings.repository import COLLECTION, BookingRepository
from grome.common.actor import BARBERS, CUSTOMERS
from grome.infrastructure.mongo.personal_documents import Declared, Fate, PersonalCollection, Share

_NOT_ENDED: Final = {"status": {"$in": [Status.REQUESTED.value, Status.ACCEPTED.value, Status.IN_PROGRESS.value]}}
_OF_BOTH_SIDES: Final = (
    "_id",
    "barber_id",
    "origin",
    "series_id",
    "services",
    "scheduled_at",
    "ends_at",
    "house_call",
    "status",
    "reason",
    "late_min",
    "price",
    "discount",
    "currency",
    "payment",
    "settlement",
    "terms",
    "customer_note",
    "version",
    "history",
    "created_at",
)
_ENTRIES: Final[dict[str, dict[str, Any]]] = {"history": {"note": None, "origin": None, "changes": []}}
_BOOKS: Final = "Services, times and prices are part of the books."
PERSONAL_DATA: Final[tuple[Declared, ...]] = (
    PersonalCollection(
        spec=COLLECTION,
        shares=(
            Share(
                owner="customer_id",
                fate=Fate.ANONYMISED,
                exported=_OF_BOTH_SIDES,
                cleared={"customer_note": None, "barber_note": None, "house_call": None},
                cleared_items=_ENTRIES,
                removed=("first_answer", "idempotency"),
                reason=f"{_BOOKS} Notes and addresses are removed.",
                open_if=_NOT_ENDED,
                open_kind="bookings",
                roles=CUSTOMERS,
            ),
            Share(
                owner="barber_id",
                fate=Fate.ANONYMISED,
                exported=(*_OF_BOTH_SIDES, "customer_id", "guest", "barber_note"),
                cleared={"barber_note": None, "guest": None},
                cleared_items=_ENTRIES,
                reason=f"{_BOOKS} Notes and the names of guests are removed.",
                open_if=_NOT_ENDED,
                open_kind="bookings",
                roles=BARBERS,
            ),
        ),
        internal=frozenset(
            {
                "ticks",
                "early_ticks",
                "active",
                "awaits",
                "answer_by",
                "proposal",
                "on_the_way",
                "commission_bp",
                "idempotency",
                "first_answer",
            }
        ),
    ),
)


class VisitDetails:
    """The addresses, notes and names of guests of bookings, which are needed around the visit only."""

    name: Final = "booking_details"

    def __init__(self, bookings: BookingRepository) -> None:
        self._bookings = bookings

    async def expire(self, since: datetime, until: datetime) -> None:
        await self._bookings.clear_details(since, until)
