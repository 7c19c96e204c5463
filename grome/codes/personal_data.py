"""Declare the personal data of codes."""

from typing import Final

from grome.codes.repository import COLLECTION
from grome.infrastructure.mongo.personal_documents import Declared, Fate, PersonalCollection, Share

PERSONAL_DATA: Final[tuple[Declared, ...]] = (
    PersonalCollection(
        spec=COLLECTION,
        shares=(Share(owner="user_id", fate=Fate.ERASED, exported=("purpose", "address", "created_at", "used_at")),),
        internal=frozenset({"_id", "code_id", "kind", "tries", "expires_at", "outbox"}),
    ),
)
