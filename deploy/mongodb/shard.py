"""Shard the collections of Grome on a MongoDB cluster, by the keys of this file.

Run `python deploy/mongodb/shard.py --url mongodb://mongos:27017 --database grome` to print the plan; `--apply` carries
it out. The script refuses a collection with a unique index that does not begin with the shard key, since MongoDB could
not keep it unique, and bookings before `grome prepare-shards`. docs/decisions/0024-uniqueness-on-shards.md has the
reasons of the keys.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from pymongo import MongoClient
from pymongo.database import Database

_OK, _FAULTY = 0, 2
_MIN_CHUNKS: Final = 2
# Documents that split points are chosen from. All values of a field may be more than an answer of MongoDB can hold.
_SAMPLE_SIZE: Final = 20_000
Command = dict[str, Any]


@dataclass(frozen=True)
class ShardKey:
    """Holds the field of a shard key, and the reason for it. A hashed key spreads ids that grow with time."""

    field: str
    reason: str
    hashed: bool = True

    @property
    def pattern(self) -> dict[str, Any]:
        return {self.field: "hashed" if self.hashed else 1}


# The unique index on ticks begins with the barber: a ranged key, since MongoDB states the rule for ranged keys only.
BY_BARBER: Final = ShardKey(
    "barber_id", "slots, the unique index on ticks and the lists of a barber stay on one shard", hashed=False
)
SHARD_KEYS: Final[Mapping[str, ShardKey]] = {
    "booking_keys": ShardKey("_id", "the id follows from the customer and the Idempotency-Key"),
    "bookings": BY_BARBER,
    "messages": ShardKey("booking_id", "numbers are unique in a booking, and lists are lists of one", hashed=False),
    "webhook_deliveries": ShardKey("endpoint_id", "an event is delivered once to an endpoint", hashed=False),
    "conversations": ShardKey("_id", "the id is that of the booking"),
    "sessions": ShardKey("_id", "a refresh token names the session"),
    "jobs": ShardKey("_id", "an id that follows from the event makes a job unique"),
    "notifications": ShardKey("_id", "an id that follows from the message makes a delivery unique"),
    "payments": ShardKey("_id", "the id follows from the booking"),
    "stripe_events": ShardKey("_id", "the id is that of Stripe's event"),
}


# Claims decide about repeated requests if MongoDB refuses bookings without a claim; the index does for expired claims.
_KEY_INDEX: Final = ("barber_id", "customer_id", "idempotency.key")
_CLAIM: Final = "idempotency.leased_until"


@dataclass(frozen=True)
class Collection:
    """Describes a collection; `unique` holds the fields of its unique indexes by name."""

    unique: Mapping[str, Sequence[str]]
    validator: Mapping[str, Any]
    is_empty: bool
    is_sharded: bool = False


class Cluster(Protocol):
    """Runs commands on a database by a mongos, and reads the sorted values of a field."""

    def command(self, database: str, command: Command) -> Mapping[str, Any]: ...

    def values(self, collection: str, field: str) -> Sequence[Any]: ...


@dataclass(frozen=True)
class Unsafe:
    """Names a unique index that could not stay unique on shards."""

    collection: str
    index: str
    fields: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"{self.collection}: the unique index {self.index!r} on ({', '.join(self.fields)}) does not begin with "
            f"{SHARD_KEYS[self.collection].field}. Not sharded; see docs/decisions/0024-uniqueness-on-shards.md."
        )


def is_kept_unique(key: ShardKey, fields: Sequence[str]) -> bool:
    """Return whether MongoDB keeps a unique index on `fields` unique over all shards.

    Of hashed keys only `_id` counts: MongoDB states the rule of prefixes for ranged keys.
    """
    return fields[0] == key.field and (not key.hashed or key.field == "_id")


def find_unsafe(collection: str, unique_indexes: Mapping[str, Sequence[str]]) -> list[Unsafe]:
    """List the unique indexes of the collection, given by name and fields, that would not stay unique."""
    key = SHARD_KEYS[collection]
    found = unique_indexes.items()
    return [Unsafe(collection, name, tuple(fields)) for name, fields in found if not is_kept_unique(key, fields)]


def find_faults(name: str, collections: Mapping[str, Collection]) -> list[str]:
    """Return the reasons why a collection cannot be sharded."""
    if name not in collections:
        return [f"{name}: there is no such collection. Run `grome migrate`."]
    faults = [str(unsafe) for unsafe in find_unsafe(name, collections[name].unique)]
    if name == "bookings" and not _claims_keys(collections):
        faults.append(
            "bookings: Idempotency-Keys are not claimed yet. Set GROME_MONGO_SHARDED_BOOKINGS=true for all processes,"
            " restart them, and run `grome prepare-shards`."
        )
    return faults


def _claims_keys(collections: Mapping[str, Collection]) -> bool:
    bookings = collections["bookings"]
    return (
        "booking_keys" in collections
        and any(tuple(fields) == _KEY_INDEX for fields in bookings.unique.values())
        and any(_CLAIM in condition for condition in bookings.validator.get("$or", ()))
    )


def plan(
    database: str, name: str, collection: Collection, chunks: int, split_points: Sequence[Any]
) -> Iterator[tuple[str, Command]]:
    """Yield the commands for a collection, each with its database.

    Empty hashed collections are pre-split by MongoDB, ranged ones at the points. A hashed collection with documents
    needs its index first, and the balancer spreads it.
    """
    key, namespace = SHARD_KEYS[name], f"{database}.{name}"
    command: Command = {"shardCollection": namespace, "key": key.pattern}
    if key.hashed and collection.is_empty:
        command["numInitialChunks"] = chunks
    elif key.hashed:
        yield database, {"createIndexes": name, "indexes": [{"key": key.pattern, "name": "shard_key"}]}
    yield "admin", command
    for point in split_points:
        yield "admin", {"split": namespace, "middle": {key.field: point}}


def read_unique_indexes(indexes: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return name and fields of the unique indexes, as `index_information` of the driver lists them."""
    return {name: [field for field, _ in about["key"]] for name, about in indexes.items() if about.get("unique")}


def choose_split_points(values: Sequence[Any], chunks: int) -> list[Any]:
    """Return at most `chunks` - 1 values that cut the sorted values into equal parts."""
    if chunks < _MIN_CHUNKS or len(values) < _MIN_CHUNKS:
        return []
    return sorted({values[len(values) * number // chunks] for number in range(1, chunks)} - {values[0]})


def run(
    cluster: Cluster,
    database: str,
    collections: Mapping[str, Collection],
    *,
    chunks: int,
    apply: bool,
    say: Callable[[str], None],
) -> int:
    """Print the plan, and with `apply` carry it out. Returns the exit code: 2 if a collection was refused."""
    refused = 0
    if apply and cluster.command("admin", {"hello": 1}).get("msg") != "isdbgrid":
        say("This is not a mongos: a replica set cannot be sharded. Nothing was changed.")
        return _FAULTY
    for name, key in SHARD_KEYS.items():
        if name in collections and collections[name].is_sharded:
            say(f"done     {name} is sharded")
            continue
        if faults := find_faults(name, collections):
            refused += 1
            for fault in faults:
                say(f"refused  {fault}")
            continue
        say(f"shard    {name} by {key.pattern}: {key.reason}")
        points = [] if key.hashed else choose_split_points(cluster.values(name, key.field), chunks)
        for where, command in plan(database, name, collections[name], chunks, points):
            say(f"         {command}")
            if apply:
                cluster.command(where, command)
    return _FAULTY if refused else _OK


class _Mongos:
    def __init__(self, client: MongoClient[dict[str, Any]], database: str) -> None:
        self._client, self._database = client, database

    def command(self, database: str, command: Command) -> Mapping[str, Any]:
        return self._client[database].command(command)

    def values(self, collection: str, field: str) -> Sequence[Any]:
        return sample_values(self._client[self._database], collection, field)


def sample_values(database: Database[dict[str, Any]], collection: str, field: str) -> list[Any]:
    """Return the values of a field in a sample of the documents, each once and in MongoDB's order."""
    stages = [{"$sample": {"size": _SAMPLE_SIZE}}, {"$group": {"_id": f"${field}"}}, {"$sort": {"_id": 1}}]
    return [found["_id"] for found in database[collection].aggregate(stages)]


def read_collections(database: Database[dict[str, Any]]) -> dict[str, Collection]:
    """Describe the collections that are to be sharded."""
    # A mongos lists whole collections that were moved as unsplittable.
    listed = database.client["config"]["collections"].find({"unsplittable": {"$ne": True}}, {"_id": 1})
    sharded = {found["_id"] for found in listed}
    return {
        found["name"]: Collection(
            read_unique_indexes(database[found["name"]].index_information()),
            found["options"].get("validator", {}),
            is_empty=database[found["name"]].find_one({}, {"_id": 1}) is None,
            is_sharded=f"{database.name}.{found['name']}" in sharded,
        )
        for found in database.list_collections(filter={"name": {"$in": list(SHARD_KEYS)}})
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="URL of a mongos.")
    parser.add_argument("--database", default="grome", help="Database of Grome, after `grome migrate`.")
    parser.add_argument("--chunks", type=int, default=64, help="Chunks that a collection is split into beforehand.")
    parser.add_argument("--apply", action="store_true", help="Carry the plan out instead of printing it only.")
    wanted = parser.parse_args()
    with MongoClient[dict[str, Any]](wanted.url, uuidRepresentation="standard") as client:
        return run(
            _Mongos(client, wanted.database),
            wanted.database,
            read_collections(client[wanted.database]),
            chunks=wanted.chunks,
            apply=wanted.apply,
            say=print,
        )


if __name__ == "__main__":
    sys.exit(main())
