"""Declare the personal data of the waitlist."""

from typing import Final

from grome.common.actor import CUSTOMERS
from grome.infrastructure.mongo.personal_documents import Declared, Fate, PersonalCollection, Share
from grome.waitlist.repository import COLLECTION

PERSONAL_DATA: Final[tuple[Declared, ...]] = (
    PersonalCollection(
        spec=COLLECTION,
        shares=(
            Share(
                owner="customer_id",
                fate=Fate.ERASED,
                exported=(
                    "_id",
                    "barber_id",
                    "area",
                    "service_ids",
                    "earliest",
                    "latest",
                    "state",
                    "booking_id",
                    "offered_at",
                    "joined_at",
                    "ended_at",
                ),
                roles=CUSTOMERS,
            ),
        ),
        internal=frozenset({"unanswered", "passed", "place", "fingerprint"}),
    ),
)
