"""Presence of accounts over all processes, and the limit of live connections per account."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from loguru import logger
from redis.exceptions import RedisError

from grome.accounts.preferences import PreferenceService
from grome.infrastructure.cancellation import cancel_until_done, raise_if_cancelled
from grome.realtime.presence_leases import SHARDS, Connections, Granted, PresenceLeases, PresenceStatus, shard_of

_RENEWALS_PER_LEASE: Final = 3
_ACCOUNTS_PER_COMMAND: Final = 200
_RETRY_S: Final = 0.5

_Waiting = Mapping[UUID, Sequence[asyncio.Future[bool]]]


class PresenceListener(Protocol):
    """Hears of accounts that come online or leave. Called once for each change, by one of all processes."""

    def came_online(self, account_id: UUID) -> None: ...

    def left(self, account_id: UUID, last_seen: datetime) -> None: ...


class Presence:
    """Counts the live connections of accounts in this process, and holds a lease in Redis for each account.

    An account is online from its first connection until 30 seconds after its last connection ended. The leases of a
    process that crashes end after 45 seconds. One task writes to Redis: it joins all changes of a moment, so that a
    thousand clients that reconnect at once need few commands.
    """

    def __init__(self, leases: PresenceLeases, preferences: PreferenceService, listener: PresenceListener) -> None:
        self._leases, self._preferences, self._listener = leases, preferences, listener
        self._held: dict[UUID, int] = {}
        self._waiting: dict[UUID, list[asyncio.Future[bool]]] = {}
        self._changed: set[UUID] = set()
        self._wake = asyncio.Event()
        self._suspended_until = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Start to write leases and to announce departures."""
        loops = (self._write_leases, self._announce_departures)
        self._tasks = {asyncio.create_task(_run_again(loop)) for loop in loops}

    async def close(self) -> None:
        """End the leases of this process; other processes announce the departures."""
        await cancel_until_done(self._tasks)
        for shard, accounts in _batches(self._held.keys() | self._changed):
            if await self._try_write(shard, [Connections(account, 0, 0) for account in accounts]) is None:
                return

    async def connected(self, account_id: UUID) -> bool:
        """Count a new connection, and return True.

        Returns False, and counts nothing, if the account has 10 connections in all processes already. Without Redis
        only connections of this process are counted.
        """
        admitted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(account_id, []).append(admitted)
        self._wake.set()
        try:
            return await admitted
        except asyncio.CancelledError:
            if admitted.done() and not admitted.cancelled() and admitted.result():
                self.disconnected(account_id)
            raise

    def disconnected(self, account_id: UUID) -> None:
        """Count the end of a connection for which `connected` returned True."""
        left = self._held[account_id] - 1
        if left:
            self._held[account_id] = left
        else:
            del self._held[account_id]
        self._changed.add(account_id)
        self._wake.set()

    async def is_online(self, account_id: UUID) -> bool:
        """Return whether the account has a live connection now, in any process. Raises RedisError."""
        return account_id in self._held or await self._leases.has_connection(account_id)

    async def statuses(self, account_ids: Collection[UUID]) -> dict[UUID, PresenceStatus]:
        """Return the status of each account, as it was announced. Raises transient faults of MongoDB and Redis."""
        statuses = await self._leases.find_statuses(account_ids)
        hiding = await self._preferences.find_hiding_last_seen(
            [account_id for account_id, status in statuses.items() if status.last_seen]
        )
        return statuses | {account_id: PresenceStatus(online=False) for account_id in hiding}

    async def _write_leases(self) -> None:
        """Write changes at once, and renew all leases three times during the life of a lease."""
        loop = asyncio.get_running_loop()
        interval = self._leases.times.lease_s / _RENEWALS_PER_LEASE
        renewal = loop.time() + interval * random.random()  # noqa: S311 -- spreads the processes
        while True:
            raise_if_cancelled()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(renewal):
                    await self._wake.wait()
            self._wake.clear()
            if loop.time() >= renewal:
                renewal = loop.time() + interval
                self._changed.update(self._held)
            await self._write_changes()

    async def _write_changes(self) -> None:
        waiting, self._waiting = self._waiting, {}
        changed, self._changed = self._changed | waiting.keys(), set()
        is_available = True
        for shard, accounts in _batches(changed):
            wanted = [self._connections_of(account, waiting) for account in accounts]
            granted = await self._try_write(shard, wanted) if is_available else None
            if granted is None:
                is_available = False
                self._changed.update(accounts)  # written with the next change or renewal
                granted = [Granted(max(asked.held, min(asked.wanted, self._leases.limit))) for asked in wanted]
            for asked, given in zip(wanted, granted, strict=True):
                self._admit(asked, given, waiting.get(asked.account_id, ()))

    async def _try_write(self, shard: int, accounts: Sequence[Connections]) -> list[Granted] | None:
        """Return None if Redis is unavailable. Leases of living processes may then end; they get time to renew them."""
        try:
            return await self._leases.write(shard, accounts)
        except RedisError as error:
            self._suspended_until = asyncio.get_running_loop().time() + self._leases.times.lease_s
            logger.warning("Leases of presence cannot be written for a moment: {!r}", error)
            return None

    def _connections_of(self, account_id: UUID, waiting: _Waiting) -> Connections:
        held = self._held.get(account_id, 0)
        return Connections(account_id, held, held + len(waiting.get(account_id, ())))

    def _admit(self, asked: Connections, given: Granted, waiting: Sequence[asyncio.Future[bool]]) -> None:
        free = given.connections - asked.held
        admitted = 0
        for connection in waiting:
            if connection.done():  # cancelled, because its client has gone: the lease counts it until the next write
                self._changed.add(asked.account_id)
                self._wake.set()
            else:
                connection.set_result(admitted < free)
                admitted += admitted < free
        if admitted:
            self._held[asked.account_id] = self._held.get(asked.account_id, 0) + admitted
        if given.is_new and given.connections:
            self._listener.came_online(asked.account_id)

    async def _announce_departures(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            raise_if_cancelled()
            await asyncio.sleep(self._leases.times.sweep_s * random.uniform(0.5, 1))  # noqa: S311 -- spreads processes
            if loop.time() < self._suspended_until:
                continue
            for shard in range(SHARDS):
                for account_id, last_seen in await self._leases.take_departed(shard):
                    self._listener.left(account_id, last_seen)


async def _run_again(loop: Callable[[], Awaitable[None]]) -> None:
    """Run an endless loop again after an error."""
    while True:
        try:
            await loop()
        except RedisError as error:
            logger.warning("Presence waits for Redis: {!r}", error)
        # Nothing waits for the task: if it ended, this process would lose its leases.
        except Exception:  # noqa: BLE001 -- logged with its traceback
            logger.exception("Presence failed, and goes on")
        await asyncio.sleep(_RETRY_S)


def _batches(accounts: Collection[UUID]) -> Iterator[tuple[int, list[UUID]]]:
    """Yield the accounts of each shard, in batches."""
    by_shard: defaultdict[int, list[UUID]] = defaultdict(list)
    for account_id in accounts:
        by_shard[shard_of(account_id)].append(account_id)
    for shard, members in by_shard.items():
        for at in range(0, len(members), _ACCOUNTS_PER_COMMAND):
            yield shard, members[at : at + _ACCOUNTS_PER_COMMAND]
