"""Read lists of Stripe page by page."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, Protocol, TypeVar

PAGE_SIZE: Final = 100  # Stripe's greatest


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_Identified)
# Reads the page behind the object of an id, or the first.
Page = Callable[[str | None], Awaitable[list[T]]]


async def iterate(read_page: Page[T]) -> AsyncIterator[T]:
    """Stream a list; it ends with the first page that is not full."""
    after: str | None = None
    while True:
        page = await read_page(after)
        for item in page:
            yield item
        if len(page) < PAGE_SIZE:
            return
        after = page[-1].id


async def collect(read_page: Page[T]) -> list[T]:
    return [item async for item in iterate(read_page)]
