"""Measure light sockets beside Sanic's own: memory of a socket above bare TCP, and frames a second into a sink."""

import json
import resource
import selectors
import socket
import statistics
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Final, Self, cast
from urllib.request import urlopen

import psutil

from benchmarks.bench import Bench
from benchmarks.floors.sockets import PATH
from benchmarks.report import Report, Table
from benchmarks.rounds import Spread, bars
from benchmarks.servers import HOST, Server, server
from benchmarks.targets import Target, targets_table

KINDS: Final = {"tcp": "bare TCP", "light": "light socket", "sanic": "Sanic's own"}
# The first sockets fill memory that the start of the process has left free.
_WARMING: Final = 3_000
_SOCKETS: Final = 4_000
_RECEIVERS: Final = 500
_FRAME_BYTES: Final = 300
_JOINED: Final = 4
_MAX_BYTES: Final = 15_000
_FRAMES_PER_S: Final = 100_000
_HANDSHAKE: Final = (
    f"GET {PATH} HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
).encode()


def run(bench: Bench) -> Report:
    _allow_files(2 * (_WARMING + _SOCKETS))
    with bars(bench.console) as progress:
        task = progress.add_task("Sockets", total=bench.rounds * (len(KINDS) + 2))
        memory: dict[str, list[float]] = {kind: [] for kind in KINDS}
        sent: dict[str, list[Sent]] = {"light": [], "joined": [], "sanic": []}
        for _ in range(bench.rounds):
            for kind, sizes in memory.items():
                sizes.append(_memory(bench, kind))
                progress.advance(task)
            for kind in ("light", "sanic"):
                with _serve(bench, kind) as served, sink(served, _RECEIVERS):
                    sent[kind].append(_send(bench, served, 1))
                    if kind == "light":
                        sent["joined"].append(_send(bench, served, _JOINED))
                progress.advance(task)
    above = [size - bare for size, bare in zip(memory["light"], memory["tcp"], strict=True)]
    # The CPU's seconds, since a process that shares its core is slowed down by the others and not by the frames.
    capacity = [1e6 / one.cpu_us for one in sent["light"]]
    cheaper = [other.cpu_us / one.cpu_us for one, other in zip(sent["light"], sent["sanic"], strict=True)]
    targets = [
        Target("bytes of a light socket above bare TCP", Spread.of(above), most=_MAX_BYTES, digits=0),
        Target("frames of `Socket.write` in a second of CPU", Spread.of(capacity), least=_FRAMES_PER_S, digits=0),
        Target("times as many as by Sanic's `ws.send`", Spread.of(cheaper), digits=1),
    ]
    sizes_table = Table(
        f"Memory of a socket in bytes (RSS, {_SOCKETS:,} sockets that have sent and received nothing)",
        ["", "median (min to max)"],
        [[KINDS[kind], Spread.of(sizes).text()] for kind, sizes in memory.items()],
    )
    rows = [
        ["`Socket.write`, one frame", *_row(sent["light"])],
        [f"`Socket.write`, {_JOINED} frames joined", *_row(sent["joined"])],
        ["Sanic's `ws.send`", *_row(sent["sanic"])],
    ]
    columns = ["", "frames/s, median (min to max)", "server CPU µs/frame"]
    frames_table = Table(f"Frames of {_FRAME_BYTES} bytes to {_RECEIVERS} sockets that only read", columns, rows)
    return Report([targets_table("Sockets: figures to reach", targets), sizes_table, frames_table])


def _serve(bench: Bench, kind: str) -> AbstractContextManager[Server]:
    argv = [sys.executable, "-m", "benchmarks.floors.sockets"]
    return server(KINDS[kind], argv, {"FLOOR_SOCKETS": kind}, port_variable="FLOOR_PORT", cpu=bench.core)


def _allow_files(count: int) -> None:
    """Raise this process's limit, which its servers inherit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))


# ---- memory


def _memory(bench: Bench, kind: str) -> float:
    """Return the bytes that a further socket takes."""
    with _serve(bench, kind) as served, sink(served, _WARMING, upgrades=kind != "tcp"):
        before = _resident(served)
        with sink(served, _SOCKETS, upgrades=kind != "tcp"):
            return (_resident(served) - before) / _SOCKETS


def _resident(served: Server) -> int:
    with urlopen(f"{served.url}/health/ready", timeout=30):  # noqa: S310 -- http; it collects garbage first
        return int(psutil.Process(served.pid).memory_info().rss)


# ---- frames


@dataclass(frozen=True, slots=True)
class Sent:
    rate: float
    cpu_us: float

    @classmethod
    def of(cls, frames: int, seconds: float, cpu_s: float) -> Self:
        return cls(frames / seconds, cpu_s / frames * 1e6)


def _send(bench: Bench, served: Server, joined: int) -> Sent:
    """Send for about as long as a round lasts, after a short send that shows the speed."""
    rounds, sent = 20, Sent(0, 0)
    for _ in range(2):
        url = f"{served.url}/send?rounds={rounds}&joined={joined}&bytes={_FRAME_BYTES}"
        with urlopen(url, timeout=60 + 10 * bench.seconds) as answer:  # noqa: S310 -- http
            told = json.load(answer)
        sent = Sent.of(rounds * joined * _RECEIVERS, told["seconds"], told["cpu_s"])
        rounds = max(rounds, round(bench.seconds * sent.rate / joined / _RECEIVERS))
    return sent


def _rates(sent: list[Sent]) -> Spread:
    return Spread.of([one.rate for one in sent])


def _row(sent: list[Sent]) -> list[str]:
    return [_rates(sent).text(), f"{statistics.median(one.cpu_us for one in sent):.2f}"]


@contextmanager
def sink(served: Server, count: int, *, upgrades: bool = True) -> Iterator[None]:
    """Open `count` sockets, and read and drop all that comes to them in a thread."""
    port = int(served.url.rpartition(":")[2])
    lines: list[socket.socket] = []
    selector, stopped = selectors.DefaultSelector(), threading.Event()
    reader = threading.Thread(target=_drop, args=(selector, stopped), daemon=True)
    try:
        for _ in range(count):
            line = socket.create_connection((HOST, port), timeout=30)
            lines.append(line)
            if upgrades:
                line.sendall(_HANDSHAKE)
                head = line.recv(4_096)
                if not head.startswith(b"HTTP/1.1 101 "):
                    raise RuntimeError(f"{served.name} does not upgrade: {head!r}")
            line.setblocking(False)
            selector.register(line, selectors.EVENT_READ)
        reader.start()
        yield
    finally:
        stopped.set()
        if reader.is_alive():
            reader.join()
        for line in lines:
            line.close()
        selector.close()


def _drop(selector: selectors.BaseSelector, stopped: threading.Event) -> None:
    buffer = bytearray(2**18)
    while not stopped.is_set():
        for key, _ in selector.select(0.05):
            line = cast("socket.socket", key.fileobj)
            if not line.recv_into(buffer):
                selector.unregister(line)
