"""Declare that claims on Idempotency-Keys have no personal data."""

from typing import Final

from grome.bookings.key_claims.repository import COLLECTION
from grome.infrastructure.mongo.personal_documents import Declared, UnownedCollection

PERSONAL_DATA: Final[tuple[Declared, ...]] = (
    UnownedCollection(
        COLLECTION, "Hashes of a customer with a key, and of a request; they name nobody and expire after 30 days."
    ),
)
