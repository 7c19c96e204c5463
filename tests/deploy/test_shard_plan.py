"""The shard plan fits the declared collections, and nothing unsafe is sharded."""

import importlib
import pkgutil
from collections.abc import Mapping
from typing import Any

import pytest

import grome
from deploy.mongodb.shard import SHARD_KEYS, choose_split_points, find_unsafe, is_kept_unique, plan, run
from grome.infrastructure.mongo.client import CollectionSpec

_BLOCKED = {("bookings", "idempotency")}  # decision 24


def _declared() -> dict[str, CollectionSpec]:
    modules = [
        importlib.import_module(module.name)
        for module in pkgutil.walk_packages(grome.__path__, "grome.")
        if module.name.endswith((".repository", ".budgets"))
    ]
    found = [value for module in modules for value in vars(module).values() if isinstance(value, CollectionSpec)]
    return {spec.name: spec for spec in found}


def _unique(spec: CollectionSpec) -> dict[str, list[str]]:
    documents = [index.document for index in spec.indexes]
    return {document["name"]: list(document["key"]) for document in documents if document.get("unique")}


UNIQUE = {name: _unique(spec) for name, spec in _declared().items()}


class Recorder:
    """A stand-in for the admin database of a mongos, which keeps the commands."""

    def __init__(self, kind: str = "isdbgrid") -> None:
        self.commands: list[dict[str, Any]] = []
        self._kind = kind

    def command(self, command: dict[str, Any]) -> Mapping[str, Any]:
        if "hello" in command:
            return {"msg": self._kind}
        self.commands.append(command)
        return {}


def _run(admin: Recorder, unique: Mapping[str, Any], *, apply: bool = True) -> tuple[int, list[str]]:
    said: list[str] = []
    code = run(admin, "grome", unique, lambda *_: list(range(100)), chunks=4, apply=apply, say=said.append)
    return code, said


def test_every_sharded_collection_is_declared() -> None:
    assert SHARD_KEYS.keys() <= UNIQUE.keys()


def test_unique_indexes_of_sharded_collections_begin_with_the_shard_key() -> None:
    unsafe = {(fault.collection, fault.index) for name in SHARD_KEYS for fault in find_unsafe(name, UNIQUE[name])}
    assert unsafe == _BLOCKED


def test_hashed_shard_keys_keep_only_ids_unique() -> None:
    assert all(key.field == "_id" for key in SHARD_KEYS.values() if key.hashed)
    assert not is_kept_unique(SHARD_KEYS["sessions"], ["user_id"])


def test_run_refuses_the_unsafe_collection_and_shards_the_rest() -> None:
    admin = Recorder()
    code, said = _run(admin, UNIQUE)
    sharded = {command["shardCollection"] for command in admin.commands if "shardCollection" in command}
    assert code == 2
    assert sharded == {f"grome.{name}" for name in SHARD_KEYS if name != "bookings"}
    assert any(line.startswith("refused") and "'idempotency'" in line for line in said)


def test_run_shards_bookings_once_its_key_index_begins_with_the_barber() -> None:
    admin = Recorder()
    safe = {**UNIQUE, "bookings": {"ticks": ["barber_id", "ticks"], "key": ["barber_id", "customer_id", "key"]}}
    code, _ = _run(admin, safe)
    bookings = [command for command in admin.commands if "grome.bookings" in command.values()]
    assert code == 0
    assert bookings[0] == {"shardCollection": "grome.bookings", "key": {"barber_id": 1}}
    assert [command["middle"]["barber_id"] for command in bookings[1:]] == [25, 50, 75]


def test_run_without_apply_sends_nothing_and_prints_each_command() -> None:
    admin = Recorder()
    _, said = _run(admin, UNIQUE, apply=False)
    assert admin.commands == []
    assert any("shardCollection" in line for line in said)


def test_run_on_a_replica_set_changes_nothing() -> None:
    admin = Recorder(kind="")
    code, said = _run(admin, UNIQUE)
    assert (code, admin.commands) == (2, [])
    assert "not a mongos" in said[0]


def test_hashed_collection_is_presplit_by_the_server() -> None:
    assert list(plan("grome", "sessions", 64, [])) == [
        {"shardCollection": "grome.sessions", "key": {"_id": "hashed"}, "numInitialChunks": 64}
    ]


@pytest.mark.parametrize(
    ("values", "chunks", "points"), [([], 8, []), ([1], 8, []), ([1, 2], 8, [2]), ([1, 2, 3], 1, [])]
)
def test_split_points_of_few_values_are_few(values: list[int], chunks: int, points: list[int]) -> None:
    assert choose_split_points(values, chunks) == points
