"""Cut 1,000 live connections at once while bookings change; the clients come back and have lost no event."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from grome.live_client.client import LiveClient, Timing
from grome.live_client.items import Connected, Disconnected, Event, Recovered, Reload
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, tomorrow
from tests.builders.people import Person, register
from tests.proofs.proof import Proof, Result, Tell, open_world
from tests.support.eventually import until
from tests.support.http_client import http_client
from tests.support.processes import running_grome_beside

_SOCKETS: Final = 1_000
_SHOPS: Final = 200  # an account can have ten connections
_OPENED_WITHIN_S: Final = 120.0
_BACK_WITHIN_S: Final = 10.0
_SETTLED_WITHIN_S: Final = 60.0
_EVENTS_BEFORE: Final = 1
_EVENTS_MEANWHILE: Final = 3
# Clients of real phones wait up to a second before they come back; these come back at once.
_AT_ONCE: Final = Timing(backoff_s=0.001, max_backoff_s=0.1, connect_s=60)


@dataclass
class _Follower:
    """A connection of a barber, and the ids of the events that it has got."""

    client: LiveClient
    connected: int = 0
    recovered: int = 0
    reloads: int = 0
    event_ids: list[str] = field(default_factory=list)
    came_back_at: float = 0.0

    async def follow(self) -> None:
        async for item in self.client:
            match item:
                case Connected():
                    self.connected += 1
                case Recovered():
                    self.recovered += 1
                    self.came_back_at = time.monotonic()
                case Reload():
                    self.reloads += 1
                case Event(_, _, data):
                    self.event_ids.append(data["id"])
                case Disconnected():
                    pass


async def _prove(home: Path, tell: Tell) -> Result:
    async with (
        open_world(home) as world,
        running_grome_beside(world.settings, home) as grome,
        http_client(grome.url) as http,
        AsyncExitStack() as stack,
    ):
        shops = [await barber(http, world.container, durations=(5,), timezone="UTC") for _ in range(_SHOPS)]
        customer = await register(http)
        url = f"{grome.url.replace('http', 'ws', 1)}/v1/live"
        followers = [await _open(stack, url, shops[number % _SHOPS]) for number in range(_SOCKETS)]
        await until(lambda: all(each.reloads for each in followers), within_s=_OPENED_WITHIN_S)
        tell(f"{_SOCKETS:,} sockets are subscribed")
        await _book(http, customer, shops, range(_EVENTS_BEFORE))
        await until(_have_events(followers, _EVENTS_BEFORE), within_s=_SETTLED_WITHIN_S)

        cut_at = time.monotonic()
        for each in followers:
            each.client.reconnect()
        booking = asyncio.create_task(
            _book(http, customer, shops, range(_EVENTS_BEFORE, _EVENTS_BEFORE + _EVENTS_MEANWHILE))
        )
        await until(lambda: all(each.recovered or each.reloads > 1 for each in followers), within_s=_SETTLED_WITHIN_S)
        back_s = max(each.came_back_at for each in followers) - cut_at
        tell(f"all are back after {back_s:.1f} s")
        await booking
        total = _EVENTS_BEFORE + _EVENTS_MEANWHILE
        await until(_have_events(followers, total), within_s=_SETTLED_WITHIN_S)

    reloads = sum(each.reloads - 1 for each in followers)
    doubled = sum(len(each.event_ids) - len(set(each.event_ids)) for each in followers)
    events = sum(len(set(each.event_ids)) for each in followers)
    result = Result()
    result.hold(f"{_SOCKETS:,} back within {back_s:.1f} s", holds=back_s <= _BACK_WITHIN_S)
    result.hold(f"{reloads} lost their position", holds=reloads == 0)
    result.hold(f"{events:,} events, {doubled} doubled", holds=events == _SOCKETS * total and doubled == 0)
    return result


async def _open(stack: AsyncExitStack, url: str, shop: Barber) -> _Follower:
    async def token() -> str:
        return shop.person.access_token

    follower = _Follower(await stack.enter_async_context(LiveClient(url, token, timing=_AT_ONCE)))
    follower.client.subscribe("user")
    task = asyncio.create_task(follower.follow())
    stack.callback(task.cancel)
    return follower


async def _book(http: httpx.AsyncClient, customer: Person, shops: list[Barber], numbers: range) -> None:
    """Book each shop so many times: one event for each of its connections."""
    for number in numbers:
        for shop in shops:
            await book(http, customer, shop, tomorrow(9, 5 * number))


def _have_events(followers: list[_Follower], count: int) -> Callable[[], bool]:
    return lambda: all(len(each.event_ids) >= count for each in followers)


PROOF: Final = Proof(
    "sockets",
    f"{_SOCKETS:,} live connections cut at once while bookings change: all back within {_BACK_WITHIN_S:.0f} s, no "
    "event lost or doubled",
    _prove,
)
