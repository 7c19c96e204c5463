"""Both reference clients, Python and JavaScript, against a server that plays the protocol."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import pytest

from grome.live_client.client import LiveClient, RequestRefused, Timing
from grome.live_client.items import SignedOut
from tests.live_client.scripted_server import EPOCH, ScriptedServer, scripted_server
from tests.support.eventually import PATIENCE_S
from tests.support.live_clients import DrivenClient, Tokens, node_client, python_client

BOOKING = "booking:b1"


class Opener(Protocol):
    """Opens one of the clients."""

    def __call__(
        self, url: str, tokens: Tokens, *, msgpack: bool = False, backoff_s: float = 0.02
    ) -> AbstractAsyncContextManager[DrivenClient]: ...


@pytest.fixture(params=[python_client, node_client], ids=["python", "javascript"])
def open_client(request: pytest.FixtureRequest) -> Opener:
    opener: Opener = request.param
    return opener


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as started:
        yield started


def numbered_tokens() -> Tokens:
    numbers = itertools.count(1)

    async def token() -> str:
        return f"token-{next(numbers)}"

    return token


async def items(client: DrivenClient, *kinds: str) -> list[tuple[Any, ...]]:
    """Return the next items, which have to be of these kinds."""
    found: list[tuple[Any, ...]] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(found) < len(kinds):
            found.append(await client.next_item())
    assert [item[0] for item in found] == list(kinds), found
    return found


@pytest.mark.parametrize("msgpack", [False, True], ids=["json", "msgpack"])
async def test_client_after_a_cut_resumes_from_its_last_position(
    server: ScriptedServer, open_client: Opener, *, msgpack: bool
) -> None:
    async with open_client(server.url, numbered_tokens(), msgpack=msgpack) as client:
        client.subscribe("user", BOOKING)
        peer = await server.accept()
        assert await peer.welcome() == "token-1"
        assert await peer.join("100-0") == [{"room": "user"}, {"room": BOOKING}]
        await peer.event(BOOKING, "100-0")  # is part of the state at 100-0
        await peer.event(BOOKING, "1000-2")
        await peer.event(BOOKING, "1000-10")
        await peer.event(BOOKING, "1000-9")  # came already, though "1000-9" is the greater text
        connected, *_, first, second = await items(client, "connected", "reload", "reload", "event", "event")
        assert connected[1] == "u1"
        assert list(connected[2]) == ["user"]
        assert [first, second] == [("event", BOOKING, o, {"id": o}) for o in ("1000-2", "1000-10")]
        await peer.write("typing", r=BOOKING, d={"user": "u2"})  # not kept back with the events while a state loads
        assert await items(client, "typing") == [("typing", BOOKING, {"user": "u2"})]

        await peer.write("ping", o="1000-5")  # moves `user` only
        await peer.reply({"id": 999})  # the reply to nothing
        await peer.event("user", "2000-0")
        await peer.write("ping", o="3000-0")
        await peer.event(BOOKING, "3001-0")
        await items(client, "event", "event")
        peer.cut()

        peer = await server.accept()
        assert await peer.welcome() == "token-2"
        asked = await peer.join("3005-0", "3001-0", "3002-0", recovered=True)
        assert asked == [
            {"room": "user", "epoch": EPOCH, "offset": "3000-0"},
            {"room": BOOKING, "epoch": EPOCH, "offset": "3001-0"},
        ]
        await peer.event(BOOKING, "3006-0")
        told = await items(
            client, "disconnected", "connected", "event", "event", "recovered", "event", "recovered", "event"
        )
        events = [item[1:3] for item in told if item[0] == "event"]
        assert events == [("user", "3001-0"), ("user", "3002-0"), (BOOKING, "3002-0"), (BOOKING, "3006-0")]


async def test_client_whose_position_is_lost_is_told_to_reload(server: ScriptedServer, open_client: Opener) -> None:
    async with open_client(server.url, numbered_tokens()) as client:
        client.subscribe(BOOKING)
        peer = await server.accept()
        await peer.welcome()
        await peer.join("500-0")
        await items(client, "connected", "reload")
        await peer.write("reset", r=BOOKING, epoch="e2", offset="90-0")
        await items(client, "reload")
        await peer.event(BOOKING, "91-0")
        assert await items(client, "event") == [("event", BOOKING, "91-0", {"id": "91-0"})]
        await peer.bye(4103)

        peer = await server.accept()
        await peer.welcome()
        await peer.expect("sub")
        await peer.write("ping", o="9000-0")  # says nothing about a room that was not joined yet
        peer.cut()
        peer = await server.accept()
        await peer.welcome()
        assert await peer.join("95-0") == [{"room": BOOKING, "epoch": "e2", "offset": "91-0"}]
        *_, reload = await items(client, "disconnected", "connected", "disconnected", "connected", "reload")
        assert reload == ("reload", BOOKING)


async def test_client_subscribes_again_neither_to_a_left_nor_to_a_refused_room(
    server: ScriptedServer, open_client: Opener
) -> None:
    async with open_client(server.url, numbered_tokens()) as client:
        rooms = [f"booking:{number}" for number in range(60)]
        client.subscribe("user", *rooms)
        peer = await server.accept()
        await peer.welcome()
        assert [len(await peer.join()), len(await peer.join())] == [50, 11]
        await items(client, "connected", *["reload"] * 61)
        client.unsubscribe(rooms[0], *rooms[2:])
        assert (await peer.expect("unsub"))["rooms"] == [rooms[0], *rooms[2:]]
        await peer.bye(4104)

        peer = await server.accept()
        await peer.welcome()
        request = await peer.expect("sub")
        assert [room["room"] for room in request["rooms"]] == ["user", rooms[1]]
        busy, gone = ({"code": code, "message": "", "temporary": code == "busy"} for code in ("busy", "gone"))
        await peer.reply(request, rooms=[{"room": "user", "error": busy}, {"room": rooms[1], "error": gone}])
        assert [room["room"] for room in await peer.join(recovered=True)] == ["user"]
        *_, left, _ = await items(client, "disconnected", "connected", "left", "recovered")
        assert left == ("left", rooms[1], "gone")


async def test_client_whose_subscription_fails_for_a_moment_repeats_it_in_one_frame(
    server: ScriptedServer, open_client: Opener
) -> None:
    async with open_client(server.url, numbered_tokens()) as client:
        rooms = [f"booking:{number}" for number in range(40)]
        client.subscribe(*rooms)
        peer = await server.accept()
        await peer.welcome()
        for _ in range(3):
            await peer.refuse(await peer.expect("sub"), "unavailable", temporary=True)
        assert [room["room"] for room in await peer.join()] == rooms
        await items(client, "connected", *["reload"] * 40)


async def test_client_that_is_drained_waits_as_long_as_the_server_says(
    server: ScriptedServer, open_client: Opener
) -> None:
    async with open_client(server.url, numbered_tokens()) as client:
        peer = await server.accept()
        await peer.welcome()
        began = asyncio.get_running_loop().time()
        await peer.bye(4100, retry_ms=400)
        peer = await server.accept()
        assert asyncio.get_running_loop().time() - began >= 0.4
        _, (_, code, retry_s) = await items(client, "connected", "disconnected")
        assert (code, 0.4 <= retry_s <= 0.6) == (4100, True)


@pytest.mark.parametrize("code", [4000, 4001, 4003, 4008, 4200, 4201])
async def test_client_that_is_refused_ends(server: ScriptedServer, open_client: Opener, code: int) -> None:
    async with open_client(server.url, numbered_tokens()) as client:
        peer = await server.accept()
        await peer.welcome()
        await peer.socket.close(code)
        assert (await items(client, "connected", "end"))[-1] == ("end", code)
        with pytest.raises(Exception, match=r"ended|for good"):
            await client.send("b1", "Hello", "k1")
        assert server.is_alone


async def test_client_that_is_cut_reconnects_with_a_fresh_token(server: ScriptedServer, open_client: Opener) -> None:
    async with open_client(server.url, numbered_tokens()) as client:
        for number, code in enumerate((4101, 4102, 4103, 4104, 4105, 1001, 1011), 1):
            peer = await server.accept()
            assert await peer.welcome() == f"token-{number}"
            await peer.socket.close(code)
            _, disconnected = await items(client, "connected", "disconnected")
            assert disconnected[1] == code
        assert await (await server.accept()).welcome() == "token-8"


async def test_client_that_changes_its_network_resumes_on_a_new_connection(
    server: ScriptedServer, open_client: Opener
) -> None:
    async with open_client(server.url, numbered_tokens()) as client:
        client.subscribe("user")
        peer = await server.accept()
        await peer.welcome()
        await peer.join("100-0")
        await items(client, "connected", "reload")
        client.reconnect()
        peer = await server.accept()
        await peer.welcome()
        assert await peer.join("101-0", recovered=True) == [{"room": "user", "epoch": EPOCH, "offset": "100-0"}]
        await items(client, "disconnected", "connected", "recovered")


async def test_client_before_its_token_expires_sends_a_fresh_token(server: ScriptedServer, open_client: Opener) -> None:
    async with open_client(server.url, numbered_tokens()):
        peer = await server.accept()
        await peer.welcome(expires_in=0.2)
        for number in (2, 3):
            request = await peer.expect("refresh")
            assert request["token"] == f"token-{number}"
            await peer.reply(request, expires_in=0.2)


async def test_client_with_a_failing_token_function_tries_again_and_without_session_ends(
    server: ScriptedServer,
) -> None:
    answers = iter([OSError("no network"), ValueError("bad answer"), "token-1", SignedOut()])

    async def token() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with python_client(server.url, token) as client:
        peer = await server.accept()
        assert await peer.welcome() == "token-1"
        await peer.bye(4102)
        told = await items(client, "disconnected", "disconnected", "connected", "disconnected", "end")
        assert told[-1] == ("end", 0)


async def test_client_that_hears_nothing_reconnects(server: ScriptedServer, open_client: Opener) -> None:
    async with open_client(server.url, numbered_tokens()) as client:
        peer = await server.accept()
        await peer.welcome(heartbeat_s=0.1)
        await peer.write("ping", o="1-0")
        await items(client, "connected", "disconnected")
        await (await server.accept()).welcome()


async def test_client_repeats_an_unanswered_message_under_the_same_key(
    server: ScriptedServer, open_client: Opener
) -> None:
    async with open_client(server.url, numbered_tokens()) as client:
        sending = asyncio.create_task(client.send("b1", "Hello", "k1"))
        peer = await server.accept()
        await peer.welcome()
        first = await peer.expect("send")
        peer.cut()
        peer = await server.accept()
        await peer.welcome()
        again = await peer.expect("send")
        assert (first["key"], first["text"], first["booking"]) == ("k1", "Hello", "b1")
        assert again == first
        await peer.refuse(again, "database_unavailable", temporary=True)
        await peer.reply(await peer.expect("send"), id="m1")
        assert await sending == {"id": "m1"}

        refused = asyncio.create_task(client.send("b1", "Hello", "k2"))
        await peer.refuse(await peer.expect("send"), "blocked")
        with pytest.raises(Exception, match="blocked"):
            await refused


async def test_where_without_connection_or_reply_fails_and_is_not_repeated(server: ScriptedServer) -> None:
    async with LiveClient(server.url, numbered_tokens(), timing=Timing(0.02, reply_s=0.05)) as client:
        with pytest.raises(ConnectionError):
            await client.where("b1", 52.5, 13.4)
        peer = await server.accept()
        await peer.welcome()
        await anext(client)
        with pytest.raises(TimeoutError):
            await client.where("b1", 52.5, 13.4)
        await peer.expect("where")
        reading = asyncio.create_task(client.read("b1", "m1"))
        await peer.refuse(await peer.expect("read"), "not_found")
        with pytest.raises(RequestRefused, match="not_found"):
            await reading


async def test_javascript_client_holds_events_back_until_the_state_is_loaded(server: ScriptedServer) -> None:
    async with node_client(server.url, numbered_tokens()) as client:
        client.subscribe(BOOKING)
        peer = await server.accept()
        await peer.welcome()
        await peer.join("10-0")
        await peer.event(BOOKING, "11-0")
        async with asyncio.timeout(PATIENCE_S):
            assert [(await client.read_item())[0] for _ in range(2)] == ["connected", "reload"]
            client.write("failed", BOOKING)
            assert await client.read_item() == ("reload", BOOKING)
            await peer.write("reset", r=BOOKING, epoch="e2", offset="12-0")
            await peer.event(BOOKING, "13-0")
            await peer.write("typing", r=BOOKING, d={})
            assert (await client.read_item())[0] == "typing"
            client.write("loaded", BOOKING)  # the state before the reset
            assert await client.read_item() == ("reload", BOOKING)
            client.write("loaded", BOOKING)
            assert await client.read_item() == ("event", BOOKING, "13-0", {"id": "13-0"})
