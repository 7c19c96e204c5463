"""Every metric that processes count in shared memory. docs/operations/observability.md lists them for operators."""

from typing import Final

from grome.infrastructure.telemetry.registry import METRICS, Counter, Gauge, Histogram

REQUESTS: Final = Counter(
    "grome_http_requests_total", "Responses by route, method and status", "route", "method", "status"
)
REQUEST_SECONDS: Final = Histogram(
    "grome_http_request_duration_seconds", "Time from a request's head to the head of its response", "route", "method"
)
REFUSALS: Final = Counter("grome_http_refusals_total", "Refused requests by the code of the error", "code")
RATE_LIMITED: Final = Counter("grome_rate_limited_total", "Requests beyond a rate limit by its class", "limit")
BOOKINGS: Final = Counter(
    "grome_bookings_total", "Changes of bookings by action and the state after it", "action", "state"
)
NEARBY_MISSES: Final = Counter(
    "grome_nearby_misses_total", "Pages that no tile had, by the source of the answer", "source"
)
NEARBY_EVICTED: Final = Counter("grome_nearby_evicted_total", "Cells and tiles evicted for lack of memory", "what")
NEARBY_MEMORY: Final = Gauge("grome_nearby_memory_bytes", "Memory of the map in all processes", "what")
NEARBY_ENTRIES: Final = Gauge("grome_nearby_entries", "Cached cells and tiles of the map in all processes", "what")
POOL_CONNECTIONS: Final = Gauge("grome_pool_connections", "Connections in use, by pool", "pool")
POOL_WAITING: Final = Gauge("grome_pool_waiting", "Callers that wait for a connection, by pool", "pool")
POOL_SECONDS: Final = Histogram("grome_pool_checkout_seconds", "Time until a caller got a connection", "pool")
POOL_FAILURES: Final = Counter("grome_pool_failures_total", "Callers that got no connection", "pool")
LOOP_LAG: Final = Histogram(
    "grome_event_loop_lag_seconds",
    "Delay of a timer of 100 ms",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
    per_worker=True,
)

ALL: Final = tuple(METRICS)
