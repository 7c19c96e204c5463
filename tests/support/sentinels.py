"""A primary with a replica behind three Sentinels, of a test's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from grome.dev.embedded.binaries import VALKEY, find_binary
from grome.dev.embedded.process import ServerProcess, stop
from grome.dev.embedded.valkey import await_answer, explain, start_valkey
from tests.support.processes import free_port

SERVICE: Final = "queues"
_SENTINELS: Final = 3
_DOWN_AFTER_MS: Final = 1_000


class Watched:
    """`url` names the Sentinels; `kill_primary` kills the first primary."""

    def __init__(self, home: Path) -> None:
        binary = find_binary(VALKEY, home)
        self.servers: list[ServerProcess] = []
        ports = [free_port(), free_port()]
        for number, port in enumerate(ports):
            (home / str(number)).mkdir()
            self.servers.append(start_valkey(binary, home / str(number), port))
            await_answer(self.servers[-1], port)
        with Redis("127.0.0.1", ports[1]) as replica:
            replica.replicaof("127.0.0.1", str(ports[0]))
            self.servers[1].wait_until(lambda: replica.info("replication")["master_link_status"] == "up")
        watchers = [free_port() for _ in range(_SENTINELS)]
        for port in watchers:
            self._watch(binary, home, port, ports[0])
        for port in watchers:
            self.servers[-1].wait_until(lambda port=port: _knows_all(port))  # type: ignore[misc]
        self.url = f"redis+sentinel://{','.join(f'127.0.0.1:{port}' for port in watchers)}/{SERVICE}"

    def _watch(self, binary: Path, home: Path, port: int, primary: int) -> None:
        config = home / f"sentinel-{port}.conf"
        lines = [f"port {port}", "bind 127.0.0.1", f"dir {home}", "set-proc-title no"]
        lines += [f"sentinel monitor {SERVICE} 127.0.0.1 {primary} 2"]
        lines += [f"sentinel down-after-milliseconds {SERVICE} {_DOWN_AFTER_MS}"]
        lines += [f"sentinel failover-timeout {SERVICE} 5000"]
        config.write_text("\n".join(lines) + "\n")
        self.servers.append(ServerProcess([str(binary), str(config), "--sentinel"], home / f"{port}.log", explain))

    def kill_primary(self) -> None:
        self.servers[0].process.kill()
        self.servers[0].process.wait()


def _knows_all(port: int) -> bool:
    """Return whether the Sentinel knows the replica and the other Sentinels."""
    try:
        with Redis("127.0.0.1", port) as client:
            state = client.sentinel_master(SERVICE)
    except RedisConnectionError:
        return False
    return state["num-slaves"] == 1 and state["num-other-sentinels"] == _SENTINELS - 1


@contextmanager
def own_sentinels(home: Path) -> Iterator[Watched]:
    watched = Watched(home)
    try:
        yield watched
    finally:
        stop(watched.servers)
