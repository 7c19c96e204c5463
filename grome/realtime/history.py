"""Read the missed events of a room from its stream, for positions that are older than the ring."""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct
from redis.asyncio import Redis

from grome.infrastructure.redis.client import Namespace
from grome.infrastructure.redis.scripts import Script
from grome.realtime.delivery import Delivery
from grome.realtime.models import START, Offset, format_offset, parse_entry_id
from grome.realtime.shards import ROOM_TTL_SECONDS, shard_of, state_key, stream_key

# A stream lives for its TTL after its last event, so a missing stream had none since. Redis may expire keys a little
# early or late by the clock that made the offsets.
_REACH_MS: Final = 1_000 * (ROOM_TTL_SECONDS - 600)

# Returns the epoch, the time, the oldest event if events before it were removed, and the events after the offset.
_READ: Final = """
local stream, after = KEYS[1], ARGV[1]
local removed = '0-0'
if redis.call('EXISTS', stream) == 1 then
    local info = redis.call('XINFO', 'STREAM', stream)
    local about = {}
    for field = 1, #info, 2 do about[info[field]] = info[field + 1] end
    if about['entries-added'] > about['length'] then
        removed = about['first-entry'] and about['first-entry'][1] or about['last-generated-id']
    end
end
return {redis.call('HGET', KEYS[2], 'epoch'), redis.call('TIME'), removed,
    redis.call('XRANGE', stream, '(' .. after, '+', 'COUNT', ARGV[2])}
"""


class History(Struct, frozen=True):
    """The events of a room after an offset, as of a moment.

    `upto` is an offset up to which it is complete. `is_whole` is false if events may be missing.
    """

    epoch: str
    upto: Offset
    is_whole: bool
    events: Sequence[tuple[Offset, Delivery]]


class RoomHistory:
    """Reads streams of rooms."""

    def __init__(self, redis: Redis, namespace: Namespace) -> None:
        self._namespace = namespace
        self._read = Script(redis, _READ)

    async def after(self, room: str, offset: Offset, limit: int) -> History:
        """Return up to `limit` events of the room after an offset. Raises RedisError."""
        keys = [stream_key(self._namespace, room), state_key(self._namespace, shard_of(room))]
        epoch, (seconds, microseconds), removed, entries = await self._read(keys, [format_offset(offset), limit])
        now_ms = 1_000 * int(seconds) + int(microseconds) // 1_000
        events = [_decode(room, *entry) for entry in entries]
        return History(
            epoch=epoch.decode() if epoch else "",
            upto=max(offset, (now_ms - 1, 0), events[-1][0] if events else START),
            is_whole=offset >= parse_entry_id(removed) and offset[0] > now_ms - _REACH_MS,
            events=events,
        )


def _decode(room: str, entry_id: bytes, fields: Sequence[bytes]) -> tuple[Offset, Delivery]:
    named: dict[bytes, Any] = dict(zip(fields[::2], fields[1::2], strict=True))
    offset = parse_entry_id(entry_id)
    return offset, Delivery(room, named[b"p"], named[b"d"], offset)
