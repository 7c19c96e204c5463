"""A TCP proxy that cuts, tears, stalls, half-closes and throttles connections, by command or by seeded dice."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

_CHUNK: Final = 4_096
_THROTTLED_CHUNK: Final = 256


@dataclass
class _Direction:
    """One direction of a link, from `reader` to `writer`."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    flows: asyncio.Event = field(default_factory=asyncio.Event)
    bytes_per_s: float | None = None
    tears_after: int | None = None  # the link is cut after so many more bytes
    half_closed: bool = False

    def __post_init__(self) -> None:
        self.flows.set()

    async def pump(self) -> None:
        """Forward until the end of the reader, or until the direction is torn."""
        while chunk := await self.reader.read(_THROTTLED_CHUNK if self.bytes_per_s else _CHUNK):
            await self.flows.wait()
            if self.half_closed:
                continue  # the bytes are lost
            if self.tears_after is not None:
                chunk, self.tears_after = chunk[: self.tears_after], self.tears_after - len(chunk)
            self.writer.write(chunk)
            await self.writer.drain()
            if self.tears_after is not None and self.tears_after <= 0:
                raise ConnectionResetError
            if self.bytes_per_s:
                await asyncio.sleep(len(chunk) / self.bytes_per_s)
        await self.flows.wait()
        self.half_close()

    def half_close(self) -> None:
        if not self.half_closed:
            self.half_closed = True
            with suppress(OSError):  # the connection is gone already
                self.writer.write_eof()


@dataclass
class Link:
    """A connection of a client through the proxy."""

    up: _Direction
    down: _Direction

    @property
    def directions(self) -> tuple[_Direction, _Direction]:
        return self.up, self.down

    def cut(self) -> None:
        """Reset both connections, with bytes of both in flight."""
        for direction in self.directions:
            direction.flows.set()
            direction.writer.transport.abort()

    def tear(self, after_bytes: int) -> None:
        """Cut after some more bytes to the client, which is most often within a frame."""
        self.down.tears_after = after_bytes

    def stall(self) -> None:
        """Hold back all bytes of both directions until `resume`."""
        for direction in self.directions:
            direction.flows.clear()

    def stall_up(self) -> None:
        self.up.flows.clear()

    def resume(self) -> None:
        for direction in self.directions:
            direction.flows.set()

    def half_close_up(self) -> None:
        """End the client's side toward the server, and lose its later bytes."""
        self.up.half_close()

    def half_close_down(self) -> None:
        """End the server's side toward the client, and lose its later bytes."""
        self.down.half_close()

    def throttle(self, bytes_per_s: float | None) -> None:
        for direction in self.directions:
            direction.bytes_per_s = bytes_per_s


class FaultProxy:
    """Forwards connections from `port` to a port of the same host. `faults` counts the faults of the dice."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self.links: list[Link] = []
        self.faults: Counter[str] = Counter()
        self.refuses = False  # new connections are reset at once

    @property
    def port(self) -> int:
        assert self._server
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)

    async def close(self) -> None:
        assert self._server
        self._server.close()
        self.cut_all()
        await self._server.wait_closed()

    def cut_all(self) -> None:
        for link in self.links:
            link.cut()

    async def _accept(self, client_reader: asyncio.StreamReader, client_writer: asyncio.StreamWriter) -> None:
        if self.refuses:
            client_writer.transport.abort()
            return
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            client_writer.transport.abort()
            return
        link = Link(_Direction(client_reader, server_writer), _Direction(server_reader, client_writer))
        self.links.append(link)
        pumps = [asyncio.create_task(direction.pump()) for direction in link.directions]
        try:
            with suppress(OSError):
                await asyncio.gather(*pumps)
        finally:
            for pump in pumps:
                pump.cancel()
            link.cut()
            self.links.remove(link)

    async def roll(self, dice: random.Random, pause_s: float) -> None:
        """Harm a random connection in a random way after each pause, until cancelled."""
        while True:
            await asyncio.sleep(dice.uniform(0, 2 * pause_s))
            if self.links:
                name, harm = dice.choice(self._harms(dice))
                harm(dice.choice(self.links))
                self.faults[name] += 1

    def _harms(self, dice: random.Random) -> list[tuple[str, Callable[[Link], None]]]:
        later = asyncio.get_running_loop().call_later

        def pause(link: Link) -> None:
            link.stall()
            later(dice.uniform(0, 3), link.resume)

        def throttle(link: Link) -> None:
            link.throttle(2_000)
            later(dice.uniform(0, 5), link.throttle, None)

        return [
            ("cut", Link.cut),
            ("tear", lambda link: link.tear(dice.randrange(1, 3_000))),
            ("pause", pause),
            ("stall", Link.stall),
            ("stall up", Link.stall_up),
            ("half-close up", Link.half_close_up),
            ("half-close down", Link.half_close_down),
            ("throttle", throttle),
        ]


@asynccontextmanager
async def fault_proxy(target_port: int) -> AsyncIterator[FaultProxy]:
    proxy = FaultProxy(target_port)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.close()
