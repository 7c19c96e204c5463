"""Declare the personal data of messages that were sent."""

from typing import Final

from grome.infrastructure.mongo.personal_documents import (
    Declared,
    Fate,
    PersonalCollection,
    Share,
    UnownedCollection,
)
from grome.notifications.repository import BOUNCES, DEDUPE_CLAIMS, LOG, PUSH_DEVICES, REMINDER_MARKS

PERSONAL_DATA: Final[tuple[Declared, ...]] = (
    PersonalCollection(
        spec=LOG,
        shares=(
            Share(
                owner="user_id",
                fate=Fate.ERASED,
                exported=("_id", "kind", "channel", "subject_id", "state", "why", "at"),
            ),
        ),
        internal=frozenset({"event_id", "provider_id", "reached"}),
    ),
    PersonalCollection(
        spec=PUSH_DEVICES,
        shares=(Share(owner="user_id", fate=Fate.ERASED, exported=("device_id", "registered_at")),),
        internal=frozenset({"_id", "token"}),
    ),
    UnownedCollection(BOUNCES, "Addresses that refused a message, deleted after 7 days."),
    UnownedCollection(DEDUPE_CLAIMS, "Ids of messages and readers, deleted after minutes or hours."),
    UnownedCollection(REMINDER_MARKS, "The position of a loop."),
)
