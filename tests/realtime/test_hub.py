"""Subscribers join rooms, resume from memory or from the streams, and get only events that they may see."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Final

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from config.settings import Settings
from grome.common.ids import new_id
from grome.infrastructure.isolated_items import FAILED_ITEMS
from grome.infrastructure.redis.client import Namespace
from grome.realtime.delivery import Delivery
from grome.realtime.errors import TooManyRooms
from grome.realtime.frames import MAX_EVENTS_OF_RESUME, MAX_ROOMS
from grome.realtime.hub import Hub
from grome.realtime.models import Joined, RoomRequest
from grome.realtime.ring import Ring
from grome.realtime.shards import bus_key, shard_of, state_key, stream_key
from grome.realtime.streams import LivePublisher
from tests.support.eventually import until
from tests.support.live_rooms import Device, Rooms, live_redis, open_hub
from tests.support.processes import free_port
from tests.support.servers import own_valkey

NAMESPACES: Final = count()
AREA: Final = "area:861f1d48fffffff"


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    async with live_redis(settings.redis.url) as client:
        yield client


@pytest.fixture
def namespace() -> Namespace:
    return Namespace(f"hub{next(NAMESPACES)}", 0)


@pytest.fixture
def rooms(redis: Redis, namespace: Namespace) -> Rooms:
    return Rooms(LivePublisher(redis, namespace))


@pytest.fixture
async def hub(redis: Redis, namespace: Namespace) -> AsyncIterator[Hub]:
    async with open_hub(redis, namespace) as opened:
        yield opened


async def test_events_and_missed_events_reach_only_the_accounts_that_they_concern(hub: Hub, rooms: Rooms) -> None:
    room, customer, barber = f"booking:{new_id()}", new_id(), new_id()
    devices = [Device(rooms, customer), Device(rooms, barber), Device(rooms, new_id())]
    devices.append(Device(rooms, new_id(), is_admin=True))
    await devices[0].join(hub, room)
    await devices[1].join(hub, room)
    hub.leave(devices[1], room)
    for device in devices[2:]:
        await device.join(hub, room)
    both, own, others = [await rooms.happen(room, *people) for people in ([customer, barber], [customer], [barber])]
    await until(lambda: devices[3].had[room] == [both, own, others])
    assert devices[0].had[room] == [both, own]
    assert not devices[2].had[room]
    (joined,) = await devices[1].join(hub, room)
    assert joined.recovered
    assert devices[1].had[room] == [both, others]


@pytest.mark.parametrize("beyond", [0, 1])
@pytest.mark.parametrize("ring", [Ring(), Ring(max_bytes=0)], ids=["from memory", "from the stream"])
async def test_resume_is_whole_up_to_a_number_of_events(
    redis: Redis, namespace: Namespace, rooms: Rooms, ring: Ring, beyond: int
) -> None:
    device, room, missed = Device(rooms, new_id()), AREA, MAX_EVENTS_OF_RESUME + beyond
    async with open_hub(redis, namespace, ring) as hub:
        await device.join(hub, room)
        hub.leave_all(device)
        last = [await rooms.happen(room) for _ in range(missed)][-1]
        watcher = Device(rooms, new_id())
        await watcher.join(hub, room, fresh=True)
        await rooms.happen("area:other")
        (joined,) = await device.join(hub, room)
        assert (joined.recovered, len(joined.events)) == ((False, 0) if beyond else (True, missed))
        assert max(device.copies[room]) == last
        await rooms.happen(room)
        await until(lambda: device.is_current(room))


async def away(hub: Hub, rooms: Rooms, device: Device) -> None:
    """Let a device miss three events of the area; another device has got them."""
    other = Device(rooms, new_id())
    for each in (device, other):
        await each.join(hub, AREA)
    hub.leave_all(device)
    for _ in range(3):
        await rooms.happen(AREA)
    await until(lambda: other.is_current(AREA))


async def test_resume_from_a_trimmed_stream_is_not_recovered(redis: Redis, namespace: Namespace, rooms: Rooms) -> None:
    device = Device(rooms, new_id())
    async with open_hub(redis, namespace, Ring(max_bytes=0)) as hub:
        await away(hub, rooms, device)
        await redis.xtrim(stream_key(namespace, AREA), maxlen=2, approximate=False)
        (joined,) = await device.join(hub, AREA)
    assert not joined.recovered


async def test_resume_from_the_stream_of_a_newer_epoch_is_not_recovered(
    redis: Redis, namespace: Namespace, rooms: Rooms
) -> None:
    device = Device(rooms, new_id())
    async with open_hub(redis, namespace, Ring(max_bytes=0)) as hub:
        await away(hub, rooms, device)
        await hub.close()  # it does not notice
        await redis.delete(bus_key(namespace, shard_of(AREA)))
        await rooms.happen(AREA)
        (joined,) = await device.join(hub, AREA)
    assert not joined.recovered


async def test_resume_from_the_stream_while_redis_is_unavailable_is_not_recovered(
    redis: Redis, namespace: Namespace, rooms: Rooms
) -> None:
    device = Device(rooms, new_id())
    async with (
        live_redis(f"redis://127.0.0.1:{free_port()}") as nobody,
        open_hub(redis, namespace, Ring(max_bytes=0), nobody) as hub,
    ):
        await away(hub, rooms, device)
        (joined,) = await device.join(hub, AREA)
    assert not joined.recovered


async def test_thousand_resumes_from_memory_send_no_command(tmp_path: Path) -> None:
    with own_valkey(tmp_path) as valkey:
        async with live_redis(valkey.url) as redis, open_hub(redis, Namespace("own", 0)) as hub:
            rooms, person = Rooms(LivePublisher(redis, Namespace("own", 0))), new_id()
            names = [f"user:{person}", f"booking:{new_id()}", AREA]
            devices = [Device(rooms, person) for _ in range(1_000)]
            for device in devices:
                await device.join(hub, *names)
                hub.leave_all(device)
            for _ in range(10):
                for room in names:
                    await rooms.happen(room, person)
            await devices[0].join(hub, *names)
            await until(lambda: devices[0].is_current(*names))
            await redis.config_resetstat()
            await asyncio.gather(*(device.join(hub, *names) for device in devices[1:]))
            commands = await redis.info("commandstats")
    assert all(device.is_current(*names) and len(device.had[AREA]) == 10 for device in devices)
    # Only history reads a range; the bus is read with XREAD, and checked once a second.
    assert "cmdstat_xrange" not in commands
    assert sum(one["calls"] for name, one in commands.items() if name in {"cmdstat_evalsha", "cmdstat_xread"}) < 20


async def test_restarted_redis_resets_devices_and_loses_no_event(tmp_path: Path) -> None:
    with own_valkey(tmp_path) as valkey:
        async with live_redis(valkey.url) as redis, open_hub(redis, Namespace("own", 0)) as hub:
            rooms = Rooms(LivePublisher(redis, Namespace("own", 0)))
            device = Device(rooms, new_id())
            await device.join(hub, AREA)
            await rooms.happen(AREA)
            await until(lambda: device.is_current(AREA))
            valkey.kill()
            with pytest.raises(RedisError):
                await rooms.happen(AREA)
            late = Device(rooms, new_id())
            late.copies[AREA], late.positions[AREA] = set(device.copies[AREA]), device.positions[AREA]
            (joined,) = await late.join(hub, AREA)
            assert joined.recovered
            valkey.start()
            await rooms.redeliver(0)
            await rooms.happen(AREA)
            await until(lambda: device.is_current(AREA) and late.is_current(AREA) and device.resets > 0)
            await rooms.happen(AREA)
            await until(lambda: device.is_current(AREA) and late.is_current(AREA))


async def test_bus_that_goes_back_resets_devices(hub: Hub, rooms: Rooms, redis: Redis, namespace: Namespace) -> None:
    """As after a restore of older data: the numbers of entries go on before the last one that was read."""
    device = Device(rooms, new_id())
    await device.join(hub, AREA)
    for _ in range(3):
        await rooms.happen(AREA)
    await until(lambda: device.is_current(AREA))
    await redis.hset(state_key(namespace, shard_of(AREA)), "seq", "1")
    await until(lambda: device.resets == 1)
    await rooms.happen(AREA)
    await until(lambda: device.is_current(AREA))
    assert device.resets == 1


async def test_unreadable_entry_does_not_stop_the_bus(
    hub: Hub, rooms: Rooms, redis: Redis, namespace: Namespace
) -> None:
    device, before = Device(rooms, new_id()), FAILED_ITEMS["live bus"]
    await device.join(hub, AREA)
    await redis.xadd(bus_key(namespace, shard_of(AREA)), {"x": "y"})
    number = await rooms.happen(AREA)
    await until(lambda: device.had[AREA] == [number])
    assert FAILED_ITEMS["live bus"] == before + 1


async def test_ephemeral_frame_reaches_present_accounts_and_is_not_kept(
    hub: Hub, rooms: Rooms, redis: Redis, namespace: Namespace
) -> None:
    room, sender, receiver = f"booking:{new_id()}", Device(rooms, new_id()), Device(rooms, new_id())
    for device in (sender, receiver):
        await device.join(hub, room)
    await LivePublisher(redis, namespace).broadcast(room, [receiver.account_id], "typing", b'{"user":"x"}')
    await until(lambda: len(receiver.ephemeral) == 1)
    assert receiver.ephemeral[0].json == b'{"t":"typing","r":"%b","d":{"user":"x"}}' % room.encode()
    hub.leave_all(receiver)
    (joined,) = await receiver.join(hub, room)
    assert (joined.recovered, joined.events, len(receiver.ephemeral)) == (True, [], 1)
    assert not sender.ephemeral
    assert not await redis.exists(stream_key(namespace, room))


class FailingDevice(Device):
    """A device that fails at each event, after a call."""

    def __init__(self, rooms: Rooms, before: Callable[[], None]) -> None:
        super().__init__(rooms, new_id())
        self._before = before

    def deliver(self, delivery: Delivery) -> None:
        self._before()
        raise ValueError(delivery.room)


async def test_devices_that_join_and_leave_during_a_long_fan_out_get_the_event_at_most_once(
    hub: Hub, rooms: Rooms
) -> None:
    devices = [Device(rooms, new_id()) for _ in range(1_200)]
    late, fresh, gone, back = Device(rooms, new_id()), Device(rooms, new_id()), devices.pop(), devices[-1]
    joins: list[asyncio.Task[Sequence[Joined]]] = []

    def come_and_go() -> None:
        if not joins:
            hub.leave_all(gone)
            hub.leave_all(back)
            joins.extend(asyncio.create_task(device.join(hub, AREA)) for device in (late, fresh, back))

    await FailingDevice(rooms, come_and_go).join(hub, AREA)
    for device in (*devices, late, gone):
        await device.join(hub, AREA)
    hub.leave_all(late)
    number, later = await rooms.happen(AREA), await rooms.happen(AREA)
    await until(lambda: all(device.had[AREA] == [number, later] for device in (*devices, late)))
    assert [joined.recovered for join in joins for joined in await join] == [True, False, True]
    assert all(device.is_current(AREA) for device in (*devices, late, fresh))
    assert not gone.had[AREA]


async def test_position_follows_events_and_time(hub: Hub, rooms: Rooms) -> None:
    device = Device(rooms, new_id())
    await device.join(hub, AREA)
    await rooms.happen(AREA)
    await until(lambda: device.is_current(AREA))
    last = device.positions[AREA][1]
    await until(lambda: _position_of(hub) > last)
    assert len(device.had[AREA]) == 1


def _position_of(hub: Hub) -> tuple[int, ...]:
    return tuple(map(int, hub.position.split("-")))


async def test_positions_of_another_history_or_another_time_are_not_resumed(hub: Hub, rooms: Rooms) -> None:
    device = Device(rooms, new_id())
    (joined,) = await device.join(hub, AREA)
    answers = []
    for epoch, offset in (
        ("other", joined.offset),
        (joined.epoch, "9999999999999-0"),
        (joined.epoch, "1-0"),
        (joined.epoch, "x"),
        (joined.epoch, None),
        ("", joined.offset),
    ):
        await hub.join(device, [RoomRequest(AREA, epoch, offset)], answers.extend)
    assert [answer.recovered for answer in answers] == [False] * 6


async def test_subscriber_cannot_join_too_many_rooms(hub: Hub, rooms: Rooms) -> None:
    device = Device(rooms, new_id())
    await device.join(hub, *(f"booking:{new_id()}" for _ in range(MAX_ROOMS)))
    with pytest.raises(TooManyRooms):
        await device.join(hub, AREA)
    hub.leave_all(device)
    await device.join(hub, AREA)
