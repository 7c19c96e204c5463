"""Spread rooms over shards, and name the keys of a shard in Redis.

All keys of a shard have the same hash tag, so one script can write them on a Redis Cluster. A shard has

- a stream for each room, with the latest events of the room, for subscribers that come back;
- the bus: one stream with the events and ephemeral frames of all its rooms, which every process reads;
- the state: a hash with the `epoch`, which names the present history of the shard, and `seq`, the number of entries
  that the bus got so far.
"""

from typing import Final
from zlib import crc32

from grome.infrastructure.redis.client import Namespace

SHARDS: Final = 16
ROOM_TTL_SECONDS: Final = 86_400


def shard_of(room: str) -> int:
    return crc32(room.encode()) % SHARDS


def stream_key(namespace: Namespace, room: str) -> str:
    return namespace.key(f"{_tag(shard_of(room))}:room:{room}")


def bus_key(namespace: Namespace, shard: int) -> str:
    return namespace.key(f"{_tag(shard)}:bus")


def state_key(namespace: Namespace, shard: int) -> str:
    return namespace.key(f"{_tag(shard)}:state")


def _tag(shard: int) -> str:
    return f"{{live:{shard}}}"
