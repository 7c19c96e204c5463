"""Live rooms drop redelivered events of the last two days."""

from datetime import timedelta
from uuid import UUID

from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.infrastructure.outbox.models import Event, EventType
from grome.infrastructure.redis.client import Namespace, RedisClients
from grome.realtime.event_data import EventData
from grome.realtime.shards import stream_key
from grome.realtime.streams import LivePublisher, StreamPublisher
from tests.conftest import AdjustableClock

DAY = timedelta(days=1)


def an_event(container: Container, person: UUID, subject: UUID, version: int) -> Event:
    kind, at = EventType.BOOKING_NOTED, container.clock()
    return Event(id=new_id(), type=kind, at=at, subject_id=subject, version=version, people=(person,))


async def test_live_room_drops_redelivered_versions_of_two_days(container: Container, clock: AdjustableClock) -> None:
    rooms = StreamPublisher(container.get(LivePublisher), container.get(EventData))
    person, subject = new_id(), new_id()
    stream = stream_key(container.get(Namespace), f"user:{person}")
    first = an_event(container, person, subject, 2)
    for _ in range(2):
        await rooms.handle([first])
    assert await container.get(RedisClients).commands.xlen(stream) == 1
    clock.shift = DAY
    await rooms.handle([first, an_event(container, person, new_id(), 1)])
    assert await container.get(RedisClients).commands.xlen(stream) == 2
    hashes = [key async for key in container.get(RedisClients).commands.scan_iter(match=f"{stream}:versions*")]
    assert [await container.get(RedisClients).commands.hlen(key) for key in hashes] == [1, 1]
    assert all([0 < await container.get(RedisClients).commands.ttl(key) <= 2 * DAY.total_seconds() for key in hashes])
