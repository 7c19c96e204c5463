"""Chooses ports of the servers: the configured port, else the port of the last run, else a free port."""

import os
import socket
from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec

from grome.dev.embedded.errors import CannotStart

HOST = "127.0.0.1"


def choose_ports(home: Path, requested: Mapping[str, int | None]) -> dict[str, int]:
    """Choose a port for each server in `requested`, and store the ports in `home`, so that URLs stay the same.

    Raises CannotStart if a requested port is in use.
    """
    last = _load_last_ports(home)
    asked_for = [port for port in requested.values() if port is not None]
    chosen: dict[str, int] = {}
    for server, port in requested.items():
        if port is not None:
            chosen[server] = _require_usable(server, port, avoid=chosen.values())
        else:
            chosen[server] = _last_or_free(last.get(server), avoid=[*asked_for, *chosen.values()])
    _file(home).write_bytes(msgspec.json.encode(last | chosen))
    return chosen


def _require_usable(server: str, port: int, avoid: Collection[int]) -> int:
    reason = "another server of Grome was given it" if port in avoid else _unusable_reason(port)
    if reason:
        raise CannotStart(f"Port {port} (GROME_{server.upper()}_PORT) cannot be used: {reason}.")
    return port


def _last_or_free(last: int | None, avoid: Collection[int]) -> int:
    if last is not None and last not in avoid and not _unusable_reason(last):
        return last
    while (port := _free_port()) in avoid:
        continue
    return port


def _unusable_reason(port: int) -> str | None:
    with socket.socket() as probe:
        # Servers bind this way too; without it the closed connections of the last run would hold the port for a minute.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            return os.strerror(error.errno) if error.errno else str(error)
    return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _file(home: Path) -> Path:
    return home / "ports.json"


def _load_last_ports(home: Path) -> dict[str, int]:
    try:
        return msgspec.json.decode(_file(home).read_bytes(), type=dict[str, int])
    except (FileNotFoundError, msgspec.DecodeError):  # the first run, or a file cut short by a crash
        return {}
