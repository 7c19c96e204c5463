"""The figures that the calculation of a platform's size starts from, as a file of this folder."""

from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

FILE: Final = Path(__file__).with_name("measured.json")


class IndexSize(Struct, frozen=True):
    """Bytes on disk of an index for each document in it. `first` is its first field; partial indexes omit documents."""

    name: str
    first: str
    bytes_each: float
    is_partial: bool = False


class CollectionSize(Struct, frozen=True, kw_only=True):
    """Bytes of a collection for each document, and the documents that people and visits leave.

    `document` is the size in BSON, `stored` the size on disk after compression. `each_user`, `each_barber` and
    `each_visit` count documents.
    """

    name: str
    document: float
    stored: float
    indexes: list[IndexSize]
    each_user: float
    each_barber: float
    each_visit: float


class VisitCost(Struct, frozen=True):
    """Milliseconds of CPU time that a visit takes of each kind of process, with all that follows from it."""

    api: float
    worker: float
    mongod: float
    valkey: float


class KeyFamily(Struct, frozen=True):
    """Keys of Valkey of one kind: number for each visit, bytes of a key with its value, seconds kept.

    `kept_s` is None where some keys do not expire.
    """

    name: str
    each_visit: float
    bytes_each: float
    kept_s: int | None


class Sample(Struct, frozen=True, kw_only=True):
    """Everything that the section `sizes` measures."""

    told: str
    """The machine and the versions."""
    visits: int
    multiplied: int
    """Documents in the largest collection that the sizes were read from."""
    collections: list[CollectionSize]
    cost: VisitCost
    oplog: float
    """Bytes of oplog for each visit."""
    events: float
    """Events for each visit, by the audit trail."""
    keys: list[KeyFamily]


class Throughput(Struct, frozen=True, kw_only=True):
    """Holds the results of the section `outbox`: one relay, then one job worker, each working off a backlog."""

    told: str
    events: int
    relay_s: float
    relay_cpu_s: float
    jobs: int
    jobs_s: float
    jobs_cpu_s: float


class Measured(Struct, frozen=True):
    sample: Sample
    throughput: Throughput


def load_measured(file: Path = FILE) -> Measured:
    return msgspec.json.decode(file.read_bytes(), type=Measured)


def store_sample(sample: Sample, file: Path = FILE) -> None:
    """Replace the figures of the sample."""
    _store(file, "sample", sample)


def store_throughput(throughput: Throughput, file: Path = FILE) -> None:
    """Replace the figures of relay and jobs."""
    _store(file, "throughput", throughput)


def _store(file: Path, name: str, value: Struct) -> None:
    stored = msgspec.json.decode(file.read_bytes()) if file.exists() else {}
    stored[name] = msgspec.to_builtins(value)
    file.write_bytes(msgspec.json.format(msgspec.json.encode(stored), indent=1) + b"\n")
