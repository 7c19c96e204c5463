"""mongod as a replica set of one: change streams and majority writes need a replica set."""

import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from grome.dev.embedded.ports import HOST
from grome.dev.embedded.process import ServerProcess

REPLICA_SET = "grome"
CACHE_GB = 0.5
OPLOG_MB = 1024  # the default is 5 % of the free disk
NOT_YET_INITIALIZED = 94  # the server's error code

Client = MongoClient[dict[str, Any]]


def start_mongod(binary: Path, home: Path, port: int) -> ServerProcess:
    """Start mongod without waiting for it. All options exist in MongoDB 6, 7 and 8."""
    data = home / "mongo"
    data.mkdir(exist_ok=True)
    command = [str(binary), "--dbpath", str(data), "--port", str(port), "--bind_ip", HOST, "--nounixsocket"]
    command += ["--replSet", REPLICA_SET, "--oplogSize", str(OPLOG_MB), "--wiredTigerCacheSizeGB", str(CACHE_GB)]
    command += ["--noscripting", "--quiet"]  # no JavaScript in queries; no log line for each connection
    command += ["--setParameter", "diagnosticDataCollectionEnabled=false"]
    # On SIGTERM a primary waits this long for another member to take over: there is none.
    command += ["--setParameter", "shutdownTimeoutMillisForSignaledShutdown=0"]
    # Locks of a killed client's transaction are released after this time; the default is a minute.
    command += ["--setParameter", "transactionLifetimeLimitSeconds=3"]
    return ServerProcess(command, home / "log" / "mongod.log", explain)


def await_primary(mongod: ServerProcess, port: int) -> str:
    """Wait until writes are accepted and return the URL. Raises CannotStart."""
    mongod.wait_until(lambda: _listens(port))  # faster than a MongoClient, which tries twice a second only
    client: Client = MongoClient(HOST, port, directConnection=True, serverSelectionTimeoutMS=1000)
    with client:
        mongod.wait_until(lambda: _is_primary_after_step(client, f"{HOST}:{port}"))
    return f"mongodb://{HOST}:{port}/?replicaSet={REPLICA_SET}"


def _listens(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def _is_primary_after_step(client: Client, host: str) -> bool:
    """Take the next step towards a primary known as `host`; the caller retries after an error."""
    try:
        hello = client.admin.command("hello")
        if hello["isWritablePrimary"] and hello["me"] == host:
            return True
        _configure(client, host)
    except PyMongoError:  # still loading its configuration, or electing itself
        return False
    return False


def _configure(client: Client, host: str) -> None:
    try:
        config = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as error:
        if error.code != NOT_YET_INITIALIZED:
            raise
        client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": [{"_id": 0, "host": host}]})
        return
    member = config["members"][0]
    if member["host"] != host:  # the port is another than last time
        member["host"] = host
        config["version"] += 1
        client.admin.command("replSetReconfig", config, force=True)


class _LogLine(msgspec.Struct):
    s: str  # severity: I, W, E or F
    msg: str
    attr: dict[str, Any] = {}


def explain(lines: Sequence[str]) -> str:
    """Return the first error of mongod's log, since later errors follow from it.

    A line that is no JSON comes from the loader or the option parser and is an error too.
    """
    entry = None
    for line in lines:
        try:
            entry = msgspec.json.decode(line, type=_LogLine)
        except msgspec.DecodeError:
            return line
        if entry.s in {"E", "F"}:
            return f"{entry.msg}: {_cause(entry.attr)}"
    return entry.msg if entry else ""


def _cause(attr: dict[str, Any]) -> str:
    match attr:
        case {"error": str(text)} | {"error": {"errmsg": str(text)}} | {"message": {"error_str": str(text)}}:
            return text
        case _:
            return msgspec.json.encode(attr).decode()
