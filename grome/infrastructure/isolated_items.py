"""Loops over items in which a failing item does not stop the others."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from loguru import logger
from msgspec import Struct

from grome.infrastructure.mongo.client import Document, from_document
from grome.infrastructure.transient_errors import is_transient

Item = TypeVar("Item")
Result = TypeVar("Result")
# Failed items by the name of their loop, since they were last stored (`stored_counts.py`).
FAILED_ITEMS: Final = Counter[str]()


class Tally(Struct, frozen=True):
    """Counts the items of a loop that succeeded and that failed."""

    done: int = 0
    failed: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.done + other.done, self.failed + other.failed)


async def for_each(items: Iterable[Item], action: Callable[[Item], Awaitable[Any]], *, name: str) -> Tally:
    """Run the action for each item; log failures and count them under `name`.

    Raises transient faults of MongoDB or Redis, which the next items would meet too: the loop runs again later.
    """
    done, failed = 0, 0
    for item in items:
        try:
            await action(item)
        # Any error: the items after the failing one are run all the same.
        except Exception as error:
            if is_transient(error):
                raise
            report_failure(name, item, error)
            failed += 1
        else:
            done += 1
    return Tally(done, failed)


async def for_batch(items: Sequence[Item], action: Callable[[Sequence[Item]], Awaitable[Any]], *, name: str) -> Tally:
    """Run the action once for all items; if it fails, once for each item, as `for_each` does.

    The action may get an item twice.
    """
    try:
        await action(items)
    # Any error: running the items one by one finds the failing item.
    except Exception as error:
        if is_transient(error):
            raise
        return await for_each(items, lambda item: action([item]), name=name)
    return Tally(done=len(items))


class Sweep(Generic[Item]):
    """Runs an action on all items that need it, page by page.

    `page(after, limit)` returns the items after `after`, in the order of the items themselves. If a run is interrupted,
    the next run continues after the last tried item, and then starts again at the front. So failing items, however
    many, cannot starve the items after them.
    """

    def __init__(self, name: str, page: Callable[[Item | None, int], Awaitable[Sequence[Item]]], limit: int) -> None:
        self._name, self._page, self._limit = name, page, limit
        self._tried: Item | None = None

    async def run(self, action: Callable[[Item], Awaitable[Any]]) -> Tally:
        """Run the action on all items. Raises transient faults of MongoDB and Redis."""

        async def act(item: Item) -> None:
            self._tried = item
            await action(item)

        tally, is_last_round = Tally(), self._tried is None
        while True:
            items = await self._page(self._tried, self._limit)
            tally += await for_each(items, act, name=self._name)
            if len(items) < self._limit:
                self._tried = None
                if is_last_round:
                    return tally
                is_last_round = True


def map_each(items: Iterable[Item], function: Callable[[Item], Result], *, name: str) -> list[Result]:
    """Return the results of a function without I/O. Failing items are left out, logged, and counted under `name`."""
    results = []
    for item in items:
        try:
            results.append(function(item))
        # As above.
        except Exception as error:  # noqa: BLE001
            report_failure(name, item, error)
    return results


def decode_each(documents: Iterable[Document], struct: type[Result], *, name: str) -> list[Result]:
    """Return the documents as Structs. Invalid documents are left out, logged, and counted under `name`."""
    return map_each(documents, lambda document: from_document(document, struct), name=name)


def report_failure(name: str, item: object, error: BaseException) -> None:
    """Log and count a skipped item."""
    FAILED_ITEMS[name] += 1
    logger.opt(exception=error).error("{}: {} failed and is skipped", name, _item_id(item))


def _item_id(item: object) -> object:
    """Return the id of a Struct or a stored document. Other items may be long or secret: return their type."""
    if isinstance(item, Mapping):
        item = item.get("_id", item.get("id"))
    elif hasattr(item, "id"):
        item = item.id
    return item if isinstance(item, UUID | str | int) else type(item).__name__
