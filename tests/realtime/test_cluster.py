"""Live rooms work on a Redis Cluster, although their keys are on several servers."""

import gc
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from redis.asyncio import RedisCluster
from redis.exceptions import RedisError

from grome.common.ids import new_id
from grome.infrastructure.redis.client import Namespace
from grome.realtime.ring import Ring
from grome.realtime.streams import LivePublisher
from tests.support.cluster import ClusterNode, own_cluster
from tests.support.eventually import until
from tests.support.live_rooms import Device, Rooms, open_hub

NAMESPACE = Namespace("own", 0)
NAMES = [f"booking:{new_id()}" for _ in range(40)]


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[list[ClusterNode]]:
    with own_cluster(tmp_path) as started:
        yield started


# When it learns the nodes again, redis-py forgets to close the connections that it had.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_rooms_of_all_nodes_are_published_followed_and_resumed(nodes: Sequence[ClusterNode]) -> None:
    await _publish_follow_and_resume(nodes)
    gc.collect()


async def _publish_follow_and_resume(nodes: Sequence[ClusterNode]) -> None:
    async with (
        RedisCluster(host="127.0.0.1", port=nodes[0].port, socket_timeout=5) as redis,
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
        for node in nodes:
            with node.client() as client:
                assert client.dbsize() > 0, "each server has a part of the rooms"

        nodes[1].kill()
        nodes[1].start()
        nodes[1].server.wait_until(nodes[1].serves_all_slots)
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
