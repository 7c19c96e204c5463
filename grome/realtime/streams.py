"""Publish events and ephemeral frames to rooms in Redis Streams. A room holds its latest events in order, each once."""

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from redis.asyncio import Redis

from grome.infrastructure.outbox.models import Event
from grome.infrastructure.redis.client import Namespace
from grome.infrastructure.redis.scripts import Script
from grome.realtime.delivery import EVENT
from grome.realtime.event_data import EventData
from grome.realtime.models import RoomEvent
from grome.realtime.shards import ROOM_TTL_SECONDS, bus_key, shard_of, state_key, stream_key

MAX_BUS_ENTRIES: Final = 10_000  # of a shard, about
_MAX_ROOM_EVENTS: Final = 1_000  # of a room, about
_MAX_EVENTS_PER_SCRIPT: Final = 100
EPOCH_BYTES: Final = 4

# Adds events of one shard, each to the stream of its room and to the bus, under the same id.
#
# A subject's events of one family come in the order of their versions. An event that is not newer than the last event
# is a redelivery, by this leader or its predecessor. Each day's versions have a hash of their own: a single hash of a
# busy room would never expire, and grow with every booking.
#
# The bus exists as long as its epoch. If either is gone, data were lost, and a new epoch begins. It ends with the
# server's run id, so that the readers begin a new epoch after a restart, which can lose the latest writes too.
# A room's stream that is ahead of the bus is of a lost history.
_PUBLISH: Final = """
local bus, state = KEYS[1], KEYS[2]
local epoch = redis.call('HGET', state, 'epoch')
if not epoch or redis.call('EXISTS', bus) == 0 then
    local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
    epoch = ARGV[1] .. string.sub(run, 1, 8)
    redis.call('HSET', state, 'epoch', epoch)
end
for event = 1, (#KEYS - 2) / 2 do
    local stream, versions = KEYS[2 * event + 1], KEYS[2 * event + 2]
    local t, room, people, counted_as, version, payload = unpack(ARGV, 6 * event - 1, 6 * event + 4)
    local lasting = t == 'event'
    if not lasting or tonumber(redis.call('HGET', versions, counted_as) or '0') < tonumber(version) then
        local seq = redis.call('HINCRBY', state, 'seq', 1)
        local id = redis.call('XADD', bus, 'MAXLEN', '~', ARGV[2], '*',
            'e', epoch, 's', seq, 't', t, 'r', room, 'p', people, 'd', payload)
        if lasting then
            local add = {'XADD', stream, 'MAXLEN', '~', ARGV[3], id, 'p', people, 'd', payload}
            local added = redis.pcall(unpack(add))
            if type(added) == 'table' and added.err then
                redis.call('DEL', stream)
                redis.call(unpack(add))
            end
            redis.call('HSET', versions, counted_as, version)
            redis.call('EXPIRE', stream, ARGV[4])
            redis.call('EXPIRE', versions, 2 * ARGV[4])
        end
    end
end
"""


class LivePublisher:
    """Adds events and ephemeral frames to rooms, for the subscribers in all processes."""

    def __init__(self, redis: Redis, namespace: Namespace) -> None:
        self._namespace = namespace
        self._publish = Script(redis, _PUBLISH)

    async def publish(self, events: Sequence[RoomEvent]) -> None:
        """Add events to their rooms, in their order. A room drops an event that it has already.

        Raises RedisError; the same events can then be published again.
        """
        by_shard = defaultdict[int, list[RoomEvent]](list)
        for event in events:
            by_shard[shard_of(event.room)].append(event)
        # All calls end before the error of one is raised, so that the next call cannot overtake any.
        done = await asyncio.gather(*(self._add(*of_shard) for of_shard in by_shard.items()), return_exceptions=True)
        for error in done:
            if error:
                raise error

    async def broadcast(self, room: str, people: Collection[UUID], t: str, payload: bytes) -> None:
        """Send an ephemeral frame of the type `t` to the present subscribers with these accounts.

        `payload` is the JSON of `d`. Raises RedisError.
        """
        stream = stream_key(self._namespace, room)
        await self._run(shard_of(room), [stream, stream], [t, room, _packed(people), "", 0, payload])

    async def _add(self, shard: int, events: Sequence[RoomEvent]) -> None:
        for start in range(0, len(events), _MAX_EVENTS_PER_SCRIPT):
            keys: list[str] = []
            values: list[str | int | bytes] = []
            for event in events[start : start + _MAX_EVENTS_PER_SCRIPT]:
                stream = stream_key(self._namespace, event.room)
                # The day of the event, so that a late redelivery finds the same hash.
                keys += [stream, f"{stream}:versions:{event.at.date()}"]
                values += [EVENT, event.room, _packed(event.people), event.counted_as, event.version, event.payload]
            await self._run(shard, keys, values)

    async def _run(self, shard: int, keys: Sequence[str], values: Sequence[str | int | bytes]) -> None:
        limits = (secrets.token_hex(EPOCH_BYTES), MAX_BUS_ENTRIES, _MAX_ROOM_EVENTS, ROOM_TTL_SECONDS)
        bus, state = bus_key(self._namespace, shard), state_key(self._namespace, shard)
        await self._publish([bus, state, *keys], [*limits, *values])


class StreamPublisher:
    """Publishes the relay's events to their rooms."""

    def __init__(self, publisher: LivePublisher, data: EventData) -> None:
        self._publisher, self._data = publisher, data

    async def handle(self, events: Sequence[Event]) -> None:
        await self._publisher.publish(await self._data.load(events))


def _packed(people: Collection[UUID]) -> bytes:
    return b"".join(person.bytes for person in people)
