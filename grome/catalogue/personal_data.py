"""Declare that the catalogue has no personal data."""

from typing import Final

from grome.catalogue.repository import COLLECTION
from grome.infrastructure.mongo.personal_documents import Declared, UnownedCollection

PERSONAL_DATA: Final[tuple[Declared, ...]] = (
    UnownedCollection(COLLECTION, "The catalogue of services is written by admins about no person."),
)
