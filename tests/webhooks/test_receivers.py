"""Test that misbehaving receivers block and break nothing."""

import asyncio
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from config.sections.messages import WebhookSettings
from grome.webhooks.sender import Outcome, WebhookSender
from grome.webhooks.ssrf_guard import SystemResolver
from tests.support.eventually import overload
from tests.webhooks.receiver import Behaviour, Receiver, answering

LIMIT_S = 0.5


@pytest.fixture
async def sender() -> AsyncIterator[WebhookSender]:
    resolve = SystemResolver()
    sender = WebhookSender(WebhookSettings(private_addresses=True, timeout_s=LIMIT_S), resolve)
    yield sender
    await sender.close()
    resolve.close()


@pytest.fixture
def post(sender: WebhookSender, receiver: Receiver) -> Callable[[Behaviour], Awaitable[Outcome]]:
    async def post_to(behaviour: Behaviour) -> Outcome:
        receiver.behaviours = [behaviour]
        started = time.monotonic()
        outcome = await sender.post(receiver.url, {"Content-Type": "application/json"}, b"{}")
        assert time.monotonic() - started < (LIMIT_S + 2) * overload()  # far less than it would go on for
        return outcome

    return post_to


Post = Callable[[Behaviour], Awaitable[Outcome]]
HEAD = b"HTTP/1.1 200 OK\r\n"


def writing(*parts: bytes, every_s: float = 0) -> Behaviour:
    async def behave(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(every_s)

    return behave


async def hang(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()  # until the other side has gone


async def reset(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@pytest.mark.parametrize(
    "behaviour",
    [
        hang,
        writing(*[bytes([byte]) for byte in HEAD * 9], every_s=0.05),
        writing(HEAD + b"\r\n", *[b"x"] * 100, every_s=0.05),
        writing(HEAD + b"Content-Length: 9\r\n\r\n", *[b"x"] * 3, every_s=0.3),
        writing(*[b"HTTP/1.1 100 Continue\r\n\r\n"] * 100, every_s=0.05),
    ],
    ids=["hangs", "drips its head", "drips its body", "stops in its body", "only goes on"],
)
async def test_slow_response_times_out(post: Post, behaviour: Behaviour) -> None:
    outcome = await post(behaviour)
    assert (outcome.status, outcome.error) == (None, "No whole answer within 0.5 s.")


@pytest.mark.parametrize(
    ("behaviour", "told"),
    [
        (reset, "ReadError"),
        (writing(), "RemoteProtocolError"),
        (writing(b"220 mail.example ESMTP\r\n"), "RemoteProtocolError"),
        (writing(HEAD + b"Content-Length: 5\r\n\r\nabc"), "RemoteProtocolError"),
        (writing(HEAD + b"Content-Length: minus\r\n\r\n"), "RemoteProtocolError"),
        (writing(HEAD + b"X: " + b"y" * 1_000_000), "RemoteProtocolError"),
    ],
    ids=["resets", "closes", "speaks SMTP", "breaks off", "lies", "has an endless header"],
)
async def test_broken_response_is_a_failure(post: Post, behaviour: Behaviour, told: str) -> None:
    outcome = await post(behaviour)
    assert outcome.status is None
    assert (outcome.error or "").startswith(told), outcome


async def test_huge_response_is_cut_off(post: Post, receiver: Receiver) -> None:
    """The status counts; the body is read up to four kilobytes, plus the rest of the last chunk."""
    sent = 0

    async def pour(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        while sent < 2**30:
            writer.write(b"10000\r\n" + b"x" * 2**16 + b"\r\n")
            await writer.drain()
            sent += 2**16

    outcome = await post(pour)
    assert (outcome.status, outcome.answer) == (200, "x" * 1_000)
    assert sent < 2**26
    assert receiver.connections == 1


async def test_response_is_stored_as_text(post: Post) -> None:
    outcome = await post(answering(400, b"\xff\x00<b>" + "é".encode()))
    assert (outcome.status, outcome.answer) == (400, "\ufffd\x00<b>é")


async def test_refused_connection_is_a_failure(sender: WebhookSender) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        outcome = await sender.post(f"http://127.0.0.1:{bound.getsockname()[1]}/", {}, b"{}")
    assert (outcome.error or "").startswith("ConnectError")


async def test_slow_name_server_counts_towards_the_timeout(receiver: Receiver) -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        await asyncio.sleep(30)
        return ["127.0.0.1"]

    sender = WebhookSender(WebhookSettings(private_addresses=True, timeout_s=0.1), resolve)
    outcome = await sender.post(f"http://slow.example:{receiver.port}/", {}, b"{}")
    assert (outcome.error, receiver.connections) == ("No whole answer within 0.1 s.", 0)


async def test_hanging_receivers_do_not_block_each_other(receiver: Receiver) -> None:
    limit_s, resolve = 3.0, SystemResolver()
    sender = WebhookSender(WebhookSettings(private_addresses=True, timeout_s=limit_s), resolve)
    receiver.behaviours = [hang] * 50
    started = time.monotonic()
    outcomes = await asyncio.gather(*(sender.post(receiver.url, {}, b"{}") for _ in range(51)))
    assert time.monotonic() - started < 3 * limit_s * overload()
    await sender.close()
    resolve.close()
    assert sum(outcome.status == 200 for outcome in outcomes) == 1
