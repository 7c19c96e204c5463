"""Declare the personal data of adjustments."""

from typing import Final

from grome.adjustments.repository import ADJUSTMENTS
from grome.common.actor import BARBERS
from grome.infrastructure.mongo.personal_documents import Declared, Fate, PersonalCollection, Share

PERSONAL_DATA: Final[tuple[Declared, ...]] = (
    PersonalCollection(
        spec=ADJUSTMENTS,
        shares=(
            Share(
                owner="barber_id",
                fate=Fate.KEPT,
                cleared_items={"outbox": {"origin": None}},
                exported=("_id", "number", "kind", "amount", "currency", "booking_id"),
                reason="Adjustments are part of the books.",
                roles=BARBERS,
            ),
        ),
        # The outbox has the reason and the id of an admin.
        internal=frozenset({"fingerprint", "outbox"}),
    ),
)
