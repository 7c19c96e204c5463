"""Declare the personal data of second factors."""

from typing import Final

from grome.factors.repository import COLLECTION
from grome.infrastructure.mongo.personal_documents import Declared, Fate, PersonalCollection, Share

PERSONAL_DATA: Final[tuple[Declared, ...]] = (
    PersonalCollection(
        spec=COLLECTION,
        shares=(Share(owner="_id", fate=Fate.ERASED),),
        # Keys and hashes are secrets, and an export by an API can be stolen.
        internal=frozenset({"version", "pending_totp", "totp", "passkeys", "recovery_codes", "outbox"}),
    ),
)
