"""Shard the collections of Grome on a MongoDB cluster, by the keys of this file.

Run `python deploy/mongodb/shard.py --url mongodb://mongos:27017 --database grome` to print the plan; `--apply` carries
it out. The script refuses a collection with a unique index that does not begin with the shard key, since MongoDB could
not keep it unique. docs/decisions/0024-uniqueness-on-shards.md has the reasons of the keys.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from pymongo import MongoClient

_OK, _FAULTY = 0, 2
_MIN_CHUNKS: Final = 2
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


class Admin(Protocol):
    """Runs commands on the admin database of a mongos."""

    def command(self, command: Command) -> Mapping[str, Any]: ...


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


def plan(database: str, collection: str, chunks: int, split_points: Sequence[Any]) -> Iterator[Command]:
    """Yield the commands for a collection. Hashed collections are pre-split by MongoDB, ranged ones at the points."""
    key, namespace = SHARD_KEYS[collection], f"{database}.{collection}"
    command: Command = {"shardCollection": namespace, "key": key.pattern}
    if key.hashed:
        command["numInitialChunks"] = chunks
    yield command
    for point in split_points:
        yield {"split": namespace, "middle": {key.field: point}}


def read_unique_indexes(indexes: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return name and fields of the unique indexes, as `index_information` of the driver lists them."""
    return {name: [field for field, _ in about["key"]] for name, about in indexes.items() if about.get("unique")}


def choose_split_points(values: Sequence[Any], chunks: int) -> list[Any]:
    """Return at most `chunks` - 1 values that cut the sorted values into equal parts."""
    if chunks < _MIN_CHUNKS or len(values) < _MIN_CHUNKS:
        return []
    return sorted({values[len(values) * number // chunks] for number in range(1, chunks)} - {values[0]})


def run(
    admin: Admin,
    database: str,
    unique_indexes: Mapping[str, Mapping[str, Sequence[str]]],
    values_of: Callable[[str, str], Sequence[Any]],
    *,
    chunks: int,
    apply: bool,
    say: Callable[[str], None],
) -> int:
    """Print the plan, and with `apply` carry it out. Returns the exit code: 2 if a collection was refused.

    `unique_indexes` holds those of each collection. `values_of` lists the sorted values of a field; from
    them ranged collections are pre-split.
    """
    refused = 0
    if apply and admin.command({"hello": 1}).get("msg") != "isdbgrid":
        say("This is not a mongos: a replica set cannot be sharded. Nothing was changed.")
        return _FAULTY
    for collection, key in SHARD_KEYS.items():
        if unsafe := find_unsafe(collection, unique_indexes.get(collection, {})):
            refused += 1
            for fault in unsafe:
                say(f"refused  {fault}")
            continue
        say(f"shard    {collection} by {key.pattern}: {key.reason}")
        points = [] if key.hashed else choose_split_points(values_of(collection, key.field), chunks)
        for command in plan(database, collection, chunks, points):
            say(f"         {command}")
            if apply:
                admin.command(command)
    return _FAULTY if refused else _OK


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="URL of a mongos.")
    parser.add_argument("--database", default="grome", help="Database of Grome, after `grome migrate`.")
    parser.add_argument("--chunks", type=int, default=64, help="Chunks that a collection is split into beforehand.")
    parser.add_argument("--apply", action="store_true", help="Carry the plan out instead of printing it only.")
    wanted = parser.parse_args()
    with MongoClient[dict[str, Any]](wanted.url, uuidRepresentation="standard") as client:
        database = client[wanted.database]
        unique = {name: read_unique_indexes(database[name].index_information()) for name in SHARD_KEYS}
        return run(
            client.admin,
            wanted.database,
            unique,
            lambda name, field: sorted(database[name].distinct(field)),
            chunks=wanted.chunks,
            apply=wanted.apply,
            say=print,
        )


if __name__ == "__main__":
    sys.exit(main())
