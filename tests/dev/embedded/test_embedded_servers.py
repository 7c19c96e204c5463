"""The servers for real: each test starts and ends them in a home of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure
from pymongo.write_concern import WriteConcern
from redis import Redis

import grome
from grome.dev.embedded import CannotStart, EmbeddedServers, embedded_servers
from tests.support.eventually import PATIENCE_S, overload

OWNER = Path(__file__).with_name("owner.py")
PROJECT = Path(grome.__file__).parents[1]


def mongo_client(servers: EmbeddedServers) -> MongoClient[dict[str, Any]]:
    return MongoClient(servers.mongo_url)


def redis_client(servers: EmbeddedServers) -> Redis:
    assert servers.redis_url is not None
    return Redis.from_url(servers.redis_url, decode_responses=True)


@contextmanager
def clients(servers: EmbeddedServers) -> Iterator[tuple[MongoClient[dict[str, Any]], Redis]]:
    with mongo_client(servers) as mongo, redis_client(servers) as redis:
        yield mongo, redis


def mongod_pid(mongo: MongoClient[dict[str, Any]]) -> int:
    return int(mongo.admin.command("serverStatus")["pid"])


def valkey_pid(redis: Redis) -> int:
    about: Any = redis.info("server")  # typed as perhaps awaitable, since the library shares the signature
    return int(about["process_id"])


def running(pids: list[int]) -> list[int]:
    return [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]


def port_of(url: str | None) -> int:
    return int(str(url).rsplit(":", 1)[1].split("/")[0])


@contextmanager
def owner_process(home: Path) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """owner.py on `home`, and the ids of the three processes that it started."""
    command = [sys.executable, str(OWNER), str(home)]
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as owner:
        assert owner.stdout is not None
        try:
            yield owner, json.loads(owner.stdout.readline())
        finally:
            owner.kill()


def test_restarted_servers_keep_their_data_and_urls(tmp_path: Path) -> None:
    with embedded_servers(tmp_path) as first, clients(first) as (mongo, redis):
        mongo.shop.bookings.insert_one({"_id": "kept"})
        redis.set("kept", "yes")
        pids = [mongod_pid(mongo), valkey_pid(redis)]
        assert len(running(pids)) == 2
    assert running(pids) == []

    with embedded_servers(tmp_path) as second, clients(second) as (mongo, redis):
        assert second == first
        assert mongo.shop.bookings.find_one() == {"_id": "kept"}
        assert redis.get("kept") == "yes"


def test_servers_on_other_ports_keep_their_data(tmp_path: Path, unused_ports: tuple[int, int]) -> None:
    mongo_port, redis_port = unused_ports
    with embedded_servers(tmp_path) as before, clients(before) as (mongo, redis):
        mongo.shop.bookings.insert_one({"_id": "kept"})
        redis.set("kept", "yes")

    with (
        embedded_servers(tmp_path, mongo_port=mongo_port, redis_port=redis_port) as moved,
        clients(moved) as (mongo, redis),
    ):
        assert port_of(before.mongo_url) != port_of(moved.mongo_url) == mongo_port
        assert port_of(before.redis_url) != port_of(moved.redis_url) == redis_port
        assert [member["name"] for member in mongo.admin.command("replSetGetStatus")["members"]] == [
            f"127.0.0.1:{mongo_port}"
        ]
        assert mongo.shop.bookings.find_one() == {"_id": "kept"}
        assert redis.get("kept") == "yes"


def test_start_after_a_killed_owner_ends_its_processes(tmp_path: Path) -> None:
    with owner_process(tmp_path) as (owner, pids):
        owner.kill()
        owner.wait()
        assert running(pids) == pids
        assert len(pids) == 3  # mongod, valkey and the worker

        with embedded_servers(tmp_path) as servers, clients(servers) as (mongo, redis):
            assert running(pids) == []
            assert mongo.shop.bookings.find_one() == {"_id": "kept"}
            assert redis.get("kept") == "yes"


def test_sigint_ends_the_servers_within_seconds(tmp_path: Path) -> None:
    with owner_process(tmp_path) as (owner, pids):
        interrupted = time.monotonic()
        owner.send_signal(signal.SIGINT)
        owner.wait(timeout=PATIENCE_S)
        assert time.monotonic() - interrupted < 5 * overload()
        assert running(pids) == []


def test_acknowledged_write_survives_sigkill_of_mongod(tmp_path: Path) -> None:
    with embedded_servers(tmp_path, need_redis=False) as servers, mongo_client(servers) as mongo:
        bookings = mongo.shop.get_collection("bookings", write_concern=WriteConcern("majority", j=True))
        bookings.insert_one({"_id": "acknowledged"})
        os.kill(mongod_pid(mongo), signal.SIGKILL)

    with embedded_servers(tmp_path, need_redis=False) as servers, mongo_client(servers) as mongo:
        assert mongo.shop.bookings.find_one() == {"_id": "acknowledged"}


def test_mongod_without_redis_listens_on_loopback_without_javascript(tmp_path: Path) -> None:
    with embedded_servers(tmp_path, need_redis=False) as servers, mongo_client(servers) as mongo:
        assert servers.redis_url is None
        assert not (tmp_path / "valkey").exists()
        assert mongo.admin.command("getCmdLineOpts")["parsed"]["net"]["bindIp"] == "127.0.0.1"
        with pytest.raises(OperationFailure, match="no globalScriptEngine"):
            mongo.shop.bookings.find_one({"$where": "true"})


def test_error_inside_the_with_block_ends_the_server(tmp_path: Path) -> None:
    pids = []

    def fail_while_running() -> None:
        with embedded_servers(tmp_path, need_mongo=False) as servers, redis_client(servers) as redis:
            pids.append(valkey_pid(redis))
            raise RuntimeError("seed failed")

    with pytest.raises(RuntimeError, match="seed failed"):
        fail_while_running()
    assert len(pids) == 1
    assert running(pids) == []


def test_valkey_without_mongod_starts_alone(tmp_path: Path) -> None:
    with embedded_servers(tmp_path, need_mongo=False) as servers:
        assert servers.mongo_url is None
        assert servers.redis_url is not None
        assert not (tmp_path / "mongo").exists()


def test_damaged_valkey_file_is_reported_in_one_sentence(tmp_path: Path) -> None:
    manifest = tmp_path / "valkey" / "appendonlydir" / "appendonly.aof.manifest"
    manifest.parent.mkdir(parents=True)
    manifest.write_text("garbage\n")

    with pytest.raises(CannotStart) as refusal, embedded_servers(tmp_path, need_mongo=False):
        pass
    assert "ended while starting, with status 1: Invalid AOF manifest file format" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_damaged_mongod_data_is_reported_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "mongo").mkdir()
    (tmp_path / "mongo" / "WiredTiger").write_text("garbage")
    (tmp_path / "mongo" / "WiredTiger.turtle").write_text("garbage")

    with pytest.raises(CannotStart) as refusal, embedded_servers(tmp_path):
        pass
    assert str(refusal.value).startswith("mongod ended while starting")
    assert "\n" not in str(refusal.value)


def test_restart_keeps_one_previous_log(tmp_path: Path) -> None:
    for _ in range(3):
        with embedded_servers(tmp_path, need_mongo=False):
            pass
    assert sorted(log.name for log in (tmp_path / "log").iterdir()) == ["valkey.log", "valkey.log.1"]
