"""The loaders notice every answer that is not as it should be, or the figures would be worth nothing."""

import asyncio
import shutil
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar

import pytest

from benchmarks.connections import Answer, Connection, raw_request
from benchmarks.counters import read_instructions
from benchmarks.load import CONNECTIONS, AsyncLoader, Loader, LoadFailed, Requests, Wrk, load

AFTER = " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def loaders(folder: Path) -> list[Loader]:
    """Both of them where wrk is installed."""
    wrk = shutil.which("wrk")
    return [AsyncLoader(), *([Wrk(wrk, folder / "requests")] if wrk else [])]


class Answering(socketserver.StreamRequestHandler):
    """Answers the status that a request's path names, `/200` for one, in two pieces, and hangs up at `/close`."""

    seen: ClassVar[set[str]] = set()

    def handle(self) -> None:
        with suppress(ConnectionError):
            while first := self.rfile.readline():
                while self.rfile.readline() not in {b"\r\n", b""}:
                    pass
                path = first.split()[1].decode()
                self.seen.add(path)
                if path == "/close":
                    return
                self.wfile.write(f"HTTP/1.1 {path[1:4]} Fine\r\ncontent-length: 5\r\n\r\nhe".encode())
                self.wfile.write(b"llo")


class Listening(socketserver.ThreadingTCPServer):
    request_queue_size = CONNECTIONS


@contextmanager
def server() -> Iterator[str]:
    Answering.seen.clear()
    with Listening(("127.0.0.1", 0), Answering) as listening:
        threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01}).start()
        try:
            yield f"http://127.0.0.1:{listening.server_address[1]}"
        finally:
            listening.shutdown()


def test_load_sends_every_request_and_counts_the_responses(tmp_path: Path) -> None:
    for loader in loaders(tmp_path):
        with server() as url:
            loaded = load(loader, url, Requests("GET /", ["200", "200?a", "200?b"], AFTER), 1)

        assert Answering.seen == {"/200", "/200?a", "/200?b"}, loader.name
        assert loaded.requests > 100, loader.name
        assert 0 < loaded.p50_ms <= loaded.p99_ms < 1000, loader.name
        assert loaded.rate == pytest.approx(loaded.requests, rel=0.3), loader.name


@pytest.mark.parametrize(("path", "status"), [("500", 200), ("404", 200), ("200", 201)])
def test_load_with_an_unexpected_status_fails(tmp_path: Path, path: str, status: int) -> None:
    for loader in loaders(tmp_path):
        with server() as url, pytest.raises(LoadFailed, match=f"were not {status}"):
            load(loader, url, Requests("GET /", [path], AFTER, status), 1)


def test_load_with_a_lost_connection_fails(tmp_path: Path) -> None:
    for loader in loaders(tmp_path):
        with server() as url, pytest.raises(LoadFailed, match="connections broke"):
            load(loader, url, Requests("GET /", ["close"], AFTER), 1)


def test_load_with_too_few_requests_to_send_once_fails(tmp_path: Path) -> None:
    for loader in loaders(tmp_path):
        with server() as url, pytest.raises(LoadFailed, match="were too few"):
            load(loader, url, Requests("GET /", ["201"] * 50, AFTER, status=201, once=True), 1)


def test_connection_sends_several_requests() -> None:
    with server() as url:
        answers = asyncio.run(_ask(url, "/200", "/404"))

    assert [(answer.status, answer.body) for answer in answers] == [(200, b"hello"), (404, b"hello")]


async def _ask(url: str, *paths: str) -> list[Answer]:
    connection = await Connection.open(url)
    answers = [await connection.ask(raw_request("GET", path, {})) for path in paths]
    await connection.close()
    return answers


def test_raw_request_has_the_content_length_of_its_body() -> None:
    assert raw_request("PUT", "/x", {"A": "b"}, {"c": 1}) == (
        b"PUT /x HTTP/1.1\r\nHost: 127.0.0.1\r\nA: b\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n"
        b'{"c":1}'
    )


def test_instructions_are_read_from_perf_or_none_if_not_counted() -> None:
    assert read_instructions("123456,,instructions:u,1000,100.00,,\n") == 123456
    assert read_instructions("<not supported>,,instructions:u,0,100.00,,\n") is None
    assert read_instructions("") is None
