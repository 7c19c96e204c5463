"""Count responses by route template, method and status."""

import time
from bisect import bisect_left
from typing import Final

from sanic import Request
from sanic.constants import HTTPMethod

from grome.infrastructure.http.access_log import template_of
from grome.infrastructure.telemetry.catalogue import REQUEST_SECONDS, REQUESTS
from grome.infrastructure.telemetry.registry import DURATION_BUCKETS, MEMORY

_METHODS: Final = frozenset(method.value for method in HTTPMethod)
_NO_ROUTE: Final = "none"
_OTHER: Final = "other"


def count_response(request: Request | None, status: int, began: float) -> None:
    """Count a response, just before its head is sent. `began` is the `time.perf_counter` of the request's head."""
    route = template_of(request.route.path) if request is not None and request.route else _NO_ROUTE
    method = request.method if request is not None and request.method in _METHODS else _OTHER
    REQUESTS.add(route, method, str(status))
    if began:
        REQUEST_SECONDS.observe(time.perf_counter() - began, route, method)


class CountedRoute:
    """Counts the responses of one route with one status, for a route where each microsecond counts."""

    __slots__ = ("_cells", "_first", "_number", "_sum")

    def __init__(self, route: str, method: str, status: int) -> None:
        self._cells = MEMORY.slot.cells
        self._number = REQUESTS.first_cell((route, method, str(status)))
        self._first = REQUEST_SECONDS.first_cell((route, method))
        self._sum = self._first + len(DURATION_BUCKETS) + 1

    def count(self, seconds: float) -> None:
        cells = self._cells
        cells[self._number] += 1
        cells[self._first + bisect_left(DURATION_BUCKETS, seconds)] += 1
        cells[self._sum] += int(seconds * 1e6)
