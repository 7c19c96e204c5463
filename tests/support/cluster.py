"""A Redis Cluster of a test's own."""

import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from grome.dev.embedded.binaries import VALKEY, find_binary
from grome.dev.embedded.process import ServerProcess, stop
from grome.dev.embedded.valkey import explain
from tests.support.processes import free_port

_SLOTS: Final = 16_384
PRIMARIES: Final = 3


class ClusterNode:
    """A server with a part of the slots."""

    def __init__(self, binary: Path, home: Path) -> None:
        self.port, self.bus_port = free_port(), free_port()
        self._command = [str(binary), "--dir", str(home), "--port", str(self.port), "--bind", "127.0.0.1"]
        self._command += ["--cluster-enabled", "yes", "--cluster-port", str(self.bus_port)]
        self._command += ["--cluster-node-timeout", "2000", "--cluster-require-full-coverage", "no"]
        self._command += ["--appendonly", "yes", "--save", ""]
        self._command += ["--set-proc-title", "no"]
        self._log = home / "log"
        self.start()

    def start(self) -> None:
        self.server = ServerProcess(self._command, self._log, explain)

    def kill(self) -> None:
        self.server.process.kill()
        self.server.process.wait()

    def freeze(self) -> None:
        """From here on it takes connections and says nothing."""
        self.server.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.server.process.send_signal(signal.SIGCONT)

    def client(self) -> Redis:
        return Redis("127.0.0.1", self.port)

    def serves_all_slots(self) -> bool:
        """Return whether the node sees a primary for each slot."""
        try:
            with self.client() as client:
                found: list[object] = client.execute_command("CLUSTER", "SLOTS")
                state: bytes = client.execute_command("CLUSTER", "INFO")
        except RedisConnectionError:
            return False
        return len(found) == PRIMARIES and "cluster_state:ok" in str(state)

    def is_primary(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.info("replication")["role"] == "master")
        except RedisConnectionError:
            return False

    def has_caught_up(self) -> bool:
        """Return whether the node is a replica that has the data of its primary."""
        try:
            with self.client() as client:
                state = client.info("replication")
        except RedisConnectionError:
            return False
        return bool(state["role"] == "slave" and state["master_link_status"] == "up")

    def follow(self, primary: "ClusterNode") -> None:
        """Become a replica."""
        with primary.client() as client:
            primary_id = client.execute_command("CLUSTER", "MYID")
        with self.client() as client:
            self.server.wait_until(lambda: primary_id in client.execute_command("CLUSTER", "NODES"))
            client.execute_command("CLUSTER", "REPLICATE", primary_id)
        self.server.wait_until(self.has_caught_up)


def cluster_url(nodes: Iterable[ClusterNode]) -> str:
    return f"redis+cluster://{','.join(f'127.0.0.1:{node.port}' for node in nodes)}"


@contextmanager
def own_cluster(home: Path, *, with_replicas: bool = False) -> Iterator[list[ClusterNode]]:
    """Three primaries, then a replica of each if there are replicas."""
    binary = find_binary(VALKEY, home)
    nodes: list[ClusterNode] = []
    try:
        for number in range(2 * PRIMARIES if with_replicas else PRIMARIES):
            (home / str(number)).mkdir()
            nodes.append(ClusterNode(binary, home / str(number)))
        for number, node in enumerate(nodes):
            node.server.wait_until(lambda node=node: _answers(node))  # type: ignore[misc]
            with node.client() as client:
                if number < PRIMARIES:
                    first, end = _SLOTS * number // PRIMARIES, _SLOTS * (number + 1) // PRIMARIES
                    client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, end - 1)
                client.execute_command("CLUSTER", "MEET", "127.0.0.1", nodes[0].port, nodes[0].bus_port)
        for node in nodes:
            node.server.wait_until(node.serves_all_slots)
        for primary, replica in zip(nodes, nodes[PRIMARIES:], strict=False):
            replica.follow(primary)
        yield nodes
    finally:
        stop([node.server for node in nodes])


def _answers(node: ClusterNode) -> bool:
    try:
        with node.client() as client:
            return bool(client.ping())
    except RedisConnectionError:
        return False
