"""Declare the personal data of walk-ins."""

from typing import Final

from grome.common.actor import BARBERS, CUSTOMERS
from grome.infrastructure.mongo.personal_documents import Declared, Fate, PersonalCollection, Share
from grome.walk_ins.repository import COLLECTION

_BOTH: Final = ("_id", "barber_id", "day", "service_ids", "add_on_ids", "state", "booking_id", "joined_at")
PERSONAL_DATA: Final[tuple[Declared, ...]] = (
    PersonalCollection(
        spec=COLLECTION,
        shares=(
            Share(owner="customer_id", fate=Fate.ERASED, exported=_BOTH, roles=CUSTOMERS),
            Share(owner="barber_id", fate=Fate.ERASED, exported=(*_BOTH, "guest_name"), roles=BARBERS),
        ),
        internal=frozenset({"customer_id", "outbox"}),
    ),
)
