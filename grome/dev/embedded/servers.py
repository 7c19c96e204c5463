"""Runs mongod, Valkey and the local Stripe while Grome runs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from grome.dev.embedded.binaries import MONGOD, VALKEY, Program, find_binary, read_version
from grome.dev.embedded.home_lock import lock_home
from grome.dev.embedded.mongod import await_primary, start_mongod
from grome.dev.embedded.orphans import end_orphans
from grome.dev.embedded.ports import choose_ports
from grome.dev.embedded.process import ServerProcess, stop
from grome.dev.embedded.stripe import EmbeddedStripe, await_stripe, load_or_create_keys, start_stripe
from grome.dev.embedded.valkey import await_answer, start_valkey


@dataclass(frozen=True, slots=True)
class EmbeddedServers:
    """URLs of the started servers; None for a server that was not needed."""

    mongo_url: str | None
    redis_url: str | None
    stripe: EmbeddedStripe | None = None
    versions: Mapping[str, str] = field(default_factory=dict)  # of the started programs, by product


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str  # as in the settings GROME_<NAME>_PORT
    title: str
    program: Program
    start: Callable[[Path, Path, int], ServerProcess]  # from binary, home, port; does not wait
    await_url: Callable[[ServerProcess, int], str]


_MONGO = _Kind("mongo", "MongoDB", MONGOD, start_mongod, await_primary)
_REDIS = _Kind("redis", "Valkey", VALKEY, start_valkey, await_answer)


@contextmanager
def embedded_servers(
    home: Path,
    *,
    mongo_port: int | None = None,
    redis_port: int | None = None,
    need_mongo: bool = True,
    need_redis: bool = True,
    stripe_webhook_url: str | None = None,
    stripe_port: int | None = None,
) -> Iterator[EmbeddedServers]:
    """Run the servers during the block, with the data of earlier runs in `home`.

    The local Stripe is started if `stripe_webhook_url` is given, and sends its events there. On entry all answer, and
    mongod is a writable primary. Servers of a killed run are ended first. Without a port, the port of the last run is
    used, or a free port. Raises CannotStart.
    """
    home = home.resolve()
    kinds = [kind for kind, needed in ((_MONGO, need_mongo), (_REDIS, need_redis)) if needed]
    requested = {_MONGO: mongo_port, _REDIS: redis_port}
    with lock_home(home):
        end_orphans(home)
        binaries = {kind: find_binary(kind.program, home) for kind in kinds}
        versions = {kind.title: read_version(kind.program, binaries[kind]) for kind in kinds}
        ports = choose_ports(home, {kind.name: requested[kind] for kind in kinds})
        with (
            _running(kinds, binaries, home, ports) as urls,
            _local_stripe(home, stripe_webhook_url, stripe_port) as stripe,
        ):
            yield EmbeddedServers(urls.get(_MONGO.name), urls.get(_REDIS.name), stripe, versions)


@contextmanager
def _running(
    kinds: Sequence[_Kind], binaries: dict[_Kind, Path], home: Path, ports: dict[str, int]
) -> Iterator[dict[str, str]]:
    servers: dict[str, ServerProcess] = {}
    try:
        for kind in kinds:  # start all before waiting, so that they start concurrently
            servers[kind.name] = kind.start(binaries[kind], home, ports[kind.name])
        yield {kind.name: kind.await_url(servers[kind.name], ports[kind.name]) for kind in kinds}
    finally:
        stop(list(servers.values()))


@contextmanager
def _local_stripe(home: Path, webhook_url: str | None, port: int | None) -> Iterator[EmbeddedStripe | None]:
    if webhook_url is None:
        yield None
        return
    chosen = choose_ports(home, {"stripe": port})["stripe"]
    server = start_stripe(home, chosen, webhook_url)
    try:
        yield EmbeddedStripe(await_stripe(server, chosen), load_or_create_keys(home))
    finally:
        stop([server])
