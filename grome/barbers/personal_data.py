"""Declare the personal data of barbers, and take the shop of a deleted barber off."""

from typing import Final

from grome.barbers.repository import APPROVALS, COLLECTION, COMMISSIONS, RATINGS
from grome.barbers.service import BarberService
from grome.common.actor import BARBERS
from grome.infrastructure.mongo.client import Database
from grome.infrastructure.mongo.personal_documents import (
    Declared,
    Fate,
    PersonalCollection,
    PersonalDocuments,
    Share,
)
from grome.infrastructure.personal_data import Person

PROFILE: Final = PersonalCollection(
    spec=COLLECTION,
    shares=(
        Share(
            owner="_id",
            fate=Fate.ERASED,
            exported=(
                "display_name",
                "bio",
                "neighbourhood",
                "location",
                "service_radius_km",
                "timezone",
                "currency",
                "services",
                "rating",
                "reviews_count",
                "is_online",
                "availability",
                "openings",
                "rules",
                "house_calls",
                "terms",
                "deposit_rules",
                "commission_bp",
                "approval",
                "created_at",
                "updated_at",
            ),
            roles=BARBERS,
        ),
    ),
    internal=frozenset({"_id", "notice", "version", "words"}),
    handled_apart=True,
)
PERSONAL_DATA: Final[tuple[Declared, ...]] = (
    PROFILE,
    PersonalCollection(
        spec=RATINGS,
        shares=(
            Share(
                owner="_id",
                fate=Fate.KEPT,
                reason="The counts of stars stay; customers gave them.",
                roles=BARBERS,
            ),
        ),
        internal=frozenset({"stars", "changes"}),
    ),
    PersonalCollection(
        spec=COMMISSIONS,
        shares=(
            Share(
                owner="_id",
                fate=Fate.KEPT,
                cleared_items={"outbox": {"origin": None}},
                exported=("basis_points",),
                reason="The agreed commission is part of the books.",
                roles=BARBERS,
            ),
        ),
        # The outbox has reasons and ids of admins.
        internal=frozenset({"outbox", "version"}),
    ),
    PersonalCollection(
        spec=APPROVALS,
        shares=(Share(owner="_id", fate=Fate.ERASED, exported=("approval",), roles=BARBERS),),
        internal=frozenset({"changes", "is_suspended"}),
    ),
)


class ShopData(PersonalDocuments):
    """The profile of a barber. Its removal reaches the caches of all processes."""

    def __init__(self, database: Database, barbers: BarberService) -> None:
        super().__init__(database, PROFILE)
        self._barbers = barbers

    async def erase(self, person: Person) -> None:
        if person.role in BARBERS:
            await self._barbers.close_shop(person.id)
