"""Publish events to rooms in Redis Streams. A room holds its latest events in order, each once."""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from redis.asyncio import Redis

from grome.infrastructure.outbox.models import Event
from grome.infrastructure.redis.client import Namespace
from grome.realtime.models import RoomEvent

_MAX_ROOM_EVENTS: Final = 1_000  # a room's events, about
_ROOM_TTL_SECONDS: Final = 86_400

# A subject's events of one family come in the order of their versions. An event that is not newer than the last event
# is a redelivery, by this leader or its predecessor. Each day's versions have a hash of their own: a single hash of a
# busy room would never expire, and grow with every booking.
_ADD: Final = """
if tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0') >= tonumber(ARGV[2]) then
    return 0
end
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], '*', unpack(ARGV, 5))
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('EXPIRE', KEYS[2], 2 * ARGV[4])
return 1
"""


def stream_key(namespace: Namespace, room: str) -> str:
    """Return the key of a room's stream; the braces keep a room's keys in one cluster slot."""
    return namespace.key(f"live:{{{room}}}")


def rooms_of(event: Event) -> list[str]:
    """Return the rooms of the event: the booking's, also for a review, and one per person concerned."""
    own = [f"booking:{event.subject_id}"] if event.family in {"booking", "review"} else []
    return own + [f"user:{person}" for person in event.people]


def _counter_of(event: Event) -> str:
    """Return the name under which the versions of the event's subject are counted.

    A review has its booking's id, and a payout account the barber's; both have versions of their own.
    """
    subject = str(event.subject_id)
    return subject if event.family in {"booking", "account"} else f"{subject}:{event.family}"


class LivePublisher:
    """Adds events and ephemeral frames to rooms, for the subscribers in all processes."""

    async def publish(self, events: Sequence[RoomEvent]) -> None:
        """Add events to their rooms, in their order. A room drops an event that it has already.

        Raises RedisError; the same events can then be published again.
        """
        raise NotImplementedError

    async def broadcast(self, room: str, people: Collection[UUID], t: str, payload: bytes) -> None:
        """Send an ephemeral frame of the type `t` to the present subscribers with these accounts.

        `payload` is the JSON of `d`. Raises RedisError.
        """
        raise NotImplementedError


class StreamPublisher:
    """Adds events to the streams of their rooms. An entry has `id`, `type`, `at`, `subject` and `version`."""

    def __init__(self, redis: Redis, namespace: Namespace) -> None:
        self._redis, self._namespace = redis, namespace
        self._add = redis.register_script(_ADD)

    async def handle(self, events: Sequence[Event]) -> None:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for event in events:
                entry = [
                    *("id", str(event.id), "type", event.type.value, "at", event.at.isoformat()),
                    *("subject", str(event.subject_id), "version", event.version),
                ]
                counted = _counter_of(event)
                for room in rooms_of(event):
                    stream = stream_key(self._namespace, room)
                    # The day of the event, so that a late redelivery finds the same hash.
                    keys = [stream, f"{stream}:versions:{event.at.date()}"]
                    await self._add(
                        keys, [counted, event.version, _MAX_ROOM_EVENTS, _ROOM_TTL_SECONDS, *entry], pipeline
                    )
            await pipeline.execute()
