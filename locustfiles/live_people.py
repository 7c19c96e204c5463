"""People with live connections, through the reference client of this checkout.

Locust runs people as greenlets, and the client needs asyncio. So one event loop serves the connections of the whole
process, in a greenlet of its own: gevent gives asyncio a selector that lets other greenlets run while it waits. (In a
native thread this selector fails, because the thread has no other greenlets to wait for.)
"""

import asyncio
import logging
import random
import secrets
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID

import gevent
from event_log import PATIENCE_S, USER, Change, EventLog, change_of, message_of
from locust import task
from locust.exception import RescheduleTask
from people import Person, is_first
from promises import Booking, Broken

sys.path.append(str(Path(__file__).resolve().parents[1]))
from grome.live_client.client import LiveClient
from grome.live_client.items import (
    Connected,
    Disconnected,
    Event,
    Left,
    LiveClosed,
    LiveItem,
    Recovered,
    Reload,
    RequestRefused,
)

T = TypeVar("T")
logger = logging.getLogger(__name__)

KIND: Final = "LIVE"
WATCHED: Final = 20  # rooms of bookings; a connection has room for a hundred
MESSAGES: Final = 5  # of one person to one booking, far below the limit of a minute
_LOOK_EVERY_S: Final = 0.5


class Loop:
    """The event loop of all connections. Its functions are called by greenlets."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        gevent.spawn(self._loop.run_forever)

    def start(self, work: Coroutine[Any, Any, None]) -> Callable[[], None]:
        """Start a task, and return a function that ends it."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        return lambda: void(future.cancel())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def call(self, function: Callable[..., object], *args: object) -> None:
        self._loop.call_soon_threadsafe(function, *args)


def void(_: object) -> None:
    """Drop a result."""


LOOP: Final = Loop()
CONNECTED: Final[dict[UUID, "LivePerson"]] = {}


async def in_greenlet(function: Callable[[], T]) -> T:
    """Call a function that waits as greenlets do."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def work() -> None:
        try:
            result = function()
        except Exception as failure:  # noqa: BLE001 -- the caller gets it
            loop.call_soon_threadsafe(future.set_exception, failure)
        else:
            loop.call_soon_threadsafe(future.set_result, result)

    gevent.spawn(work)
    return await future


class LivePerson(Person):
    """Connects after the first steps, expects the events of every change, and reads and writes messages.

    A failed check is a failure in the row of its kind.
    """

    abstract = True

    live: LiveClient
    log: EventLog

    def arrive(self) -> None:
        super().arrive()
        self.log = EventLog()
        self.bookings_watched: list[str] = []
        self.written: dict[str, int] = {}
        self.unread: dict[str, str] = {}
        url = f"{self.host.rstrip('/').replace('http', 'ws', 1)}/v1/live"

        async def access_token() -> str:
            return await in_greenlet(self.access_token)

        self.live = LiveClient(url, access_token, msgpack=random.random() < 1 / 2)
        self.live.subscribe(USER, *self.own_rooms())
        self._connecting_since = time.perf_counter()
        self._was_connected, self._is_complete = False, False
        self._hang_up = LOOP.start(self._listen())
        CONNECTED[self.id] = self

    def on_stop(self) -> None:
        if CONNECTED.pop(self.id, None):
            self._hang_up()

    def own_rooms(self) -> list[str]:
        """Return the rooms besides the person's own, from the beginning on."""
        return []

    # ---- steps of people

    @task(2)
    def read_messages(self) -> None:
        """Tell that the newest message of a booking was read, and answer it in most cases."""
        if self.unread:
            booking_id, message_id = self.unread.popitem()
            self.ask("read acknowledged", self.live.read(booking_id, message_id))
            if random.random() < 3 / 4:
                self.write(booking_id)

    @task(1)
    def change_network(self) -> None:
        """Lose the connection, as a phone that leaves a network does."""
        LOOP.call(self.live.reconnect)

    def write(self, booking_id: str) -> None:
        written = self.written.get(booking_id, 0)
        if written == MESSAGES:
            return
        self.written[booking_id] = written + 1
        text = f"Message {written + 1}"
        sent = self.ask("message acknowledged", self.live.send(booking_id, text, key=secrets.token_urlsafe(16)))
        if sent["text"] != text or sent["sender_id"] != str(self.id):
            self._fail("message acknowledged", Broken("the stored message is another one", sent))
        expect_everywhere(message_of(booking_id, sent["number"]), self, *others_of(booking_id, self))

    def ask(self, row: str, request: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
        """Return the reply to a request over the connection. A refusal ends the task, and is a failure."""
        asked = time.perf_counter()
        try:
            reply = LOOP.run(request)
        except (RequestRefused, LiveClosed, OSError) as failure:  # TimeoutError is an OSError
            self._fail(row, failure, asked)
            raise RescheduleTask from failure
        self._count(row, asked)
        return reply

    def watch(self, booking: Booking) -> None:
        """Subscribe to the room of a booking, and leave the oldest if there are too many."""
        self.bookings_watched.append(str(booking.id))
        LOOP.call(self.live.subscribe, f"booking:{booking.id}")
        if len(self.bookings_watched) > WATCHED:
            LOOP.call(self.live.unsubscribe, f"booking:{self.bookings_watched.pop(0)}")

    def tell(self, booking: Booking) -> None:
        """Expect the event of an answered change, at each side that is a person of this process."""
        both = (CONNECTED.get(booking.customer_id), CONNECTED.get(booking.barber_id))
        expect_everywhere(change_of(booking.id, booking.version), *both)

    # ---- the connection

    async def _listen(self) -> None:
        """Take items until the person leaves or the server closes the connection for good."""
        watcher = asyncio.create_task(self._look_for_missed())
        try:
            async with self.live as items:
                async for item in items:
                    self._take(item)
        except LiveClosed as closed:
            self._fail("connection", closed)
        finally:
            watcher.cancel()

    async def _look_for_missed(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            for change in self.log.pop_missed(now := time.perf_counter()):
                missed = Broken("an answered change was told by no event", change)
                self._fail("event seen", missed, now - PATIENCE_S)

    def _take(self, item: LiveItem) -> None:
        match item:
            case Connected():
                self._count("reconnect" if self._was_connected else "connect", self._connecting_since)
            case Disconnected(_, retry_s):
                self._connecting_since = time.perf_counter() + retry_s
                self._is_complete = False
            case Reload(room):
                self.log.reload(room)
                if room == USER:
                    self._complete("resume: reload")
            case Recovered("user"):
                self._complete("resume")
            case Left(room, code):
                self._fail("room", Broken(f"the room was refused with {code}", room))
            case Event(room, _, event):
                self._take_event(room, event)

    def _complete(self, row: str) -> None:
        """The person's own room is as it would be without the lost connection."""
        if self._was_connected:
            self._count(row, self._connecting_since)
        self._was_connected = self._is_complete = True

    def _take_event(self, room: str, event: dict[str, Any]) -> None:
        try:
            latency_s = self.log.take(room, event, now := time.perf_counter())
        except Broken as broken:
            self._fail("event order", broken)
            return
        if latency_s is not None:
            self._count("event seen" if self._is_complete else "event seen (after a resume)", now - latency_s)
        if room == USER and event["type"] == "message.sent" and event["data"]["sender_id"] != str(self.id):
            self.unread[event["data"]["booking_id"]] = event["data"]["id"]

    def expect(self, change: Change) -> None:
        if self.log.expect(change, now := time.perf_counter()):
            self._count("event seen", now)  # before its answer

    def _count(self, row: str, since: float, failure: Exception | None = None) -> None:
        took_ms = max(0.0, time.perf_counter() - since) * 1_000
        self.environment.events.request.fire(
            request_type=KIND, name=row, response_time=took_ms, response_length=0, exception=failure, context={}
        )

    def _fail(self, row: str, failure: Exception, since: float | None = None) -> None:
        if is_first(f"{row}: {failure}"):
            logger.error("%s %s: %s. Seen: %s", KIND, row, failure, getattr(failure, "seen", ""))
        self._count(row, time.perf_counter() if since is None else since, failure)


def others_of(booking_id: str, person: LivePerson) -> list[LivePerson]:
    """Return the other people of this process that watch a booking."""
    return [other for other in CONNECTED.values() if other is not person and booking_id in other.bookings_watched]


def expect_everywhere(change: Change, *people: LivePerson | None) -> None:
    for person in people:
        if person:
            person.expect(change)
