"""Valkey (or Redis: the options are common to both), keeping its data in an append-only file."""

import re
from collections.abc import Sequence
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from grome.dev.embedded.ports import HOST
from grome.dev.embedded.process import ServerProcess


def start_valkey(binary: Path, home: Path, port: int) -> ServerProcess:
    """Start Valkey without waiting for it."""
    data = home / "valkey"
    data.mkdir(exist_ok=True)
    command = [str(binary), "--dir", str(data), "--port", str(port), "--bind", HOST, "--protected-mode", "yes"]
    command += ["--appendonly", "yes", "--save", "", "--daemonize", "no"]
    # A process that sets its title overwrites its environment, and so the mark of its owner.
    command += ["--set-proc-title", "no"]
    return ServerProcess(command, home / "log" / "valkey.log", explain)


def await_answer(valkey: ServerProcess, port: int) -> str:
    """Wait until the data are loaded and return the URL. Raises CannotStart."""
    with Redis(HOST, port, retry=Retry(NoBackoff(), 0)) as client:
        valkey.wait_until(lambda: _answers(client))
    return f"redis://{HOST}:{port}/0"


def _answers(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except RedisConnectionError:  # not listening yet, or loading its file
        return False


def explain(lines: Sequence[str]) -> str:
    """Return the last line, which names the error, without process id, role, time and level."""
    return re.sub(r"^\d+:\w \d+ \w+ \d{4} [\d:.]+ . ", "", lines[-1])
