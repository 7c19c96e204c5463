"""Server-sent events: sign-in, resume, and the end of a stream."""

import asyncio
import itertools
import json
import random
import socket
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import h3
import httpx
from msgspec import Struct

from grome.accounts.verifier import Verifier
from grome.app import App
from grome.common.actor import Actor, Role
from grome.common.clock import system_clock
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.infrastructure.redis.client import Namespace, RedisClients
from grome.realtime.frames import JoinedRoom, Joins
from grome.realtime.hub import Hub
from grome.realtime.models import RoomEvent
from grome.realtime.shards import shard_of, state_key
from grome.realtime.sse import EventStream
from grome.realtime.stream_positions import StreamPositions
from grome.realtime.streams import LivePublisher
from grome.realtime.tickets import Tickets
from tests.builders.people import Person, register

PATIENCE_S = 60.0
RANDOM = random.Random(14)  # noqa: S311 -- the same choices in each run


class Message(Struct):
    """A server-sent event; `kind` is its `event` field."""

    id: str
    kind: str
    frame: dict[str, Any]


async def messages(response: httpx.Response) -> AsyncIterator[Message]:
    """Yield the messages of a stream as a browser's EventSource does."""
    last_id, kind, data = "", "message", ""
    async for line in response.aiter_lines():
        name, _, value = line.partition(": ")
        match name:
            case "id":
                last_id = value
            case "event":
                kind = value
            case "data":
                data = value
            case "" if not value and data:
                yield Message(last_id, kind, json.loads(data))
                kind, data = "message", ""


@asynccontextmanager
async def stream(
    http: httpx.AsyncClient, person: Person | None, rooms: Sequence[str] = ("user",), last_id: str = "", **query: str
) -> AsyncIterator[AsyncIterator[Message]]:
    headers = {**(person.auth if person else {}), **({"Last-Event-ID": last_id} if last_id else {})}
    params = {"rooms": ",".join(rooms), **query}
    async with http.stream("GET", "/v1/events", params=params, headers=headers, timeout=PATIENCE_S) as response:
        assert response.status_code == 200, await response.aread()
        async with aclosing(messages(response)) as found:
            yield found


async def open_and_close(http: httpx.AsyncClient, person: Person | None, **query: str) -> int:
    headers = person.auth if person else {}
    async with http.stream("GET", "/v1/events", params={"rooms": "user", **query}, headers=headers) as response:
        return response.status_code


async def next_frame(found: AsyncIterator[Message], t: str) -> Message:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            message = await anext(found)
            if message.frame["t"] == t:
                return message


def event_in(room: str, people: Sequence[UUID], number: int = 1) -> RoomEvent:
    payload = json.dumps({"id": str(new_id()), "version": number}).encode()
    return RoomEvent(room, tuple(people), str(new_id()), number, system_clock(), payload)


def areas(count: int) -> list[str]:
    """Return rooms that are public and have no other events: areas of the Pacific."""
    where = RANDOM.uniform(-160, -120)
    return [f"area:{h3.latlng_to_cell(-40 + number, where, 6)}" for number in range(count)]


async def ticket_of(http: httpx.AsyncClient, person: Person) -> str:
    answer = await http.post("/v1/live/ticket", headers=person.auth)
    assert answer.status_code == 201, answer.text
    assert answer.json()["expires_in"] == 30
    ticket: str = answer.json()["ticket"]
    return ticket


async def test_stream_by_ticket_gets_events_of_its_room_and_ticket_works_once(
    http: httpx.AsyncClient, container: Container
) -> None:
    person, other = await register(http), await register(http)
    publisher, ticket = container.get(LivePublisher), await ticket_of(http, person)
    async with stream(http, None, ticket=ticket, rooms=["user", f"shop:{other.id}"]) as found:
        hello = await next_frame(found, "hello")
        assert (hello.frame["user"], hello.frame["rooms"]) == (str(person.id), ["user"])
        [own, foreign] = (await next_frame(found, "reply")).frame["ok"]["rooms"]
        assert (own["room"], own["recovered"], own["events"]) == ("user", False, [])
        assert foreign["error"]["code"] == "not_found"
        await publisher.broadcast(f"user:{person.id}", [person.id], "typing", b'{"user":"x"}')
        await publisher.publish([event_in(f"user:{person.id}", [person.id])])
        typing = await next_frame(found, "typing")
        event = await next_frame(found, "event")
        assert (event.frame["r"], event.frame["d"]["version"]) == ("user", 1)
        assert event.id != typing.id
    assert await open_and_close(http, None, ticket=ticket) == 401
    assert await open_and_close(http, None, ticket="unknown") == 401
    assert await open_and_close(http, None) == 401


async def test_stream_has_headers_against_buffering_proxies(http: httpx.AsyncClient) -> None:
    person = await register(http)
    async with http.stream("GET", "/v1/events?rooms=user", headers=person.auth) as response:
        got = response.headers
    assert got["content-type"] == "text/event-stream"
    assert (got["cache-control"], got["x-accel-buffering"]) == ("no-store", "no")
    assert "content-encoding" not in got
    assert (await http.head("/v1/events?rooms=user", headers=person.auth)).status_code == 200
    assert (await http.get("/v1/events?rooms=nothing", headers=person.auth)).status_code == 422


async def test_stream_that_reconnects_gets_each_event_of_many_rooms_once_and_in_order(
    http: httpx.AsyncClient, container: Container
) -> None:
    person, rooms, publisher = await register(http), areas(12), container.get(LivePublisher)
    last_id, sent = "", defaultdict[str, list[int]](list)
    received = defaultdict[str, list[int]](list)

    async def publish(count: int) -> None:
        for number in itertools.islice(numbers, count):
            room = RANDOM.choice(rooms)
            sent[room].append(number)
            await publisher.publish([event_in(room, (), number)])

    numbers = itertools.count(1)
    for connection in range(5):
        async with stream(http, person, rooms, last_id) as found:
            joined = await next_frame(found, "reply")
            last_id = joined.id
            for room in joined.frame["ok"]["rooms"]:
                assert room["recovered"] is (connection > 0)
                received[room["room"]] += [event["d"]["version"] for event in room["events"]]
            wanted = RANDOM.randint(0, 8)
            await publish(8)
            for _ in range(wanted):  # the others are left unread
                event = await next_frame(found, "event")
                received[event.frame["r"]].append(event.frame["d"]["version"])
                last_id = event.id
        await publish(4)  # nobody listens
    async with stream(http, person, rooms, last_id) as found:
        for room in (await next_frame(found, "reply")).frame["ok"]["rooms"]:
            received[room["room"]] += [event["d"]["version"] for event in room["events"]]
    assert {room: found for room, found in received.items() if found} == sent


async def test_stream_from_position_of_another_history_has_to_reload(http: httpx.AsyncClient) -> None:
    person, rooms = await register(http), areas(2)
    async with stream(http, person, rooms) as found:
        last_id = (await next_frame(found, "reply")).id
    other_history = "~".join(f"{part[:2]}0000{part[part.rindex('.') :]}" for part in last_id.split("~"))
    for unusable in (other_history, "no position", "~" * 1_000):
        async with stream(http, person, rooms, last_event_id=unusable) as found:
            joined = (await next_frame(found, "reply")).frame["ok"]["rooms"]
            assert [room["recovered"] for room in joined] == [False, False]


async def test_stream_whose_token_expires_says_so_and_ends(http: httpx.AsyncClient, container: Container) -> None:
    person = await register(http)
    actor, _ = await container.get(Verifier).sign_in(person.access_token)
    ticket = await container.get(Tickets).issue(actor, container.clock() + timedelta(seconds=1))
    async with stream(http, None, ticket=ticket) as found:
        assert (await next_frame(found, "bye")).frame["code"] == 4102
        assert [message async for message in found] == []


async def test_end_of_a_stream_closes_its_connection(app: App, http: httpx.AsyncClient) -> None:
    """A client that returned on it would meet the same process, which may be stopping and refuse it."""
    person, url = await register(http), httpx.URL(app.ctx.base_url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    token = person.auth["Authorization"]
    writer.write(f"GET /v1/events?rooms=user HTTP/1.1\r\nHost: grome\r\nAuthorization: {token}\r\n\r\n".encode())
    async with asyncio.timeout(PATIENCE_S):
        await reader.readuntil(b'"t":"reply"')
        assert (await http.post("/v1/auth/logout", headers=person.auth)).status_code == 204
        assert (await reader.read()).endswith(b"\r\n0\r\n\r\n")
    writer.close()


async def test_stream_of_revoked_session_ends(http: httpx.AsyncClient) -> None:
    person = await register(http)
    async with stream(http, person) as found:
        await next_frame(found, "reply")
        assert (await http.post("/v1/auth/logout", headers=person.auth)).status_code == 204
        assert (await next_frame(found, "bye")).frame["code"] == 4200
        assert [message async for message in found] == []
    assert await open_and_close(http, person) == 401


async def test_account_has_at_most_ten_streams(app: App, http: httpx.AsyncClient) -> None:
    person = await register(http)
    limits = httpx.Limits(max_connections=20)
    async with httpx.AsyncClient(base_url=app.ctx.base_url, limits=limits) as many:
        opened = [stream(many, person) for _ in range(10)]
        for one in opened:
            await next_frame(await one.__aenter__(), "reply")
        assert await open_and_close(many, person) == 429
        for one in opened:
            await one.__aexit__(None, None, None)


async def test_stream_that_is_not_read_is_cut_off(app: App, http: httpx.AsyncClient, container: Container) -> None:
    person, publisher = await register(http), container.get(LivePublisher)
    host, port = app.ctx.base_url.removeprefix("http://").split(":")
    lazy = socket.socket()
    lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    lazy.setblocking(False)
    loop = asyncio.get_running_loop()
    with lazy:
        await loop.sock_connect(lazy, (host, int(port)))
        head = ["GET /v1/events?rooms=user HTTP/1.1", f"Host: {host}", f"Authorization: Bearer {person.access_token}"]
        await loop.sock_sendall(lazy, "\r\n".join([*head, "", ""]).encode())
        assert (await loop.sock_recv(lazy, 1_000)).startswith(b"HTTP/1.1 200")
        big = b'"%b"' % (b"x" * 50_000)
        async with stream(http, person) as quick, asyncio.timeout(PATIENCE_S):
            for _ in range(200):
                await publisher.broadcast(f"user:{person.id}", [person.id], "typing", big)
                assert (await next_frame(quick, "typing")).frame["d"] == "x" * 50_000
            assert await read_to_end(lazy) < 200 * 50_000


async def read_to_end(source: socket.socket) -> int:
    """Return the number of bytes that came before the end of the connection."""
    count, loop = 0, asyncio.get_running_loop()
    while data := await loop.sock_recv(source, 1_000_000):
        count += len(data)
    return count


def test_stream_has_no_position_until_all_rooms_of_a_shard_were_reset(container: Container) -> None:
    actor = Actor(new_id(), Role.CUSTOMER, new_id())
    positions, (first, second, other) = StreamPositions(), rooms_of_two_shards()
    event_stream = EventStream(actor, positions, container.get(Hub), 100_000, lambda: None)
    event_stream.joined(
        Joins([JoinedRoom(room, "old", "1796112000000-0", recovered=False) for room in (first, second, other)])
    )
    before, after = ("old", "1796112000000-0"), ("new", "1796112000009-3")
    for room, expected in ((first, (None, None)), (second, after)):
        event_stream.reset(room, *after)
        resumed = StreamPositions.parse(positions.id)
        for name, position in ((first, expected), (second, expected), (other, before)):
            request = resumed.request(name)
            assert (request.epoch, request.offset) == position


def rooms_of_two_shards() -> tuple[str, str, str]:
    """Return two rooms of one shard, and a room of another."""
    rooms = areas(40)
    first, *others = rooms
    second = next(room for room in others if shard_of(room) == shard_of(first))
    return first, second, next(room for room in others if shard_of(room) != shard_of(first))


async def test_stream_is_told_of_a_reset_by_a_message_of_its_own_kind(
    http: httpx.AsyncClient, container: Container
) -> None:
    person, redis, namespace = await register(http), container.get(RedisClients).commands, container.get(Namespace)
    async with stream(http, person) as found:
        joined = await next_frame(found, "reply")
        await redis.delete(state_key(namespace, shard_of(f"user:{person.id}")))
        reset = await next_frame(found, "reset")
        assert (reset.kind, reset.frame["r"]) == ("reset", "user")
        assert reset.frame["epoch"] != joined.frame["ok"]["rooms"][0]["epoch"]
        await container.get(LivePublisher).publish([event_in(f"user:{person.id}", [person.id])])
        await next_frame(found, "event")
    async with stream(http, person, last_id=joined.id) as found:
        assert not (await next_frame(found, "reply")).frame["ok"]["rooms"][0]["recovered"]
    async with stream(http, person, last_id=reset.id) as found:
        [room] = (await next_frame(found, "reply")).frame["ok"]["rooms"]
        assert (room["recovered"], len(room["events"])) == (True, 1)
