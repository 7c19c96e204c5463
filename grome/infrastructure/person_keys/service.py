"""Create, use and destroy the keys of persons."""

import os
from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

from grome.common.clock import Clock
from grome.infrastructure.person_keys.models import StoredKey
from grome.infrastructure.person_keys.repository import PersonKeyRepository
from grome.infrastructure.secret_keys import KEY_BYTES, Sealer
from grome.infrastructure.value_keys import ValueKey

_MAX_CACHED: Final = 20_000


class PersonKeys:
    """Holds a key for each person. `sealer` seals the keys for the database."""

    def __init__(self, keys: PersonKeyRepository, sealer: Sealer, clock: Clock) -> None:
        self._keys, self._sealer, self._clock = keys, sealer, clock
        self._cache: dict[UUID, ValueKey] = {}

    async def get_or_create(self, person_ids: Collection[UUID]) -> dict[UUID, ValueKey]:
        """Return keys to seal with; a person with a destroyed key is left out."""
        known = {person_id: self._cache[person_id] for person_id in person_ids if person_id in self._cache}
        if unknown := set(person_ids) - known.keys():
            known |= self._remember(await self._find_or_create(unknown))
        return known

    async def find(self, person_ids: Collection[UUID]) -> Mapping[UUID, ValueKey]:
        """Return keys to open with, as stored now. A person without a key, or with a destroyed key, is left out."""
        return self._opened(await self._keys.find_many(person_ids)) if person_ids else {}

    async def destroy(self, person_id: UUID) -> None:
        """Make all values under the key of a person unreadable for good, and later values unstorable."""
        self._cache.pop(person_id, None)
        await self._keys.destroy(person_id, self._clock())

    async def reseal(self) -> int:
        """Seal keys anew that are not sealed by the current secrets key; returns their number.

        Afterwards the former secrets key can be removed.
        """
        count = 0
        async for key in self._keys.iter_all():
            sealed = self._sealer.reseal(key.sealed, key.id.bytes) if key.sealed else None
            if sealed and sealed != key.sealed:
                await self._keys.replace_sealed(key, sealed)
                count += 1
        return count

    async def _find_or_create(self, person_ids: set[UUID]) -> dict[UUID, ValueKey]:
        found = await self._keys.find_many(person_ids)
        if missing := person_ids - {key.id for key in found}:
            new = [self._new_key(person_id) for person_id in missing]
            all_added = await self._keys.add_missing(new) == len(new)
            found += new if all_added else await self._keys.find_many(missing)  # another process came first
        return self._opened(found)

    def _new_key(self, person_id: UUID) -> StoredKey:
        sealed = self._sealer.seal(os.urandom(KEY_BYTES), person_id.bytes)
        return StoredKey(id=person_id, sealed=sealed, created_at=self._clock())

    def _opened(self, stored: Collection[StoredKey]) -> dict[UUID, ValueKey]:
        return {
            key.id: ValueKey(raw)
            for key in stored
            if key.sealed and (raw := self._sealer.open(key.sealed, key.id.bytes)) is not None
        }

    def _remember(self, keys: dict[UUID, ValueKey]) -> dict[UUID, ValueKey]:
        if len(self._cache) + len(keys) > _MAX_CACHED:
            self._cache.clear()
        self._cache |= keys
        return keys
