"""Devices end with the state of their rooms, each event once, while Redis and connections fail at random."""

from contextlib import AsyncExitStack
from itertools import count
from typing import Final
from uuid import UUID

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from config.settings import Settings
from grome.common.ids import new_id
from grome.infrastructure.redis.client import Namespace
from grome.realtime.ring import Ring
from grome.realtime.shards import bus_key, shard_of, stream_key
from grome.realtime.streams import LivePublisher
from tests.support.eventually import until
from tests.support.live_rooms import Device, Rooms, live_redis, open_hub

CLIENT: Final = "world"
PEOPLE: Final = [new_id(), new_id()]
ROOMS: Final = [f"booking:{new_id()}", f"shop:{PEOPLE[0]}", "area:861f1d48fffffff"]
NAMESPACES: Final = count()

rooms, hubs, devices = st.sampled_from(ROOMS), st.integers(0, 1), st.integers(0, 2)
actions = st.one_of(
    st.tuples(st.just("happen"), rooms, st.lists(st.sampled_from(PEOPLE), unique=True)),
    st.tuples(st.just("happen"), rooms, st.just(PEOPLE)),
    st.tuples(st.just("redeliver"), st.integers(-4, 0)),
    st.tuples(st.just("connect"), devices, hubs, st.sampled_from([False, False, False, True])),
    st.tuples(st.just("disconnect"), devices),
    st.tuples(st.just("flush")),
    st.tuples(st.just("cut")),
    st.tuples(st.just("trim"), rooms, st.integers(0, 3)),
    st.tuples(st.just("overrun"), rooms),
    st.tuples(st.just("settle")),
    st.tuples(st.just("settle")),
)


class World:
    """Two hubs, of which the second keeps next to nothing in memory, and three devices."""

    def __init__(self, redis: Redis, namespace: Namespace) -> None:
        self.redis, self.namespace = redis, namespace
        self.rooms = Rooms(LivePublisher(redis, namespace))
        self.devices = [Device(self.rooms, person) for person in PEOPLE] + [Device(self.rooms, new_id(), is_admin=True)]
        # Each hub has a device that is always there.
        self.witnesses = [Device(self.rooms, person) for person in PEOPLE]
        self.stack = AsyncExitStack()

    async def open(self) -> None:
        rings = Ring(), Ring(max_bytes=600)
        self.hubs = [await self.stack.enter_async_context(open_hub(self.redis, self.namespace, ring)) for ring in rings]
        for witness, hub in zip(self.witnesses, self.hubs, strict=True):
            await witness.join(hub, *ROOMS)

    async def settle(self) -> None:
        """Wait until the hubs have read all events. A lost position is noticed by the next event at the latest."""
        for room in ROOMS:
            await self.happen(room, PEOPLE)
        await until(lambda: all(witness.is_current(*ROOMS) for witness in self.witnesses))

    async def happen(self, room: str, people: list[UUID]) -> None:
        await self.rooms.happen(room, *people)

    async def redeliver(self, start: int) -> None:
        await self.rooms.redeliver(start)

    async def connect(self, device: int, hub: int, fresh: bool) -> None:  # noqa: FBT001 -- drawn
        await self.disconnect(device)
        await self.devices[device].join(self.hubs[hub], *ROOMS, fresh=fresh)

    async def disconnect(self, device: int) -> None:
        for hub in self.hubs:
            hub.leave_all(self.devices[device])

    async def flush(self) -> None:
        """Remove all keys at once, as FLUSHDB does; other tests use the database too."""
        if keys := [key async for key in self.redis.scan_iter(self.namespace.key("*"), 1_000)]:
            await self.redis.delete(*keys)

    async def cut(self) -> None:
        """End the connections by which the hubs read; they come back a quarter of a second later."""
        for client in await self.redis.client_list():
            if client["cmd"] == "xread" and client["name"] == CLIENT:
                await self.redis.client_kill_filter(_id=client["id"])

    async def trim(self, room: str, left: int) -> None:
        """Remove the oldest events, for readers that were cut off before, and for devices that come back."""
        for key in (stream_key(self.namespace, room), bus_key(self.namespace, shard_of(room))):
            await self.redis.xtrim(key, maxlen=left, approximate=False)

    async def overrun(self, room: str) -> None:
        """Trim the bus further than the readers have come."""
        await self.cut()
        await self.happen(room, PEOPLE)
        await self.happen(room, PEOPLE)
        await self.trim(room, 1)


@given(script=st.lists(actions, min_size=5, max_size=40))
# Shrinking would wait for each failing example.
@settings(max_examples=10, phases=[Phase.explicit, Phase.reuse, Phase.generate])
async def test_devices_end_with_the_state_of_their_rooms(settings: Settings, script: list[tuple[str, ...]]) -> None:
    async with live_redis(settings.redis.url, CLIENT) as redis:
        world = World(redis, Namespace(f"world{next(NAMESPACES)}", 0))
        async with world.stack:
            await world.open()
            for action, *values in script:
                await getattr(world, action)(*values)
            await world.settle()
            for number in range(len(world.devices)):
                await world.connect(number, number % 2, fresh=False)
            await world.settle()
            await until(lambda: all(device.is_current(*ROOMS) for device in world.devices))
            await world.flush()
