"""Declare the personal data of promo codes and their uses."""

from typing import Final

from grome.common.actor import BARBERS, CUSTOMERS
from grome.infrastructure.mongo.personal_documents import (
    Declared,
    Fate,
    PersonalCollection,
    Share,
    UnownedCollection,
)
from grome.promos.repository import HOLD_WINDOWS, PROMOS, USES

PERSONAL_DATA: Final[tuple[Declared, ...]] = (
    PersonalCollection(
        spec=PROMOS,
        shares=(
            Share(
                owner="owner_id",
                fate=Fate.ANONYMISED,
                exported=(
                    "_id",
                    "code",
                    "percent",
                    "amount",
                    "at_most",
                    "currency",
                    "minimum_price",
                    "valid_from",
                    "valid_until",
                    "service_ids",
                    "first_visit_only",
                    "most_uses",
                    "most_uses_each",
                    "description",
                    "is_active",
                    "created_at",
                ),
                cleared={"is_active": False, "description": ""},
                cleared_items={"outbox": {"origin": None, "changes": []}},
                reason="Codes stay without their descriptions and switched off, because bookings refer to them.",
                roles=BARBERS,
            ),
        ),
        internal=frozenset({"barber_ids", "given_back", "place", "version", "outbox", "created_by", "updated_at"}),
    ),
    PersonalCollection(
        spec=USES,
        shares=(
            Share(
                owner="customer_id",
                fate=Fate.KEPT,
                exported=("_id", "promo_id", "code", "amount", "currency", "at"),
                reason="Uses of promo codes have ids and amounts only, and are part of the books.",
                roles=CUSTOMERS,
            ),
        ),
        internal=frozenset({"total_seat", "customer_seat", "held_until", "firm", "first_visit_of", "funder"}),
    ),
    UnownedCollection(HOLD_WINDOWS, "Ids of a customer and a promo, deleted after two hours."),
)
