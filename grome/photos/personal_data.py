"""Declare the personal data of portfolios. Their files are uploads, which are erased with these."""

from typing import Final

from grome.common.actor import BARBERS
from grome.infrastructure.mongo.personal_documents import Declared, Fate, PersonalCollection, Share
from grome.photos.repository import COLLECTION

PERSONAL_DATA: Final[tuple[Declared, ...]] = (
    PersonalCollection(
        spec=COLLECTION,
        shares=(Share(owner="_id", fate=Fate.ERASED, exported=("picture", "photos", "updated_at"), roles=BARBERS),),
        internal=frozenset({"removed", "tidy_at", "version"}),
    ),
)
