"""Times of a connection: sign-in, heartbeats, expiry, life limit and slow readers, on a clock of the test's own."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from config.sections.messages import LiveSettings
from grome.common.actor import Actor, Role
from grome.common.ids import new_id
from grome.realtime.close_codes import CloseCode
from grome.realtime.connection import LiveConnection
from grome.realtime.frames import ClientFrame, PositionPing

HEARTBEAT_S = 25


class FakeLoop:
    """The part of an event loop that a connection without requests uses."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def time(self) -> float:
        return self.now


class RecordingSocket:
    """Keeps frames, and reads them as slowly as the test says."""

    subprotocol = None

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.pings = 0
        self.unread = 0
        self.closed: tuple[int, str] | None = None

    def write(self, frame: bytes) -> None:
        self.frames.append(msgspec.json.decode(frame[2:] if frame[1] < 126 else frame[4:]))

    def ping(self) -> None:
        self.pings += 1

    def buffered(self) -> int:
        return self.unread

    def close(self, code: int, reason: str = "") -> None:
        self.closed = code, reason

    def abort(self) -> None:
        raise AssertionError


class FakeHost:
    """The connections of a process without any other connection."""

    position = "5-0"

    def __init__(self) -> None:
        self.settings = LiveSettings(heartbeat_s=HEARTBEAT_S, life_s=3_600, max_buffer_bytes=20_000)
        self.clock = FakeLoop()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return self.clock  # type: ignore[return-value]

    async def sign_in(self, client: LiveConnection, actor: Actor) -> bool:
        raise AssertionError(client, actor)

    def sign_out(self, client: LiveConnection, actor: Actor) -> None:
        raise AssertionError(client, actor)

    def remove(self, connection: LiveConnection) -> None:
        raise AssertionError(connection)


async def no_request(_connection: LiveConnection, _frame: ClientFrame) -> None:
    raise AssertionError


Opened = tuple[FakeHost, RecordingSocket, LiveConnection]


@pytest.fixture
def opened() -> Opened:
    host, socket = FakeHost(), RecordingSocket()
    return host, socket, LiveConnection(socket, host, no_request)


@pytest.fixture
def signed_in(opened: Opened) -> Opened:
    opened[2].signed_in(Actor(new_id(), Role.CUSTOMER, new_id()), 900.0)
    return opened


def advance(opened: Opened, seconds: float, every_tick: Callable[[], None] = lambda: None) -> None:
    """Let the seconds pass one by one, and call the connection whenever it is due."""
    host, _, connection = opened
    due: float | None = connection.first_due
    for _ in range(int(seconds)):
        host.clock.now += 1
        every_tick()
        if due is not None and due <= host.clock.now:
            due = connection.on_due(host.clock.now)


def test_connection_without_hello_ends_after_five_seconds(opened: Opened) -> None:
    advance(opened, 4)
    assert opened[1].closed is None
    advance(opened, 2)
    assert opened[1].closed is not None
    assert opened[1].closed[0] == CloseCode.UNAUTHENTICATED


def test_living_connection_gets_a_position_with_each_heartbeat_until_its_token_expires(signed_in: Opened) -> None:
    _, socket, connection = signed_in
    advance(signed_in, 890, connection.pong_received)

    assert socket.closed is None
    assert 34 <= socket.pings <= 36
    assert socket.frames == [{"t": "ping", "o": PositionPing("5-0").o}] * socket.pings

    advance(signed_in, 20, connection.pong_received)
    assert socket.frames[-1]["code"] == CloseCode.TOKEN_EXPIRED


def test_prolonged_connection_lasts_until_its_life_limit(signed_in: Opened) -> None:
    _, socket, connection = signed_in

    def live_on() -> None:
        connection.pong_received()
        connection.prolong(900.0)

    advance(signed_in, 3_600 * 0.89, live_on)
    assert socket.closed is None
    advance(signed_in, 3_600 * 0.3, live_on)
    assert socket.frames[-1]["code"] == CloseCode.LIFE_LIMIT
    assert socket.frames[-1]["retry_ms"] <= 2_000


def test_connection_without_a_sign_of_life_ends_after_two_missed_heartbeats(signed_in: Opened) -> None:
    advance(signed_in, 4 * HEARTBEAT_S)

    assert signed_in[1].pings == 2
    assert signed_in[1].frames[-1]["code"] == CloseCode.NO_HEARTBEAT


def test_no_position_is_sent_while_a_subscription_is_under_way(signed_in: Opened) -> None:
    _, socket, connection = signed_in
    connection.joining = 1
    advance(signed_in, HEARTBEAT_S + 1, connection.pong_received)

    assert socket.pings == 1
    assert socket.frames == []


def test_connection_with_too_many_unsent_bytes_is_cut_with_a_code_that_lets_it_resume(signed_in: Opened) -> None:
    _, socket, connection = signed_in
    socket.unread = 20_000
    connection.send(PositionPing("6-0"))
    assert socket.closed is None

    socket.unread = 20_001
    connection.send(PositionPing("7-0"))
    connection.send(PositionPing("8-0"))

    assert socket.closed is not None
    assert socket.closed[0] == CloseCode.SLOW
    assert socket.frames[-1] == {"t": "ping", "o": "7-0"}


def test_typing_is_passed_on_once_in_two_seconds_for_each_booking(opened: Opened) -> None:
    host, _, connection = opened
    first, second = new_id(), new_id()
    passed = [connection.may_tell_typing(booking, 2.0, 2) for booking in (first, first, second)]
    host.clock.now += 2
    passed += [connection.may_tell_typing(booking, 2.0, 2) for booking in (first, new_id(), new_id(), first)]

    assert passed == [True, False, True, True, True, True, True]  # of three bookings the oldest was forgotten
