"""Group commit: while one insert is on the wire, those that arrive wait, and leave together in the next.

docs/decisions/0009 tells why.
"""

import asyncio
import copy
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Final, Generic, NamedTuple, TypeVar

T = TypeVar("T")
Verdict = BaseException | None
Insert = Callable[[T], Awaitable[None]]
InsertMany = Callable[[Sequence[T]], Awaitable[Sequence[Verdict]]]
# The event loop stands still for about 5 ms while the driver encodes so many; the server's limits are far above.
MOST_TOGETHER: Final = 250


class _Waiting(NamedTuple, Generic[T]):
    item: T
    verdict: asyncio.Future[Verdict]


class GroupCommit(Generic[T]):
    """Writes items in order of arrival. A single waiting item is written by `insert`.

    `insert_many` returns a verdict for each item, in order: None if the item is stored, else the error that `insert`
    would raise. An error raised by `insert_many` itself is the verdict on every item.
    """

    def __init__(self, insert: Insert[T], insert_many: InsertMany[T]) -> None:
        self._insert, self._insert_many = insert, insert_many
        self._waiting: deque[_Waiting[T]] = deque()
        self._sender: asyncio.Task[None] | None = None

    async def insert(self, item: T) -> None:
        """Insert the item. Raises the errors of the plain `insert`."""
        waiting = _Waiting(item, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._sender is None:
            # A task without a request's context or fate: the one that began may be cancelled, and the others go on.
            # It begins when the event loop comes by again, so those that arrived in the same round go with the first.
            self._sender = asyncio.create_task(self._send(), context=Context())
        if told := await waiting.verdict:
            # A copy: all of a batch may be told the same, and an exception gathers the frames of each that raises it.
            raise copy.copy(told) from told

    async def _send(self) -> None:
        try:
            while batch := self._next_batch():
                verdicts = await self._verdicts([waiting.item for waiting in batch])
                for waiting, verdict in zip(batch, verdicts, strict=True):
                    if not waiting.verdict.done():  # else its request was cancelled meanwhile
                        waiting.verdict.set_result(verdict)
        finally:
            self._sender = None

    def _next_batch(self) -> list[_Waiting[T]]:
        """Return the next batch without cancelled requests; empty if no item is waiting."""
        batch: list[_Waiting[T]] = []
        while self._waiting and len(batch) < MOST_TOGETHER:
            waiting = self._waiting.popleft()
            if not waiting.verdict.done():
                batch.append(waiting)
        return batch

    async def _verdicts(self, items: list[T]) -> Sequence[Verdict]:
        if len(items) == 1:  # one costs the driver less this way
            return await asyncio.gather(self._insert(items[0]), return_exceptions=True)
        [told] = await asyncio.gather(self._insert_many(items), return_exceptions=True)
        return [told] * len(items) if isinstance(told, BaseException) else told
