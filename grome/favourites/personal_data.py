"""Declare the personal data of favourites."""

from typing import Final

from grome.common.actor import CUSTOMERS
from grome.favourites.repository import COLLECTION
from grome.infrastructure.mongo.personal_documents import Declared, Fate, PersonalCollection, Share

PERSONAL_DATA: Final[tuple[Declared, ...]] = (
    PersonalCollection(
        spec=COLLECTION,
        shares=(Share(owner="customer_id", fate=Fate.ERASED, exported=("barber_id", "created_at"), roles=CUSTOMERS),),
        internal=frozenset({"_id", "slot"}),
    ),
)
