"""Declare the personal data of webhook endpoints and deliveries."""

from typing import Final

from grome.common.actor import BARBERS
from grome.infrastructure.mongo.personal_documents import (
    Declared,
    Fate,
    PersonalCollection,
    Share,
    UnownedCollection,
)
from grome.webhooks.repository import DELIVERIES, ENDPOINTS

PERSONAL_DATA: Final[tuple[Declared, ...]] = (
    PersonalCollection(
        spec=ENDPOINTS,
        shares=(
            Share(
                owner="owner_id",
                fate=Fate.ERASED,
                exported=("_id", "url", "types", "description", "disabled", "created_at"),
                roles=BARBERS,
            ),
        ),
        internal=frozenset(
            {"slot", "failing_since", "failures", "warned_at", "slow", "paused_until", "in_flight", "secrets"}
        ),
    ),
    UnownedCollection(DELIVERIES, "Bodies that were sent to endpoints, deleted after 30 days."),
)
