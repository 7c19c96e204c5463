"""A MongoDB replica set of three members of a test's own, with members that can be killed and started again."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from grome.dev.embedded.binaries import MONGOD, find_binary
from grome.dev.embedded.mongod import NOT_YET_INITIALIZED, REPLICA_SET, start_mongod
from grome.dev.embedded.process import ServerProcess, stop
from tests.support.eventually import START_PATIENCE_S
from tests.support.processes import free_port

ELECTION_TIMEOUT_MS: Final = 2_000
_MEMBERS: Final = 3
_POLL_S: Final = 0.05


class ReplicaSet:
    """Three members on ports that stay theirs. `kill_primary` and `restart` change which of them run."""

    def __init__(self, home: Path) -> None:
        self._binary, self._home = find_binary(MONGOD, home), home
        self.ports = [free_port() for _ in range(_MEMBERS)]
        self._servers: list[ServerProcess] = []
        for number in range(_MEMBERS):
            (home / str(number)).mkdir()
            self._servers.append(self._start(number))
        hosts = [f"127.0.0.1:{port}" for port in self.ports]
        self.url = f"mongodb://{','.join(hosts)}/?replicaSet={REPLICA_SET}"
        self._initiate(hosts)

    def _start(self, number: int) -> ServerProcess:
        return start_mongod(self._binary, self._home / str(number), self.ports[number])

    def _initiate(self, hosts: list[str]) -> None:
        members = [{"_id": number, "host": host} for number, host in enumerate(hosts)]
        timing = {"electionTimeoutMillis": ELECTION_TIMEOUT_MS, "heartbeatIntervalMillis": 500}
        config = {"_id": REPLICA_SET, "members": members, "settings": timing}
        for number in range(_MEMBERS):
            self._servers[number].wait_until(lambda number=number: self._code(number) == NOT_YET_INITIALIZED)  # type: ignore[misc]
        with self._client(0) as client:
            client.admin.command("replSetInitiate", config)
        self.await_primary()
        self.await_all_members()

    def _client(self, number: int) -> MongoClient[dict[str, Any]]:
        return MongoClient("127.0.0.1", self.ports[number], directConnection=True, serverSelectionTimeoutMS=1000)

    def _code(self, number: int) -> int | None:
        try:
            with self._client(number) as client:
                client.admin.command("replSetGetStatus")
        except PyMongoError as error:
            return getattr(error, "code", None)
        return None

    def _states(self) -> list[str]:
        """Return the state of each member as the member itself tells it, or `gone`."""
        states = []
        for number in range(_MEMBERS):
            state = "gone"
            if self._servers[number].process.poll() is None:
                try:
                    with self._client(number) as client:
                        hello = client.admin.command("hello")
                    state = "primary" if hello["isWritablePrimary"] else "secondary" if hello["secondary"] else "other"
                except PyMongoError:
                    state = "gone"
            states.append(state)
        return states

    def await_primary(self) -> int:
        """Return the number of the primary, as soon as there is one."""
        deadline = time.monotonic() + START_PATIENCE_S
        while "primary" not in (states := self._states()):
            assert time.monotonic() < deadline, states
            time.sleep(_POLL_S)
        return states.index("primary")

    def await_all_members(self) -> None:
        """Wait until one member is the primary and the others are secondaries."""
        deadline = time.monotonic() + START_PATIENCE_S
        while sorted(states := self._states()) != ["primary", "secondary", "secondary"]:
            assert time.monotonic() < deadline, states
            time.sleep(_POLL_S)

    def kill_primary(self) -> int:
        """Kill the primary by SIGKILL and return its number."""
        number = self.await_primary()
        self._servers[number].process.kill()
        self._servers[number].process.wait()
        return number

    def restart(self, number: int) -> None:
        """Start a killed member and wait until it has caught up as a secondary."""
        self._servers[number] = self._start(number)
        self.await_all_members()

    def stop(self) -> None:
        stop(self._servers)


@contextmanager
def own_replica_set(home: Path) -> Iterator[ReplicaSet]:
    replica_set = ReplicaSet(home)
    try:
        yield replica_set
    finally:
        replica_set.stop()
