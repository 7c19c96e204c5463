"""Lists, read page by page as a client would."""

from collections.abc import Iterable
from itertools import repeat
from typing import Any

import httpx


async def read_pages(
    http: httpx.AsyncClient,
    path: str,
    query: dict[str, Any],
    *,
    auth: dict[str, str] | None = None,
    limits: Iterable[int] = repeat(100),
) -> list[list[dict[str, Any]]]:
    """Yield the items of each page up to the last page. Each request takes the next limit."""
    pages: list[list[dict[str, Any]]] = []
    cursors: list[str] = []
    for limit in limits:
        place = {"cursor": cursors[-1]} if cursors else {}
        response = await http.get(path, params={**query, "limit": limit, **place}, headers=auth)
        assert response.status_code == 200, response.text
        items, cursor = response.json()["items"], response.json()["next_cursor"]
        pages.append(items)
        if cursor is None:
            assert len(items) <= limit
            return pages
        assert len(items) == limit
        assert cursor not in cursors, "a page that leads back would never end"
        cursors.append(cursor)
    raise AssertionError("there are more pages than limits")
