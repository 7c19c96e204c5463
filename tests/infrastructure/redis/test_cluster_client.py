"""The client of a Redis Cluster: keys of all nodes, redirections, and a node that is away."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from config.sections.servers import RedisSettings
from grome.infrastructure.redis.client import TRANSIENT_FAULTS, open_redis
from grome.infrastructure.redis.cluster import ClusterRedis
from grome.infrastructure.redis.scripts import Script
from grome.infrastructure.redis.slots import Address, SlotMap, slot_of, slot_of_key
from tests.support.cluster import ClusterNode, cluster_url
from tests.support.eventually import until
from tests.support.processes import free_port

KEYS = [f"client:{number}" for number in range(60)]


@pytest.fixture
async def redis(cluster: Sequence[ClusterNode]) -> AsyncIterator[Redis]:
    opened = open_redis(RedisSettings(url=cluster_url(cluster), timeout_s=1.0, max_connections=4))
    yield opened
    await opened.aclose()


async def test_keys_of_all_nodes_are_written_and_read(redis: Redis, cluster: Sequence[ClusterNode]) -> None:
    await asyncio.gather(*(redis.set(key, key) for key in KEYS))
    assert [(await redis.get(key)).decode() for key in KEYS] == KEYS
    for node in cluster:
        with node.client() as client:
            assert client.dbsize() > 0


async def test_pipeline_answers_in_the_order_of_its_commands(redis: Redis) -> None:
    pipeline = redis.pipeline(transaction=False)
    for number, key in enumerate(KEYS):
        pipeline.set(key, number)
        pipeline.incr(key)
    assert await pipeline.execute() == [part for number in range(len(KEYS)) for part in (True, number + 1)]


async def test_pipeline_with_a_failed_command_executes_the_others_and_raises(redis: Redis) -> None:
    pipeline = redis.pipeline(transaction=False)
    pipeline.set("client:text", "no number")
    pipeline.incr("client:text")
    pipeline.set("client:other", "written")
    with pytest.raises(Exception, match="not an integer"):
        await pipeline.execute()
    assert await redis.get("client:other") == b"written"


async def test_script_runs_at_each_node_although_none_knows_it(redis: Redis, cluster: Sequence[ClusterNode]) -> None:
    script = Script(redis, "return redis.call('INCRBY', KEYS[1], ARGV[1])")
    for node in cluster:
        with node.client() as client:
            client.script_flush()
    assert {await script([f"client:counter:{key}"], [3]) for key in KEYS} == {3}


async def test_keys_of_several_slots_in_one_command_are_a_bug(redis: Redis) -> None:
    with pytest.raises(ValueError, match="MGET has keys of"):
        await redis.mget(KEYS)


async def test_slot_that_moves_to_another_node_is_followed(redis: Redis, cluster: Sequence[ClusterNode]) -> None:
    assert isinstance(redis, ClusterRedis)
    key, slot = "client:moving", slot_of_key("client:moving")
    _, port = await redis.locate(slot)
    source = next(node for node in cluster if node.port == port)
    target = next(node for node in cluster if node is not source)
    with moving(slot, source, target):
        await redis.set(key, "asked")  # the source does not have the key, so it sends the command to the target
        assert await redis.get(key) == b"asked"
    try:
        assert await redis.get(key) == b"asked"
        await until(lambda: is_at(redis, slot, target))
    finally:
        await redis.delete(key)
        with moving(slot, target, source):
            pass


async def is_at(redis: ClusterRedis, slot: int, node: ClusterNode) -> bool:
    return (await redis.locate(slot)).port == node.port


@contextmanager
def moving(slot: int, source: ClusterNode, target: ClusterNode) -> Iterator[None]:
    """Move a slot without keys to another node, in the midst of it for the duration of the block."""
    with source.client() as old, target.client() as new:
        old_id, new_id = (client.execute_command("CLUSTER", "MYID").decode() for client in (old, new))
        new.execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", old_id)
        old.execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", new_id)
        yield
        new.execute_command("CLUSTER", "SETSLOT", slot, "NODE", new_id)
        old.execute_command("CLUSTER", "SETSLOT", slot, "NODE", new_id)


async def test_killed_node_fails_only_its_own_keys_and_is_found_again(
    redis: Redis, cluster: Sequence[ClusterNode]
) -> None:
    assert isinstance(redis, ClusterRedis)
    places = {key: (await redis.locate(slot_of_key(key))).port for key in KEYS}
    assert await redis.find_silent_primaries() == (3, 0)
    killed = cluster[0]
    killed.kill()
    try:
        answers = dict(zip(KEYS, await asyncio.gather(*map(redis.get, KEYS), return_exceptions=True), strict=True))
        failed = {key for key, answer in answers.items() if isinstance(answer, TRANSIENT_FAULTS)}
        assert failed == {key for key, port in places.items() if port == killed.port}
        assert await redis.find_silent_primaries() == (3, 1)
        assert await redis.publish("client", b"a channel has no slot") == 0
    finally:
        killed.start()
        killed.server.wait_until(killed.serves_all_slots)
    await until(lambda: are_readable(redis))
    assert await redis.find_silent_primaries() == (3, 0)


async def are_readable(redis: Redis) -> bool:
    answers = await asyncio.gather(*map(redis.get, KEYS), return_exceptions=True)
    return not any(isinstance(answer, Exception) for answer in answers)


async def test_silent_node_times_out_and_fails_no_other(redis: Redis, cluster: Sequence[ClusterNode]) -> None:
    assert isinstance(redis, ClusterRedis)
    silent = cluster[1]
    places = {key: (await redis.locate(slot_of_key(key))).port for key in KEYS}
    theirs = next(key for key, port in places.items() if port == silent.port)
    others = [key for key, port in places.items() if port != silent.port]
    silent.freeze()
    try:
        with pytest.raises(TRANSIENT_FAULTS):
            await redis.get(theirs)
        await asyncio.gather(*map(redis.get, others))
    finally:
        silent.resume()
    silent.server.wait_until(silent.serves_all_slots)
    await until(lambda: are_readable(redis))


async def test_cluster_without_a_node_that_answers_is_not_reachable() -> None:
    redis = open_redis(RedisSettings(url=f"redis+cluster://127.0.0.1:{free_port()}", timeout_s=1.0))
    with pytest.raises(RedisConnectionError, match="Connect"):
        await redis.get("key")
    await redis.aclose()


def test_map_of_slots_knows_gaps_and_nodes_without_a_host() -> None:
    reply = [
        [10, 20, [b"", 7001, b"id"], [b"replica", 7002, b"id"]],
        [0, 5, [None, 7003, b"id"]],
        [21, 30, ["h", 7, b""]],
    ]
    slots = SlotMap.parse(reply, Address("asked", 1))
    assert slots.find_primary(5) == Address("asked", 7003)
    assert slots.find_primary(6) is None
    assert slots.find_primary(20) == Address("asked", 7001)
    assert slots.find_primary(21) == Address("h", 7)
    assert slots.find_primary(31) is None


@pytest.mark.parametrize(
    ("command", "slot"),
    [
        (("GET", "a{tag}b"), slot_of_key("tag")),
        (("MGET", "1{tag}", "2{tag}"), slot_of_key("tag")),
        (("EVALSHA", "digest", 2, "{tag}", "x{tag}", "argument"), slot_of_key("tag")),
        (("EVAL", "return 1", 0, "argument"), None),
        (("XREAD", "BLOCK", 10, b"STREAMS", "a{tag}", "b{tag}", "0-0", "0-0"), slot_of_key("tag")),
        (("PUBLISH", "channel", "message"), None),
    ],
)
def test_slot_of_a_command_is_the_slot_of_its_keys(command: tuple[object, ...], slot: int | None) -> None:
    assert slot_of(command) == slot
