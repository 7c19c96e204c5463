"""Sizes of collections and indexes, read from MongoDB after documents were multiplied."""

import math
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import BulkWriteError
from rich.progress import Progress

from benchmarks.load import LoadFailed
from benchmarks.scale.clones import copies
from benchmarks.scale.measured import IndexSize

Documents = Database[dict[str, Any]]
MULTIPLIED: Final = 20_000
_MOST_COPIES: Final = 400
_BATCH: Final = 500
# An index of fewer documents is little more than an empty file.
_LEAST_INDEXED: Final = 1_000


def counts(database: Documents) -> dict[str, int]:
    """Return the number of documents by collection, without empty collections."""
    found = {name: database[name].count_documents({}) for name in sorted(database.list_collection_names())}
    return {name: count for name, count in found.items() if count}


def multiply(source: Documents, target: Documents, names: list[str], span: timedelta, progress: Progress) -> None:
    """Fill the collections of `target` with copies of those of `source`, until each has some MULTIPLIED documents."""
    bar = progress.add_task("Documents are multiplied", total=len(names))
    for name in names:
        target[name].delete_many({})
        originals = list(source[name].find())
        count = min(math.ceil(MULTIPLIED / len(originals)), _MOST_COPIES)
        for batch in _batches(copies(originals, count, span)):
            _insert(target[name], batch)
        progress.advance(bar)
    target.client.admin.command("fsync")


def _insert(collection: Collection[dict[str, Any]], documents: list[dict[str, Any]]) -> None:
    """Raises LoadFailed if a copy has a unique value of another document."""
    try:
        collection.insert_many(documents, ordered=False, bypass_document_validation=True)
    except BulkWriteError as error:
        raise LoadFailed(f"A copy is not unique: {error.details['writeErrors'][0]['errmsg']}") from None


def _batches(documents: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for document in documents:
        batch.append(document)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def document_sizes(database: Documents, name: str) -> tuple[int, float, float]:
    """Return the number of documents, and the mean bytes of one in BSON and on disk."""
    told = database.command("collStats", name)
    count = told["count"]
    return count, told["size"] / count, (told["storageSize"] - told["freeStorageSize"]) / count


def index_sizes(database: Documents, name: str) -> list[IndexSize]:
    """Return the bytes on disk of each index for a document in it, the largest first.

    An index with few documents gets the mean of the others.
    """
    collection = database[name]
    sizes: Mapping[str, int] = database.command("collStats", name)["indexSizes"]
    information = collection.index_information()
    filters = {index: about.get("partialFilterExpression") for index, about in information.items()}
    read: dict[str, float] = {}
    for index, only in filters.items():
        if (entries := _entries(collection, only)) >= _LEAST_INDEXED:
            read[index] = sizes[index] / entries
    mean = sum(read.values()) / len(read) if read else 0.0
    found = [
        IndexSize(index, about["key"][0][0], round(read.get(index, mean), 1), bool(filters[index]))
        for index, about in information.items()
    ]
    return sorted(found, key=lambda size: -size.bytes_each)


def _entries(collection: Collection[dict[str, Any]], only: Mapping[str, Any] | None) -> int:
    return collection.count_documents(dict(only)) if only else collection.estimated_document_count()


def connect(url: str) -> MongoClient[dict[str, Any]]:
    return MongoClient(url, tz_aware=True, uuidRepresentation="standard")
