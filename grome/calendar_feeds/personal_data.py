"""Declare the personal data of calendar feeds."""

from typing import Final

from grome.calendar_feeds.repository import COLLECTION, PUBLISHED
from grome.infrastructure.mongo.personal_documents import Declared, Fate, PersonalCollection, Share

PERSONAL_DATA: Final[tuple[Declared, ...]] = (
    PersonalCollection(
        spec=COLLECTION,
        shares=(
            Share(
                owner="_id",
                fate=Fate.ANONYMISED,
                exported=("is_on", "changed_at"),
                cleared={"is_on": False},
                reason="A switched-off mark stays, so that old addresses of the calendar never work again.",
            ),
        ),
        internal=frozenset({"generation"}),
    ),
    PersonalCollection(
        spec=PUBLISHED,
        shares=(Share(owner="_id", fate=Fate.ERASED),),
        internal=frozenset({"version", "events"}),
    ),
)
