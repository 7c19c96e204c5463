"""Keys of months, by which addresses in the audit trail are erased after a time.

Pattern: an address is sealed under the key of the month of its event, and then under the key of its person. Removing
the key of a month erases the addresses of the month in every record, and the records stay as they are.

Concurrency: the first of several concurrent processes creates a key. A process keeps keys for sealing in memory.

Invariants: an address is opened only within its time, also while its key still exists. A key that was
removed for its age is not created again.
"""

import os
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from grome.audit.models import StoredAddressKey
from grome.audit.repository import AddressKeyRepository
from grome.common.clock import Clock
from grome.infrastructure.secret_keys import KEY_BYTES, Sealer
from grome.infrastructure.value_keys import ValueKey

AddressKeyring = Mapping[str, ValueKey]


def month_of(moment: datetime) -> str:
    return f"{moment:%Y-%m}"


class AddressKeys:
    """Holds a key for each month of the last `kept_days` days. `sealer` seals the keys for the database."""

    def __init__(self, keys: AddressKeyRepository, sealer: Sealer, kept_days: int, clock: Clock) -> None:
        self._keys, self._sealer = keys, sealer
        self._kept, self._clock = timedelta(days=kept_days), clock
        self._cache: dict[str, ValueKey] = {}

    def is_expired(self, at: datetime) -> bool:
        """Return whether an event is so old that its address must not be shown."""
        return at < self._clock() - self._kept

    async def get_or_create(self, moments: Collection[datetime]) -> AddressKeyring:
        """Return keys to seal with, by month; months of expired moments are left out."""
        months = {month_of(moment) for moment in moments if not self.is_expired(moment)}
        if unknown := months - self._cache.keys():
            new = [self._new_key(month) for month in unknown - await self._stored_months(unknown)]
            await self._keys.add_missing(new)
            self._forget_expired()
            self._cache |= self._opened(await self._keys.find_many(unknown))
        return {month: self._cache[month] for month in months & self._cache.keys()}

    async def find(self, moments: Collection[datetime]) -> AddressKeyring:
        """Return keys to open with, by month, as stored now."""
        months = {month_of(moment) for moment in moments if not self.is_expired(moment)}
        return self._opened(await self._keys.find_many(months)) if months else {}

    async def destroy_expired(self) -> int:
        """Remove the keys of months that are expired to their last moment; returns their number."""
        self._forget_expired()
        return await self._keys.remove_before(self._oldest_month())

    async def reseal(self) -> int:
        """Seal keys anew that are not sealed by the current secrets key; returns their number.

        Afterwards the former secrets key can be removed.
        """
        count = 0
        for key in await self._keys.list_all():
            sealed = self._sealer.reseal(key.sealed, key.month.encode())
            if sealed != key.sealed:
                await self._keys.replace_sealed(key, sealed)
                count += 1
        return count

    def _forget_expired(self) -> None:
        oldest = self._oldest_month()
        self._cache = {month: key for month, key in self._cache.items() if month >= oldest}

    def _oldest_month(self) -> str:
        return month_of(self._clock() - self._kept)

    async def _stored_months(self, months: Collection[str]) -> set[str]:
        return {key.month for key in await self._keys.find_many(months)}

    def _new_key(self, month: str) -> StoredAddressKey:
        sealed = self._sealer.seal(os.urandom(KEY_BYTES), month.encode())
        return StoredAddressKey(month=month, sealed=sealed, created_at=self._clock())

    def _opened(self, stored: Collection[StoredAddressKey]) -> dict[str, ValueKey]:
        return {
            key.month: ValueKey(raw)
            for key in stored
            if (raw := self._sealer.open(key.sealed, key.month.encode())) is not None
        }
