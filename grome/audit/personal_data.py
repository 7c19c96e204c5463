"""Declare the personal data of the audit trail."""

from typing import Final

from grome.audit.repository import ADDRESS_KEYS, COLLECTION, HEADS
from grome.infrastructure.mongo.personal_documents import Declared, Fate, PersonalCollection, Share, UnownedCollection

PERSONAL_DATA: Final[tuple[Declared, ...]] = (
    PersonalCollection(
        spec=COLLECTION,
        shares=(
            Share(
                owner="actor_id",
                fate=Fate.KEPT,
                exported=("_id", "type", "subject_id", "at", "money"),
                reason="Records of actions stay under ids, as the proof of changes of bookings, money and accounts.",
            ),
        ),
        internal=frozenset(
            {
                *("version", "people", "reason", "kept_before", "kept_after"),
                *("origin", "changes", "sealed", "recorded_at", "mac", "seq", "prev_hash", "hash"),
            }
        ),
    ),
    UnownedCollection(ADDRESS_KEYS, "Keys of months, destroyed when the addresses of the month are kept long enough."),
    UnownedCollection(HEADS, "Hashes and signatures."),
)
