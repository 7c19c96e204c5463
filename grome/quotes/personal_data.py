"""Declare the personal data of quotes."""

from typing import Final

from grome.common.actor import CUSTOMERS
from grome.infrastructure.mongo.personal_documents import Declared, Fate, PersonalCollection, Share
from grome.quotes.repository import COLLECTION

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
                    "scheduled_at",
                    "ends_at",
                    "house_call",
                    "promo_code",
                    "price",
                    "deposit",
                    "currency",
                    "note",
                    "created_at",
                    "expires_at",
                ),
                roles=CUSTOMERS,
            ),
        ),
        internal=frozenset({"services", "discount", "deposit_reasons", "terms", "commission_bp", "costs"}),
    ),
)
