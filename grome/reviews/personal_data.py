"""Declare the personal data of reviews."""

from typing import Final

from grome.common.actor import BARBERS, CUSTOMERS
from grome.infrastructure.mongo.personal_documents import Declared, Fate, PersonalCollection, Share
from grome.reviews.repository import COLLECTION

_BOTH: Final = ("public_id", "barber_id", "rating", "text", "answer", "created_at", "edited_at")
PERSONAL_DATA: Final[tuple[Declared, ...]] = (
    PersonalCollection(
        spec=COLLECTION,
        shares=(
            Share(
                owner="customer_id",
                fate=Fate.ANONYMISED,
                exported=("_id", *_BOTH, "shown"),
                cleared={"text": ""},
                cleared_items={"outbox": {"origin": None}},
                removed=("first_answer", "idempotency"),
                reason="The stars of reviews stay without text and name, because a barber's rating is their mean.",
                roles=CUSTOMERS,
            ),
            Share(
                owner="barber_id",
                fate=Fate.ANONYMISED,
                exported=("_id", *_BOTH),
                cleared={"answer": None},
                cleared_items={"outbox": {"origin": None}},
                reason="The reviews of customers belong to their authors; your answers are removed.",
                roles=BARBERS,
            ),
        ),
        internal=frozenset({"idempotency", "first_answer", "outbox"}),
    ),
)
