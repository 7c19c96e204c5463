"""Real servers of a test's own, to be killed, started again where they were, and held still."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from grome.dev.embedded.binaries import MONGOD, VALKEY, find_binary
from grome.dev.embedded.mongod import await_primary, start_mongod
from grome.dev.embedded.process import ServerProcess, stop
from grome.dev.embedded.valkey import await_answer, start_valkey
from tests.support.processes import free_port


class StoppableServer:
    """A server on a port that stays its own, and with data that stay. It runs from the start."""

    def __init__(self, start: Callable[[int], ServerProcess], ready: Callable[[ServerProcess, int], str]) -> None:
        self._start, self._ready, self._port = start, ready, free_port()
        self._server = start(self._port)
        self.url = ready(self._server, self._port)

    def start(self) -> None:
        """Returns when it answers; it may be running, or held still."""
        if self._server.process.poll() is None:
            self.resume()
        else:
            self._server = self._start(self._port)
        self._ready(self._server, self._port)

    def kill(self) -> None:
        self._server.process.kill()
        self._server.process.wait()

    def freeze(self) -> None:
        """From here on it takes connections and says nothing: the kernel takes them for it."""
        self._server.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._server.process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        self.resume()
        stop([self._server])


@contextmanager
def own_mongod(home: Path) -> Iterator[StoppableServer]:
    binary = find_binary(MONGOD, home)
    with _end_at_exit(StoppableServer(lambda port: start_mongod(binary, home, port), await_primary)) as server:
        yield server


@contextmanager
def own_valkey(home: Path) -> Iterator[StoppableServer]:
    binary = find_binary(VALKEY, home)
    with _end_at_exit(StoppableServer(lambda port: start_valkey(binary, home, port), await_answer)) as server:
        yield server


@contextmanager
def _end_at_exit(server: StoppableServer) -> Iterator[StoppableServer]:
    try:
        yield server
    finally:
        server.end()
