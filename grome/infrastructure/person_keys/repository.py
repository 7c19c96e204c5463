"""Store the keys of persons in MongoDB."""

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime
from uuid import UUID

from grome.infrastructure.mongo.client import (
    CollectionSpec,
    Database,
    from_document,
    insert_missing,
    to_document,
)
from grome.infrastructure.mongo.schema import validator_for
from grome.infrastructure.person_keys.models import StoredKey

COLLECTION = CollectionSpec("person_keys", validator_for(StoredKey), [])


class PersonKeyRepository:
    def __init__(self, database: Database) -> None:
        self._keys = database[COLLECTION.name]

    async def find_many(self, person_ids: Collection[UUID]) -> list[StoredKey]:
        found = self._keys.find({"_id": {"$in": list(person_ids)}})
        return [from_document(document, StoredKey) async for document in found]

    async def add_missing(self, keys: Sequence[StoredKey]) -> int:
        """Store the keys of persons without a key; existing and destroyed keys stay. Returns the number of new keys."""
        return await insert_missing(self._keys, [to_document(key) for key in keys])

    async def destroy(self, person_id: UUID, now: datetime) -> None:
        """Remove the key, or see to it that none will be created."""
        await self._keys.update_one(
            {"_id": person_id},
            {"$set": {"sealed": None, "destroyed_at": now}, "$setOnInsert": {"created_at": now}},
            upsert=True,
        )

    async def iter_all(self) -> AsyncIterator[StoredKey]:
        """Yield the keys that were not destroyed."""
        async for document in self._keys.find({"sealed": {"$ne": None}}):
            yield from_document(document, StoredKey)

    async def replace_sealed(self, key: StoredKey, sealed: bytes) -> None:
        """Replace a sealed key by the same key sealed anew, unless it was destroyed meanwhile."""
        await self._keys.update_one({"_id": key.id, "sealed": key.sealed}, {"$set": {"sealed": sealed}})
