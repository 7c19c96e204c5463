"""The shard plan fits the declared collections, and nothing unsafe is sharded."""

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from pymongo import MongoClient

import grome
from config.settings import Settings
from deploy.mongodb.shard import (
    SHARD_KEYS,
    Collection,
    choose_split_points,
    find_unsafe,
    is_kept_unique,
    plan,
    run,
    sample_values,
)
from grome.common.ids import new_id
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
DECLARED = {name: Collection(unique, {}, is_empty=True) for name, unique in UNIQUE.items()}
PREPARED = Collection(
    {"ticks": ["barber_id", "ticks"], "key": ["barber_id", "customer_id", "idempotency.key"]},
    {"$or": [{"idempotency": None}, {"idempotency.leased_until": {"$type": "date"}}]},
    is_empty=False,
)
READY = {**DECLARED, "bookings": PREPARED}


class Mongos:
    """A stand-in for a cluster, which keeps the commands."""

    def __init__(self, kind: str = "isdbgrid") -> None:
        self.commands: list[dict[str, Any]] = []
        self._kind = kind

    def command(self, database: str, command: dict[str, Any]) -> Mapping[str, Any]:
        if "hello" in command:
            return {"msg": self._kind}
        assert database == ("grome" if "createIndexes" in command else "admin")
        self.commands.append(command)
        return {}

    def values(self, _collection: str, _field: str) -> list[int]:
        return list(range(100))

    @property
    def sharded(self) -> set[str]:
        return {command["shardCollection"] for command in self.commands if "shardCollection" in command}


def _run(cluster: Mongos, collections: Mapping[str, Collection], *, apply: bool = True) -> tuple[int, list[str]]:
    said: list[str] = []
    code = run(cluster, "grome", collections, chunks=4, apply=apply, say=said.append)
    return code, said


def test_every_sharded_collection_is_declared() -> None:
    assert SHARD_KEYS.keys() <= UNIQUE.keys()


def test_unique_indexes_of_sharded_collections_begin_with_the_shard_key() -> None:
    unsafe = {(fault.collection, fault.index) for name in SHARD_KEYS for fault in find_unsafe(name, UNIQUE[name])}
    assert unsafe == _BLOCKED


def test_hashed_shard_keys_keep_only_ids_unique() -> None:
    assert all(key.field == "_id" for key in SHARD_KEYS.values() if key.hashed)
    assert not is_kept_unique(SHARD_KEYS["sessions"], ["user_id"])


def test_run_refuses_unprepared_bookings_and_shards_the_rest() -> None:
    cluster = Mongos()
    code, said = _run(cluster, DECLARED)
    assert code == 2
    assert cluster.sharded == {f"grome.{name}" for name in SHARD_KEYS if name != "bookings"}
    refused = [line for line in said if line.startswith("refused")]
    assert any("'idempotency'" in line for line in refused)
    assert any("grome prepare-shards" in line for line in refused)


@pytest.mark.parametrize(
    "lacking",
    [
        {**READY, "bookings": replace(PREPARED, unique={"ticks": ["barber_id", "ticks"]})},
        {**READY, "bookings": replace(PREPARED, validator={"$jsonSchema": {}})},
        {name: collection for name, collection in READY.items() if name != "booking_keys"},
    ],
    ids=["no unique key", "no rule", "no claims"],
)
def test_run_refuses_bookings_without_a_part_of_the_claims(lacking: Mapping[str, Collection]) -> None:
    cluster = Mongos()
    code, _ = _run(cluster, lacking)
    assert code == 2
    assert "grome.bookings" not in cluster.sharded


def test_run_shards_prepared_bookings_after_their_claims() -> None:
    cluster = Mongos()
    code, _ = _run(cluster, READY)
    assert code == 0
    assert cluster.sharded == {f"grome.{name}" for name in SHARD_KEYS}
    of_bookings = [command for command in cluster.commands if "grome.bookings" in command.values()]
    assert of_bookings[0] == {"shardCollection": "grome.bookings", "key": {"barber_id": 1}}
    assert [command["middle"]["barber_id"] for command in of_bookings[1:]] == [25, 50, 75]
    order = [command["shardCollection"] for command in cluster.commands if "shardCollection" in command]
    assert order.index("grome.booking_keys") < order.index("grome.bookings")


def test_run_again_leaves_sharded_collections_alone() -> None:
    cluster = Mongos()
    code, _ = _run(cluster, {name: replace(collection, is_sharded=True) for name, collection in READY.items()})
    assert (code, cluster.commands) == (0, [])


def test_run_without_apply_sends_nothing_and_prints_each_command() -> None:
    cluster = Mongos()
    _, said = _run(cluster, DECLARED, apply=False)
    assert cluster.commands == []
    assert any("shardCollection" in line for line in said)


def test_run_on_a_replica_set_changes_nothing() -> None:
    cluster = Mongos(kind="")
    code, said = _run(cluster, DECLARED)
    assert (code, cluster.commands) == (2, [])
    assert "not a mongos" in said[0]


def test_empty_hashed_collection_is_presplit_by_the_server() -> None:
    assert list(plan("grome", "sessions", Collection({}, {}, is_empty=True), 64, [])) == [
        ("admin", {"shardCollection": "grome.sessions", "key": {"_id": "hashed"}, "numInitialChunks": 64})
    ]


def test_hashed_collection_with_documents_gets_its_index_first() -> None:
    assert list(plan("grome", "sessions", Collection({}, {}, is_empty=False), 64, [])) == [
        ("grome", {"createIndexes": "sessions", "indexes": [{"key": {"_id": "hashed"}, "name": "shard_key"}]}),
        ("admin", {"shardCollection": "grome.sessions", "key": {"_id": "hashed"}}),
    ]


@pytest.mark.parametrize(
    ("values", "chunks", "points"), [([], 8, []), ([1], 8, []), ([1, 2], 8, [2]), ([1, 2, 3], 1, [])]
)
def test_split_points_of_few_values_are_few(values: list[int], chunks: int, points: list[int]) -> None:
    assert choose_split_points(values, chunks) == points


def test_split_points_are_chosen_from_values_each_once_in_order(settings: Settings) -> None:
    barbers = [new_id() for _ in range(5)]
    with MongoClient[dict[str, Any]](settings.mongo.url, uuidRepresentation="standard") as client:
        database, name = client[settings.mongo.database], f"sampled_{new_id().hex}"
        database[name].insert_many([{"barber_id": barber} for barber in barbers * 3])
        try:
            assert sample_values(database, name, "barber_id") == sorted(barbers)
        finally:
            database[name].drop()
