"""The setup that all sections share: data servers, a core for the server under test, and the duration."""

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec
from rich.console import Console

from benchmarks.load import Loader, find_loader
from benchmarks.servers import GROME_SERVE, Data, Server, grome, grome_role, public_key_of
from config.loading import load_settings
from config.settings import Settings
from grome.dev.embedded import embedded_servers
from grome.infrastructure.made_keys import load_or_create_signing_key, with_made_keys
from grome.infrastructure.rate_limits.models import LimitClass

TOKEN_TTL_S: Final = 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`largest` is the greatest number of barbers of `growth`; `ledger_entries` are verified, `sockets` opened.

    `visits` are lived through for the sizes of documents.
    """

    rounds: int
    seconds: int
    largest: int
    freshness_s: int
    effects_s: int
    ledger_entries: int
    sockets: int
    visits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """`core` runs the servers under test; None if the machine has a single core or cannot pin processes."""

    console: Console
    home: Path
    mongo_url: str
    redis_url: str
    signing_key: str
    core: int | None
    loader: Loader
    options: Options

    @property
    def rounds(self) -> int:
        return self.options.rounds

    @property
    def seconds(self) -> int:
        return self.options.seconds

    def data(self, database: str) -> Data:
        """Each database of MongoDB has one of Valkey's for itself, since cached cells do not name theirs."""
        redis_url = f"{self.redis_url.rpartition('/')[0]}/{_REDIS_NUMBERS[database]}"
        return Data(self.mongo_url, redis_url, database, public_key_of(self.signing_key))

    def settings(self, database: str) -> Settings:
        """For preparing data in this process: those of the tests, since bcrypt at full strength takes minutes."""
        data = self.data(database)
        base = with_made_keys(load_settings({"GROME_ENV": "test", "GROME_HOME": str(self.home)}), self.home)
        return msgspec.structs.replace(
            base,
            accounts=msgspec.structs.replace(base.accounts, access_ttl_s=TOKEN_TTL_S),
            mongo=msgspec.structs.replace(base.mongo, url=data.mongo_url, database=database, timeout_ms=120_000),
            redis=msgspec.structs.replace(base.redis, url=data.redis_url),
        )

    def grome(
        self,
        name: str,
        database: str,
        *,
        pinned: bool = True,
        limited: Collection[LimitClass] = (),
        program: Sequence[str] = GROME_SERVE,
        **changed: str,
    ) -> AbstractContextManager[Server]:
        """`grome serve` as in production, with one API worker; `changed` sets further variables.

        All load comes from one address, so limits are higher than in production, except those of `limited`.
        """
        limits = {f"GROME_LIMITS_{one.upper()}": _NO_LIMIT for one in LIMITED_CLASSES - set(limited)}
        env = {**self._keys(database), **limits, **changed}
        cpu = self.core if pinned else None
        return grome(name, self.data(database), env, cpu=cpu, program=program)

    def role(self, role: str, database: str, **changed: str) -> AbstractContextManager[int]:
        """`grome worker` or `grome relay` on the cores of this process."""
        return grome_role(role, self.data(database), {**self._keys(database), **changed})

    def _keys(self, database: str) -> dict[str, str]:
        keys = self.settings(database).accounts
        return {
            "GROME_HOME": str(self.home),
            "GROME_ACCOUNTS_SIGNING_KEY": keys.signing_key,
            "GROME_ACCOUNTS_SECRETS_KEYS": keys.secrets_keys,
            "GROME_ACCOUNTS_PEPPER": keys.pepper,
        }


LIMITED_CLASSES: Final = frozenset(LimitClass) - {LimitClass.UNLIMITED}
_NO_LIMIT: Final = "10000000"
DEMO: Final = "bench_demo"
CREATE: Final = "bench_create"
CREATE_CLAIMED: Final = "bench_create_claimed"
CONTENTION: Final = "bench_contention"
EFFECTS: Final = "bench_effects"
AVAILABILITY: Final = "bench_availability"
LEDGER: Final = "bench_ledger"
PAYMENTS: Final = "bench_payments"
LIVE: Final = "bench_live"
STORM: Final = "bench_storm"
SIZES: Final = "bench_sizes"
GROWN: Final = "bench_grown"
OUTBOX: Final = "bench_outbox"
GROWTH: Final = {20_000: "bench_20k", 200_000: "bench_200k", 1_000_000: "bench_1m"}
_REDIS_NUMBERS: Final = {
    name: number
    for number, name in enumerate(
        (
            DEMO,
            CREATE,
            CREATE_CLAIMED,
            CONTENTION,
            EFFECTS,
            AVAILABILITY,
            LEDGER,
            PAYMENTS,
            LIVE,
            STORM,
            SIZES,
            GROWN,
            OUTBOX,
            *GROWTH.values(),
        )
    )
}


@contextmanager
def opened(console: Console, options: Options) -> Iterator[Bench]:
    """Servers in a temporary folder, which goes with them at the end."""
    for name in [name for name in os.environ if name.startswith("GROME_")]:
        del os.environ[name]  # results do not depend on the shell
    core = _keep_one_core_free()
    with TemporaryDirectory(prefix="grome-bench-") as folder, embedded_servers(Path(folder)) as servers:
        yield Bench(
            console=console,
            home=Path(folder),
            mongo_url=servers.mongo_url or "",
            redis_url=servers.redis_url or "",
            signing_key=load_or_create_signing_key(Path(folder)),
            core=core,
            loader=find_loader(Path(folder)),
            options=options,
        )


def _keep_one_core_free() -> int | None:
    """The core for the servers under test. This process and its later children run on the other cores."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) == 1:
        return None
    os.sched_setaffinity(0, cores[:-1])
    return cores[-1]


@contextmanager
def on_all_cores(bench: Bench) -> Iterator[None]:
    """Within the block this process and its children may also run on the core of the servers under test."""
    if bench.core is None:
        yield
        return
    ours = os.sched_getaffinity(0)
    os.sched_setaffinity(0, ours | {bench.core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, ours)
