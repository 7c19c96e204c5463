"""The machine of a run, as far as it affects the figures."""

import os
import platform
from importlib.metadata import version

from pymongo import MongoClient
from redis import Redis

from benchmarks.bench import Bench
from benchmarks.load import CONNECTIONS

_PACKAGES = ("sanic", "uvloop", "msgspec", "pymongo", "redis", "fastapi", "motor", "uvicorn")


def circumstances(bench: Bench) -> str:
    """One paragraph; it names no host and no path."""
    pinned = "the server under test on one, everything else on the others" if bench.core is not None else "not pinned"
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"{os.cpu_count()} cores ({pinned}), {platform.system()} on {platform.machine()}, Python "
        f"{platform.python_version()}, {_servers(bench)}; {packages}. Load from {bench.loader.name} over {CONNECTIONS} "
        f"connections. Rounds: {bench.rounds} of {bench.seconds} s."
    )


def _servers(bench: Bench) -> str:
    with MongoClient[dict[str, object]](bench.mongo_url) as mongo, Redis.from_url(bench.redis_url) as redis:
        told = redis.info("server")
        valkey = told.get("valkey_version") or told["redis_version"]
        return f"mongod {mongo.server_info()['version']}, Valkey {valkey}"
