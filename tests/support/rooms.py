"""The events in the streams of live rooms."""

from typing import Any

import msgspec

from grome.infrastructure.container import Container
from grome.infrastructure.redis.client import Namespace, RedisClients
from grome.realtime.shards import stream_key


async def stored_events(container: Container, room: str) -> list[dict[str, Any]]:
    """Return `d` of each event in the room's stream, oldest first."""
    stream = stream_key(container.get(Namespace), room)
    entries = await container.get(RedisClients).commands.xrange(stream)
    return [msgspec.json.decode(fields[b"d"]) for _, fields in entries]
