"""Presence of accounts over all processes, by leases in Redis, and the limit of live connections per account."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from msgspec import Struct


class PresenceStatus(Struct, frozen=True):
    """Says whether an account counts as online. `last_seen` is None while online, or by the user's preference."""

    online: bool
    last_seen: datetime | None = None


class Presence:
    """Counts the live connections of accounts in this process, and holds a lease in Redis for each account.

    An account is online from its first connection until 30 seconds after its last connection ended. The leases of a
    process that crashes end after 45 seconds.
    """

    def start(self) -> None:
        """Start to renew the leases of this process and to announce departures."""

    async def close(self) -> None:
        """End the leases of this process."""

    async def connected(self, account_id: UUID) -> bool:
        """Count a new connection, and return True.

        Returns False, and counts nothing, if the account has 10 connections in all processes already. Without Redis
        only connections of this process are counted.
        """
        raise NotImplementedError

    def disconnected(self, account_id: UUID) -> None:
        """Count the end of a connection for which `connected` returned True."""
        raise NotImplementedError

    async def is_online(self, account_id: UUID) -> bool:
        """Return whether the account has a live connection now, in any process; False if Redis is unavailable."""
        raise NotImplementedError

    async def statuses(self, account_ids: Collection[UUID]) -> dict[UUID, PresenceStatus]:
        """Return the status of each account, as it was announced."""
        raise NotImplementedError
