"""Read the bus of all shards, in order and without gaps, or say that the position was lost."""

import asyncio
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from loguru import logger
from redis.asyncio import Redis

from grome.infrastructure.cancellation import cancel_until_done, raise_if_cancelled
from grome.infrastructure.figures import count
from grome.infrastructure.isolated_items import report_failure
from grome.infrastructure.redis.client import TRANSIENT_FAULTS, Namespace
from grome.infrastructure.redis.cluster import ClusterRedis
from grome.infrastructure.redis.scripts import Script
from grome.realtime.delivery import EVENT, Delivery
from grome.realtime.models import START, Offset, format_offset, parse_entry_id
from grome.realtime.shards import SHARDS, bus_key, state_key
from grome.realtime.streams import EPOCH_BYTES, MAX_BUS_ENTRIES

_CHECK_S: Final = 1.0
_RETRY_S: Final = 0.25
_ENTRIES_PER_READ: Final = 500  # of each shard
_MAX_START_S: Final = 2.0

# Returns the time, and for each shard the epoch, the number of its entries so far, and the id of the last entry.
#
# Begins a new epoch if data were lost: the bus or the epoch is gone; the server has another run id, so it restarted, or
# a replica took over, and the latest writes may be lost; or the reader has read further than the bus goes. The
# entry that begins it tells all other readers.
_CHECK: Final = """
local run = string.sub(string.match(redis.call('INFO', 'server'), 'run_id:(%x+)'), 1, 8)
local found = {redis.call('TIME')}
for shard = 1, #KEYS / 2 do
    local bus, state = KEYS[2 * shard - 1], KEYS[2 * shard]
    local known, read, is_broken = unpack(ARGV, 3 * shard, 3 * shard + 2)
    local epoch = redis.call('HGET', state, 'epoch')
    local seq = tonumber(redis.call('HGET', state, 'seq') or '0')
    local last
    local lost = not epoch or redis.call('EXISTS', bus) == 0 or string.sub(epoch, -8) ~= run
    if not lost and epoch == known then
        lost = is_broken == '1' or tonumber(read) > seq
    end
    if lost then
        epoch = ARGV[1] .. run
        seq = redis.call('HINCRBY', state, 'seq', 1)
        redis.call('HSET', state, 'epoch', epoch)
        last = redis.call('XADD', bus, 'MAXLEN', '~', ARGV[2], '*', 'e', epoch, 's', seq)
    else
        local info = redis.call('XINFO', 'STREAM', bus)
        for field = 1, #info, 2 do
            if info[field] == 'last-generated-id' then last = info[field + 1] end
        end
    end
    found[shard + 1] = {epoch, seq, last}
end
return found
"""


class BusListener(Protocol):
    """Gets the entries of the bus, each shard's in their order; the next entry waits until the call returns."""

    async def deliver(self, shard: int, delivery: Delivery) -> None:
        """Deliver an event or an ephemeral frame."""

    async def reset(self, shard: int, epoch: str, offset: Offset) -> None:
        """Forget the shard: entries up to `offset` may have been missed."""

    def pass_time(self, now_ms: int) -> None:
        """Take the time by the clock of Redis, about once a second."""


class Shard:
    """The position of this process in the bus of a shard.

    `begun` is the offset up to which everything was read and handed to the listener, and `delivered` the offset up to
    which the listener was done with it. Without events both follow the clock of Redis.
    """

    __slots__ = ("begun", "bus", "delivered", "epoch", "is_broken", "last_id", "number", "seq", "state")

    def __init__(self, number: int, namespace: Namespace) -> None:
        self.number = number
        self.bus, self.state = bus_key(namespace, number), state_key(namespace, number)
        # Empty until the bus was read for the first time.
        self.epoch = ""
        self.seq = 0
        self.last_id = self.begun = self.delivered = START
        # Whether an entry had an id that cannot follow: the next check begins a new epoch.
        self.is_broken = False

    def begin(self, epoch: str, seq: int, offset: Offset) -> None:
        """Go on after another entry than the last one that was read."""
        self.epoch, self.seq, self.is_broken = epoch, seq, False
        self.last_id = self.begun = offset

    def pass_time(self, now_ms: int) -> None:
        """Move on, since the bus had nothing after the last entry at that time; more can come in its millisecond."""
        self.begun = self.delivered = max(self.begun, (now_ms - 1, 0))


class BusReader:
    """Reads the bus for this process. One command reads all shards of a single server, and one each of a cluster.

    Every entry has the epoch and the next number of its shard. So an entry that does not follow the last one shows that
    the bus was emptied, restored, or trimmed further than this process had read. Then, and after each loss that a check
    finds, the listener has to reset the shard. While Redis is unavailable positions stand still.
    """

    def __init__(self, redis: Redis, namespace: Namespace) -> None:
        self._redis = redis
        self._check = Script(redis, _CHECK)
        self.shards = [Shard(number, namespace) for number in range(SHARDS)]
        self._is_known = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        # The first shard of each task that has no connection.
        self._unavailable: set[int] = set()
        # By how much the clock of Redis is ahead of this process's monotonic clock.
        self._ahead_ms = 0.0

    def start(self, listener: BusListener) -> None:
        groups = [[shard] for shard in self.shards] if isinstance(self._redis, ClusterRedis) else [self.shards]
        self._tasks = {asyncio.create_task(self._follow(group, listener), name="live bus") for group in groups}

    async def close(self) -> None:
        await cancel_until_done(self._tasks)

    async def wait_until_known(self) -> None:
        """Wait until the epochs are known: a moment after the start, or until Redis is available, but not for long."""
        if not self._is_known.is_set():
            try:
                async with asyncio.timeout(_MAX_START_S):
                    await self._is_known.wait()
            except TimeoutError:
                return

    async def _follow(self, shards: Sequence[Shard], listener: BusListener) -> None:
        while True:
            raise_if_cancelled()
            try:
                await self._check_loss(shards, listener)
                await self._read_for_a_while(shards, listener)
            # If this task ended, no client of the process would get another event.
            except Exception as error:  # noqa: BLE001 -- logged, with its traceback unless it is transient
                self._report_unavailable(shards[0].number, error)
                await asyncio.sleep(_RETRY_S)

    def _report_unavailable(self, group: int, error: Exception) -> None:
        is_first = not self._unavailable
        self._unavailable.add(group)
        if is_first:
            bug = None if isinstance(error, TRANSIENT_FAULTS) else error
            logger.opt(exception=bug).warning("live rooms stand still until Redis can be read again: {!r}", error)

    async def _check_loss(self, shards: Sequence[Shard], listener: BusListener) -> None:
        keys = [key for shard in shards for key in (shard.bus, shard.state)]
        known = [value for shard in shards for value in (shard.epoch, shard.seq, int(shard.is_broken))]
        (seconds, microseconds), *found = await self._check(
            keys, [secrets.token_hex(EPOCH_BYTES), MAX_BUS_ENTRIES, *known]
        )
        now_ms = 1_000 * int(seconds) + int(microseconds) // 1_000
        self._ahead_ms = now_ms - 1_000 * time.monotonic()
        for shard, (epoch, seq, last_id) in zip(shards, found, strict=True):
            if epoch.decode() != shard.epoch:
                await self._reset(shard, listener, epoch.decode(), seq, parse_entry_id(last_id))
            elif seq == shard.seq:
                shard.pass_time(now_ms)
        listener.pass_time(now_ms)
        self._unavailable.discard(shards[0].number)
        if all(shard.epoch for shard in self.shards):
            self._is_known.set()

    async def _read_for_a_while(self, shards: Sequence[Shard], listener: BusListener) -> None:
        by_bus = {shard.bus.encode(): shard for shard in shards}
        ends = time.monotonic() + _CHECK_S
        while (left_s := ends - time.monotonic()) > 0:
            raise_if_cancelled()
            found = await self._redis.xread(
                {shard.bus: format_offset(shard.last_id) for shard in shards},
                count=_ENTRIES_PER_READ,
                block=max(1, int(1_000 * left_s)),
            )
            for bus, entries in found:
                for entry_id, fields in entries:
                    await self._take(by_bus[bus], parse_entry_id(entry_id), fields, listener)

    async def _take(self, shard: Shard, offset: Offset, fields: Mapping[bytes, bytes], listener: BusListener) -> None:
        """Deliver an entry; an entry that fails is passed over."""
        if offset <= shard.last_id:
            return
        shard.last_id = offset
        try:
            await self._handle(shard, offset, fields, listener)
        # Any error: the entries after it are delivered all the same.
        except Exception as error:  # noqa: BLE001
            report_failure("live bus", {"_id": format_offset(offset)}, error)

    async def _handle(self, shard: Shard, offset: Offset, fields: Mapping[bytes, bytes], listener: BusListener) -> None:
        epoch, seq = fields[b"e"].decode(), int(fields[b"s"])
        if epoch != shard.epoch or seq != shard.seq + 1 or offset <= shard.begun:
            # The clock of Redis went backwards if the numbers follow: positions that were given out are void.
            is_broken = epoch == shard.epoch and offset <= shard.begun
            await self._reset(shard, listener, epoch, seq, offset)
            shard.is_broken = is_broken
            return
        shard.seq, shard.begun = seq, offset
        try:
            if b"r" in fields:
                await listener.deliver(shard.number, _delivery(offset, fields))
                count("live_bus_entries")
                count("live_bus_lag_ms", by=max(0, round(1_000 * time.monotonic() + self._ahead_ms - offset[0])))
        finally:
            shard.delivered = offset

    async def _reset(self, shard: Shard, listener: BusListener, epoch: str, seq: int, offset: Offset) -> None:
        if shard.epoch:
            count("live_resets")
        shard.begin(epoch, seq, offset)
        await listener.reset(shard.number, epoch, offset)
        shard.delivered = offset


def _delivery(offset: Offset, fields: Mapping[bytes, bytes]) -> Delivery:
    t = fields[b"t"].decode()
    return Delivery(fields[b"r"].decode(), fields[b"p"], fields[b"d"], offset if t == EVENT else None, t)
