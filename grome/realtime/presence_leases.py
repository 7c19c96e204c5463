"""Store the leases of connected accounts in Redis, 16 shards by account, each in one slot of a Redis Cluster."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4
from zlib import crc32

from msgspec import Struct
from redis.asyncio import Redis

from grome.infrastructure.redis.client import Namespace
from grome.infrastructure.redis.scripts import Script

SHARDS: Final = 16
MAX_CONNECTIONS: Final = 10  # of one account, in all processes
_LAST_SEEN_SECONDS: Final = 30 * 86_400
_DEPARTED_BATCH: Final = 100

# Redis's clock decides about all leases, so clocks of processes need not agree.
_NOW: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""

# The sorted set has each account that counts as online, by the time from which it counts as gone. An account's hash has
# its connections by process, as "<connections>:<end of the lease>"; connections of a crashed process end by that time.
_WRITE: Final = (
    _NOW
    + """
local process, lease, grace, limit, kept = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local answer = {}
for i = 1, (#KEYS - 1) / 2 do
    local connections, seen = KEYS[2 * i], KEYS[2 * i + 1]
    local account, held, wanted = ARGV[3 * i + 3], tonumber(ARGV[3 * i + 4]), tonumber(ARGV[3 * i + 5])
    local others, gone = 0, 0
    local fields = redis.call('HGETALL', connections)
    for f = 1, #fields, 2 do
        if fields[f] ~= process then
            local count, ends = string.match(fields[f + 1], '(%d+):(%d+)')
            if tonumber(ends) > now then
                others = others + count
                gone = math.max(gone, tonumber(ends))
            else
                redis.call('HDEL', connections, fields[f])
            end
        end
    end
    local granted = math.max(held, math.min(wanted, limit - others))
    local is_new = redis.call('ZSCORE', KEYS[1], account) == false
    if granted > 0 then
        gone = math.max(gone, now + lease)
        redis.call('HSET', connections, process, string.format('%.0f:%.0f', granted, now + lease))
        redis.call('PEXPIRE', connections, 2 * lease)
    else
        redis.call('HDEL', connections, process)
        if others == 0 then
            gone = now + grace
            redis.call('SET', seen, string.format('%.0f', now), 'EX', kept)
        end
    end
    redis.call('ZADD', KEYS[1], string.format('%.0f', gone), account)
    answer[2 * i - 1], answer[2 * i] = granted, is_new and 1 or 0
end
return answer
"""
)

_LIST_DEPARTED: Final = _NOW + "return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])"

# Only one process removes an account, and that process announces its departure. The lease of a crashed process was
# renewed a whole lease before it ended; a regular departure has stored a later time.
_TAKE_DEPARTED: Final = (
    _NOW
    + """
local lease, kept, answer = tonumber(ARGV[1]), ARGV[2], {}
for i = 2, #KEYS do
    local account = ARGV[i + 1]
    local gone = tonumber(redis.call('ZSCORE', KEYS[1], account) or now + 1)
    answer[i - 1] = 0
    if gone <= now then
        redis.call('ZREM', KEYS[1], account)
        answer[i - 1] = math.max(tonumber(redis.call('GET', KEYS[i]) or '0'), gone - lease)
        redis.call('SET', KEYS[i], string.format('%.0f', answer[i - 1]), 'EX', kept)
    end
end
return answer
"""
)

_HAS_CONNECTION: Final = (
    _NOW
    + """
for _, value in ipairs(redis.call('HVALS', KEYS[1])) do
    if tonumber(string.match(value, ':(%d+)')) > now then
        return 1
    end
end
return 0
"""
)


class PresenceStatus(Struct, frozen=True):
    """Says whether an account counts as online. `last_seen` is None while online, and if it is unknown or hidden."""

    online: bool
    last_seen: datetime | None = None


class LeaseTimes(Struct, frozen=True):
    """The times of presence in seconds."""

    lease_s: float = 45.0
    grace_s: float = 30.0
    sweep_s: float = 5.0


class Connections(Struct, frozen=True):
    """The connections of an account in one process: `held` are admitted already, `wanted` includes new connections."""

    account_id: UUID
    held: int
    wanted: int


class Granted(Struct, frozen=True):
    """The connections that the account has now in the process. `is_new` says that it did not count as online before."""

    connections: int
    is_new: bool = False


class PresenceLeases:
    """Writes and reads the leases of one process. Every method raises RedisError if Redis is unavailable."""

    def __init__(
        self,
        redis: Redis,
        namespace: Namespace,
        times: LeaseTimes = LeaseTimes(),  # noqa: B008 -- frozen
        limit: int = MAX_CONNECTIONS,
    ) -> None:
        self._redis, self._namespace, self._process = redis, namespace, uuid4().hex
        self._lease_ms, self._grace_ms = int(times.lease_s * 1000), int(times.grace_s * 1000)
        self.times, self.limit = times, limit
        self._write = Script(redis, _WRITE)
        self._list_departed = Script(redis, _LIST_DEPARTED)
        self._take_departed = Script(redis, _TAKE_DEPARTED)
        self._has_connection = Script(redis, _HAS_CONNECTION)

    async def write(self, shard: int, accounts: Sequence[Connections]) -> list[Granted]:
        """Renew the leases of accounts of one shard, and return the granted connections of each.

        An account with no connection left counts as gone after the grace time.
        """
        keys = [self._online(shard)]
        arguments: list[str | int] = [self._process, self._lease_ms, self._grace_ms, self.limit, _LAST_SEEN_SECONDS]
        for account in accounts:
            keys += [self._connections(account.account_id), self._last_seen(account.account_id)]
            arguments += [str(account.account_id), account.held, account.wanted]
        found = await self._write(keys, arguments)
        return [Granted(found[at], bool(found[at + 1])) for at in range(0, len(found), 2)]

    async def take_departed(self, shard: int) -> list[tuple[UUID, datetime]]:
        """Remove accounts that count as gone, and return each with the time at which it was last seen.

        Of several processes that call this, one gets an account.
        """
        listed = await self._list_departed([self._online(shard)], [_DEPARTED_BATCH])
        if not listed:
            return []
        accounts = [UUID(member.decode()) for member in listed]
        keys = [self._online(shard), *map(self._last_seen, accounts)]
        seen = await self._take_departed(keys, [self._lease_ms, _LAST_SEEN_SECONDS, *map(str, accounts)])
        return [(account, _moment(at)) for account, at in zip(accounts, seen, strict=True) if at]

    async def has_connection(self, account_id: UUID) -> bool:
        """Return whether a process holds a lease for the account now."""
        return bool(await self._has_connection([self._connections(account_id)]))

    async def find_statuses(self, account_ids: Collection[UUID]) -> dict[UUID, PresenceStatus]:
        """Return the status of each account, with `last_seen` also of accounts that hide it."""
        by_shard: defaultdict[int, list[UUID]] = defaultdict(list)
        for account_id in account_ids:
            by_shard[shard_of(account_id)].append(account_id)
        statuses = {}
        for shard, accounts in by_shard.items():
            pipeline = self._redis.pipeline(transaction=False)
            pipeline.zmscore(self._online(shard), list(map(str, accounts)))
            pipeline.mget(list(map(self._last_seen, accounts)))
            online, seen = await pipeline.execute()
            for account_id, gone, at in zip(accounts, online, seen, strict=True):
                is_online = gone is not None
                statuses[account_id] = PresenceStatus(is_online, None if is_online or not at else _moment(int(at)))
        return statuses

    def _online(self, shard: int) -> str:
        return self._namespace.key(f"{{live:{shard}}}:presence")

    def _connections(self, account_id: UUID) -> str:
        return self._namespace.key(f"{{live:{shard_of(account_id)}}}:connections:{account_id}")

    def _last_seen(self, account_id: UUID) -> str:
        return self._namespace.key(f"{{live:{shard_of(account_id)}}}:last_seen:{account_id}")


def shard_of(account_id: UUID) -> int:
    return crc32(account_id.bytes) % SHARDS


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
