"""Declare the personal data of verifications. Their documents are uploads, which are erased with these."""

from typing import Final

from grome.common.actor import BARBERS
from grome.infrastructure.mongo.personal_documents import Declared, Fate, PersonalCollection, Share
from grome.verification.repository import COLLECTION

PERSONAL_DATA: Final[tuple[Declared, ...]] = (
    PersonalCollection(
        spec=COLLECTION,
        shares=(
            Share(
                owner="_id",
                fate=Fate.ERASED,
                exported=("state", "id_doc", "certificates", "notes", "submitted_at", "decided_at"),
                roles=BARBERS,
            ),
        ),
        # The history has the ids of admins.
        internal=frozenset({"history", "tidy_at", "version"}),
    ),
)
