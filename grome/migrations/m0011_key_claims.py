"""Add claims on the Idempotency-Keys of bookings, and the end of the lease to bookings."""

from grome.bookings.key_claims.repository import COLLECTION as KEY_CLAIMS
from grome.bookings.repository import COLLECTION as BOOKINGS
from grome.infrastructure.mongo.client import Database, apply_collection


async def up(database: Database) -> None:
    for spec in (BOOKINGS, KEY_CLAIMS):
        await apply_collection(database, spec)
