"""Store claims on Idempotency-Keys in MongoDB."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError

from grome.bookings.key_claims.errors import KeyAlreadyClaimed
from grome.bookings.key_claims.models import KeyClaim
from grome.infrastructure.mongo.client import (
    CollectionSpec,
    Database,
    DriverError,
    from_document,
    insert_each,
    to_document,
)
from grome.infrastructure.mongo.schema import validator_for

_RETENTION: Final = timedelta(days=30)
COLLECTION: Final = CollectionSpec(
    "booking_keys",
    validator_for(KeyClaim),
    [IndexModel("leased_until", name="kept", expireAfterSeconds=int(_RETENTION.total_seconds()))],
)


class KeyClaimRepository:
    def __init__(self, database: Database) -> None:
        self._claims = database[COLLECTION.name]

    async def insert(self, claim: KeyClaim) -> None:
        """Insert the claim. Raises KeyAlreadyClaimed."""
        try:
            await self._claims.insert_one(to_document(claim))
        except DuplicateKeyError:
            raise KeyAlreadyClaimed from None

    async def insert_many(self, claims: Sequence[KeyClaim]) -> list[KeyAlreadyClaimed | DriverError | None]:
        """Insert the claims, and return None for each stored claim, else the error that `insert` would raise."""
        return await insert_each(self._claims, [to_document(claim) for claim in claims], _duplicate_error)

    async def find(self, claim_id: bytes) -> KeyClaim | None:
        document = await self._claims.find_one({"_id": claim_id})
        return from_document(document, KeyClaim) if document else None

    async def replace(self, old: KeyClaim, new: KeyClaim) -> bool:
        """Replace the claim if its lease is still the old one; return whether it was replaced."""
        replaced = await self._claims.replace_one(_unchanged(old), to_document(new))
        return bool(replaced.matched_count)

    async def delete(self, claim: KeyClaim) -> None:
        """Delete the claim, unless another request has taken it over."""
        await self._claims.delete_one(_unchanged(claim))


def _unchanged(claim: KeyClaim) -> dict[str, Any]:
    return {"_id": claim.id, "leased_until": claim.leased_until}


def _duplicate_error(_: Mapping[str, Any]) -> KeyAlreadyClaimed:
    return KeyAlreadyClaimed()
