"""The servers that are measured, each a child process on a core of its own.

The other processes (mongod, Valkey, the load generator) inherit the affinity of the benchmark.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, Final
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import psutil
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
START_SECONDS = 30
STOP_SECONDS = 8
# Written by Sanic itself, from the body and the connection.
OWN_HEADERS = frozenset({"connection", "keep-alive", "content-length", "content-type"})


@dataclass(frozen=True, slots=True)
class Server:
    """`pid` is the responding process: `perf stat -p` counts it, and its memory is read."""

    name: str
    url: str
    pid: int


@dataclass(frozen=True, slots=True)
class Data:
    """Where the data lie that Grome and its peers share. `public_key` (PEM) verifies Grome's access tokens."""

    mongo_url: str
    redis_url: str
    database: str
    public_key: str


@contextmanager
def server(
    name: str, argv: Sequence[str], env: Mapping[str, str], *, port_variable: str, cpu: int | None
) -> Iterator[Server]:
    """A program of this project that answers HTTP on the port which it reads from `port_variable`.

    `env` is added to this process's own. With `cpu` None it runs where this process may. The block's end ends it and
    all its children. Raises RuntimeError with its output when it ends by itself or does not answer in 30 s.
    """
    port = free_port()
    with TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: S603 -- our own programs
            argv,
            cwd=ROOT,
            env={**os.environ, **env, port_variable: str(port)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            if cpu is not None:
                os.sched_setaffinity(process.pid, {cpu})  # at once, so that whatever it starts inherits it
            url = f"http://{HOST}:{port}"
            _wait_until_it_answers(name, url, process, log)
            yield Server(name, url, _answering(process.pid))
        finally:
            _end(process)


def fastapi_peer(data: Data, *, cpu: int | None) -> AbstractContextManager[Server]:
    env = {
        "PEER_MONGO_URL": data.mongo_url,
        "PEER_REDIS_URL": data.redis_url,
        "PEER_DATABASE": data.database,
        "PEER_PUBLIC_KEY": data.public_key,
    }
    argv = [sys.executable, "-m", "benchmarks.peers.fastapi_motor"]
    return server("FastAPI, Motor, Redis cache", argv, env, port_variable="PEER_PORT", cpu=cpu)


@contextmanager
def constant_floor(
    body: bytes, headers: Mapping[str, str], *, public_key: str | None, cpu: int | None
) -> Iterator[Server]:
    """Bare Sanic sending an answer's body and headers. With a `public_key` it checks tokens as Grome does."""
    name = f"bare Sanic, constant bytes, {'remembered' if public_key else 'no'} token"
    sent = {field: value for field, value in headers.items() if field.lower() not in OWN_HEADERS}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "body.json"
        path.write_bytes(body)
        env = {"FLOOR_BODY": str(path), "FLOOR_HEADERS": json.dumps(sent), "FLOOR_PUBLIC_KEY": public_key or ""}
        argv = [sys.executable, "-m", "benchmarks.floors.constant"]
        with server(name, argv, env, port_variable="FLOOR_PORT", cpu=cpu) as floor:
            yield floor


def insert_floor(data: Data, *, cpu: int | None) -> AbstractContextManager[Server]:
    env = {"FLOOR_MONGO_URL": data.mongo_url, "FLOOR_DATABASE": data.database}
    argv = [sys.executable, "-m", "benchmarks.floors.raw_insert"]
    return server("bare Sanic, one insert", argv, env, port_variable="FLOOR_PORT", cpu=cpu)


def geo_near_floor(data: Data, *, cpu: int | None) -> AbstractContextManager[Server]:
    env = {
        "FLOOR_MONGO_URL": data.mongo_url,
        "FLOOR_DATABASE": data.database,
        "FLOOR_PUBLIC_KEY": data.public_key,
    }
    argv = [sys.executable, "-m", "benchmarks.floors.geo_near"]
    return server("bare Sanic, one $geoNear", argv, env, port_variable="FLOOR_PORT", cpu=cpu)


GROME_SERVE: Final = (sys.executable, "-m", "grome", "serve")


def grome(
    name: str, data: Data, env: Mapping[str, str], *, cpu: int | None, program: Sequence[str] = GROME_SERVE
) -> AbstractContextManager[Server]:
    """`grome serve` with one API worker, as in production but for the port that it listens on and its log.

    `env` has the other settings that production needs, above all the signing key. `program` reads the same settings.
    """
    return server(name, program, _as_in_production(data) | env, port_variable="GROME_HTTP_PORT", cpu=cpu)


@contextmanager
def grome_role(role: str, data: Data, env: Mapping[str, str]) -> Iterator[int]:
    """`grome worker` or `grome relay`. Yields the id of the process; the block's end ends it."""
    process = subprocess.Popen(  # noqa: S603 -- our own program
        [sys.executable, "-m", "grome", role],
        cwd=ROOT,
        env={**os.environ, **_as_in_production(data), "GROME_JOBS_HTTP_PORT": str(free_port()), **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process.pid
    finally:
        _end(process)


def _as_in_production(data: Data) -> dict[str, str]:
    return {
        "GROME_ENV": "production",
        "GROME_HTTP_HOST": HOST,
        "GROME_HTTP_WORKERS": "1",
        "GROME_HTTP_ACCESS_LOG": "false",
        "GROME_JOBS_WORKERS": "0",
        "GROME_LOG_LEVEL": "WARNING",
        # Production insists on them; nothing here follows a link or sends mail.
        "GROME_HTTP_PUBLIC_URL": "https://bench.grome.shop",
        "GROME_MAIL_SENDER": "bench@grome.shop",
        "GROME_MONGO_URL": data.mongo_url,
        "GROME_MONGO_DATABASE": data.database,
        "GROME_REDIS_URL": data.redis_url,
    }


def public_key_of(signing_key: str) -> str:
    """The public half of a private key, both in PEM."""
    private = load_pem_private_key(signing_key.encode(), password=None)
    return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_it_answers(name: str, url: str, process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(url):
        if process.poll() is not None or time.monotonic() > deadline:
            log.seek(0)
            raise RuntimeError(f"{name} does not answer:\n{log.read().decode(errors='replace')}")
        time.sleep(0.05)


def _answers(url: str) -> bool:
    """Whether it is ready; 404 comes from those that have no such route, and serve all the same."""
    try:
        with urlopen(f"{url}/health/ready", timeout=2):  # noqa: S310 -- http, made above
            return True
    except HTTPError as answer:
        return answer.code < 500
    except (URLError, OSError):
        return False


def _answering(pid: int) -> int:
    """Under Sanic's process manager a worker answers, else the process itself does."""
    for child in psutil.Process(pid).children(recursive=True):
        if child.environ().get("SANIC_WORKER_NAME", "").startswith("Sanic-Server"):
            return child.pid
    return pid


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        family = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        process.kill()  # does nothing to one that has ended
        process.wait()
        for left in psutil.wait_procs(family, timeout=1)[1]:
            left.kill()
