"""Live connections over a real socket: signing in, requests, guards and ends."""

import asyncio
import json

import httpx
import msgspec
import pytest
from websockets.exceptions import InvalidStatus

from config.settings import Settings
from grome.app import App
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.realtime.connections import LiveConnections
from tests.builders.barbers import barber
from tests.builders.bookings import ask, tomorrow
from tests.builders.people import create_admin, register
from tests.conftest import AdjustableClock
from tests.support.app import serve_app
from tests.support.live import AsyncSockets, live_socket, open_socket


async def test_hello_with_a_token_welcomes_with_the_rooms_of_open_bookings(
    app: App, http: httpx.AsyncClient, container: Container
) -> None:
    customer, chair = await register(http), await barber(http, container)
    booking = (await ask(http, customer, chair, tomorrow(10))).json()

    async with open_socket(app) as socket:
        await socket.send(t="hello", token=customer.access_token)
        welcome = await socket.receive_kind("hello")

    assert welcome["user"] == str(customer.id)
    assert welcome["rooms"] == ["user", f"booking:{booking['id']}"]
    assert 0 < welcome["expires_in"] <= 900


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ({"t": "hello", "token": "no.such.token"}, 4001),
        ({"t": "hello", "ticket": "none"}, 4001),
        ({"t": "hello"}, 4001),
        ({"t": "ping", "id": 1}, 4001),
        ({"t": "dance"}, 4000),
        ([1], 4000),
    ],
)
async def test_connection_without_a_valid_hello_is_closed(app: App, first: object, code: int) -> None:
    async with open_socket(app) as socket:
        await socket.send_raw(json.dumps(first))
        bye = await socket.bye()

    assert bye["code"] == code


async def test_second_hello_closes_the_connection(app: App, http: httpx.AsyncClient) -> None:
    customer = await register(http)
    async with live_socket(app, customer) as socket:
        await socket.send(t="hello", token=customer.access_token)
        assert (await socket.bye())["code"] == 4000


async def test_malformed_request_is_answered_and_the_connection_goes_on(app: App, http: httpx.AsyncClient) -> None:
    async with live_socket(app, await register(http)) as socket:
        refused = await socket.request("sub", rooms=[{"room": "user", "offset": "soon"}])
        still = await socket.request("ping")

    message = "rooms[0].offset: is not a position of the form <ms>-<n>"
    assert refused["error"] == {"code": "invalid", "message": message, "temporary": False}
    assert still["ok"] == {}


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ('{"t": "hello", "tokn": "x"}', "The message is not a frame: tokn: is not a known field; did you mean token?"),
        ('{"t": "helo"}', "The message is not a frame: t: is not one of: hello, refresh, sub"),
        ("[]", "The message is not a frame: the message is not an object"),
        (f'{{"t": "hello", "{"ñ" * 100}": 1}}', "The message is not a frame: ñññññ"),
        ("{", "The message cannot be read in this subprotocol."),
        ('{"x": ' + "[" * 8_000 + "]" * 8_000 + "}", "The message cannot be read in this subprotocol."),
    ],
    ids=["field", "kind", "list", "long name", "cut short", "deep"],
)
async def test_message_that_is_no_frame_closes_the_connection_with_a_reason(
    app: App, message: str, reason: str
) -> None:
    async with open_socket(app) as socket:
        await socket.send_raw(message)
        bye = await socket.bye()
    assert bye["code"] == 4000
    assert bye["reason"].startswith(reason)


async def test_subscription_answers_each_room_and_refuses_foreign_rooms(
    app: App, http: httpx.AsyncClient, container: Container
) -> None:
    customer, chair = await register(http), await barber(http, container)
    booking = (await ask(http, customer, chair, tomorrow(10))).json()
    room, shop = f"booking:{booking['id']}", f"shop:{chair.id}"
    nothing = f"booking:{new_id()}"

    async with live_socket(app, customer) as socket:
        mine = await socket.subscribe("user", room, shop, nothing, "lobby")
    async with live_socket(app, await register(http)) as socket:
        strangers = await socket.subscribe("user", room)
    async with live_socket(app, await create_admin(http, container)) as socket:
        admins = await socket.subscribe(room, shop)

    assert [answer["room"] for answer in mine] == ["user", room, shop, nothing, "lobby"]
    assert [answer.get("error", {}).get("code") for answer in mine] == [None, None, "not_found", "not_found", "invalid"]
    assert [answer.get("recovered") for answer in mine[:2]] == [False, False]
    assert [answer.get("error", {}).get("code") for answer in strangers] == [None, "not_found"]
    assert all("error" not in answer for answer in admins)


async def test_message_pack_connection_gets_binary_frames(app: App, http: httpx.AsyncClient) -> None:
    customer = await register(http)
    async with open_socket(app, subprotocols=["grome.msgpack"]) as socket:
        await socket.send_raw(msgspec.msgpack.encode({"t": "hello", "token": customer.access_token}))
        welcome = msgspec.msgpack.decode(await socket.connection.recv())
        await socket.send_raw("{}")
        bye = msgspec.msgpack.decode(await socket.connection.recv())

    assert welcome["user"] == str(customer.id)
    assert bye["code"] == 4000


async def test_revoked_session_closes_its_connections_at_once(app: App, http: httpx.AsyncClient) -> None:
    customer = await register(http)
    async with live_socket(app, customer) as first, live_socket(app, customer) as second:
        assert (await http.post("/v1/auth/logout", headers=customer.auth)).status_code == 204
        async with asyncio.timeout(5):  # a second on a machine with nothing else to do
            byes = [await first.bye(), await second.bye()]

    assert [bye["code"] for bye in byes] == [4200, 4200]


async def test_refresh_with_the_token_of_another_session_is_refused(app: App, http: httpx.AsyncClient) -> None:
    customer, other = await register(http), await register(http)
    async with live_socket(app, customer) as socket:
        refused = await socket.request("refresh", token=other.access_token)
        renewed = await http.post("/v1/auth/refresh", json={"refresh_token": customer.refresh_token})
        accepted = await socket.request("refresh", token=renewed.json()["access_token"])

    assert refused["error"]["code"] == "unauthenticated"
    assert 0 < accepted["ok"]["expires_in"] <= 900


@pytest.mark.parametrize(
    ("origin", "code"), [("https://evil.example", 4003), ("null", 4003), ("https://app.grome.example", 1000)]
)
async def test_origin_that_is_not_listed_is_closed(settings: Settings, origin: str, code: int, database: None) -> None:  # noqa: ARG001
    live = msgspec.structs.replace(settings.live, origins="https://app.grome.example, https://other.example")
    changed = msgspec.structs.replace(settings, live=live)
    async with serve_app(changed) as app, open_socket(app, origin=origin) as socket:
        if code == 1000:
            await socket.connection.close()
        assert await socket.close_code() == code


async def test_request_without_an_upgrade_is_told_to_upgrade(http: httpx.AsyncClient) -> None:
    answer = await http.get("/v1/live")

    assert answer.status_code == 426
    assert answer.headers["upgrade"] == "websocket"
    assert answer.json()["code"] == "upgrade_required"


async def test_flood_of_frames_is_cut(app: App, http: httpx.AsyncClient) -> None:
    async with live_socket(app, await register(http)) as socket:
        for number in range(200):
            await socket.send(t="ping", id=number)
        assert await socket.close_code() == 4008


async def test_eleventh_connection_of_an_account_is_refused(app: App, http: httpx.AsyncClient) -> None:
    customer = await register(http)
    async with AsyncSockets(app) as sockets:
        for _ in range(10):
            assert (await sockets.hello(customer.access_token))["t"] == "hello"
        last = await sockets.hello(customer.access_token)

    assert (last["t"], last["code"]) == ("bye", 4201)


async def test_drain_closes_all_connections_and_spreads_their_return(
    settings: Settings, http: httpx.AsyncClient, clock: AdjustableClock
) -> None:
    customer = await register(http)
    async with serve_app(settings, clock) as app, live_socket(app, customer) as first, open_socket(app) as unsigned:
        await app.ctx.container.get(LiveConnections).drain()
        byes = [await first.bye(), await unsigned.bye()]
        with pytest.raises(InvalidStatus) as refused:
            async with open_socket(app):
                pass

    assert [bye["code"] for bye in byes] == [4100, 4100]
    assert all(0 <= bye["retry_ms"] <= 2_000 for bye in byes)
    assert refused.value.response.status_code == 503
