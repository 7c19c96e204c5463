"""Declare the personal data of series."""

from typing import Final

from grome.common.actor import CUSTOMERS
from grome.infrastructure.mongo.personal_documents import Declared, Fate, PersonalCollection, Share
from grome.series.repository import COLLECTION

PERSONAL_DATA: Final[tuple[Declared, ...]] = (
    PersonalCollection(
        spec=COLLECTION,
        shares=(
            Share(
                owner="customer_id",
                fate=Fate.ERASED,
                exported=("_id", "barber_id", "repeat", "timezone", "occurrences", "created_at"),
                roles=CUSTOMERS,
            ),
        ),
        internal=frozenset({"is_made", "idempotency", "first_answer"}),
    ),
)
