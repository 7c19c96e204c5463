"""Live rooms work on a Redis Cluster, although their keys are on several servers."""

from collections.abc import Sequence
from contextlib import aclosing

from redis.exceptions import RedisError

from config.sections.servers import RedisSettings
from grome.common.ids import new_id
from grome.infrastructure.redis.client import Namespace, open_subscribing_redis
from grome.realtime.ring import Ring
from grome.realtime.streams import LivePublisher
from tests.support.cluster import ClusterNode, cluster_url
from tests.support.eventually import until
from tests.support.live_rooms import Device, Rooms, open_hub

NAMESPACE = Namespace("own", 0)
NAMES = [f"booking:{new_id()}" for _ in range(40)]


async def test_rooms_of_all_nodes_are_published_followed_and_resumed(cluster: Sequence[ClusterNode]) -> None:
    async with (
        aclosing(open_subscribing_redis(RedisSettings(url=cluster_url(cluster)))) as redis,
        open_hub(redis, NAMESPACE) as hub,
        open_hub(redis, NAMESPACE, Ring(max_bytes=0)) as forgetful,
    ):
        rooms = Rooms(LivePublisher(redis, NAMESPACE))
        device, returning, other = [Device(rooms, new_id(), is_admin=True) for _ in range(3)]
        for each, at in ((device, hub), (returning, forgetful), (other, forgetful)):
            await each.join(at, *NAMES)
        forgetful.leave_all(returning)
        for room in NAMES:
            await rooms.happen(room)
        await rooms.redeliver(0)
        await until(lambda: device.is_current(*NAMES) and other.is_current(*NAMES))
        assert device.resets == 0
        joined = await returning.join(forgetful, *NAMES)
        assert all(room.recovered and len(room.events) == 1 for room in joined)
        for node in cluster:
            with node.client() as client:
                assert client.dbsize() > 0, "each server has a part of the rooms"

        cluster[1].kill()
        cluster[1].start()
        cluster[1].server.wait_until(cluster[1].serves_all_slots)
        for room in NAMES:
            await _happen_at_last(rooms, room)
        await until(lambda: device.is_current(*NAMES) and returning.is_current(*NAMES))
        assert device.resets > 0


async def _happen_at_last(rooms: Rooms, room: str) -> None:
    """Publish an event again until it succeeds, as the relay does."""
    try:
        await rooms.happen(room)
    except RedisError:
        await until(lambda: _redelivered(rooms))


async def _redelivered(rooms: Rooms) -> bool:
    try:
        await rooms.redeliver(-1)
    except RedisError:
        return False
    return True
