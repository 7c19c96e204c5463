"""Build a unique index on a collection that has duplicates, while an older release inserts more."""

from collections.abc import Awaitable, Callable
from typing import Final

from pymongo import IndexModel
from pymongo.errors import OperationFailure

from grome.infrastructure.mongo.client import Collection

# The index exists with other options: another process is a step ahead.
_IS_THERE: Final = frozenset({85, 86})


async def build_unique_index(
    collection: Collection, index: IndexModel, remove_duplicates: Callable[[], Awaitable[None]]
) -> None:
    """Refuse new duplicates first, then remove the duplicates, then make the index unique.

    Without the first step, a duplicate that is inserted after the removal makes the build of the index fail. The steps
    may run twice, and twice at once.
    """
    database, name = collection.database, index.document["name"]
    plain = {option: value for option, value in index.document.items() if option != "unique"}
    try:
        await database.command({"createIndexes": collection.name, "indexes": [plain]})
    except OperationFailure as error:
        if error.code not in _IS_THERE:
            raise
    await database.command({"collMod": collection.name, "index": {"name": name, "prepareUnique": True}})
    await remove_duplicates()
    await database.command({"collMod": collection.name, "index": {"name": name, "unique": True}})
