"""Count the connections of MongoDB's pools."""

from typing import Final

from pymongo import monitoring

from grome.infrastructure.telemetry.catalogue import POOL_CONNECTIONS, POOL_FAILURES, POOL_SECONDS, POOL_WAITING

_POOL: Final = "mongodb"


class PoolMetrics(monitoring.ConnectionPoolListener):
    """Counts for the metrics; the driver calls each method in the process's event loop."""

    def connection_check_out_started(self, event: monitoring.ConnectionCheckOutStartedEvent) -> None:  # noqa: ARG002
        POOL_WAITING.add(_POOL, by=1)

    def connection_checked_out(self, event: monitoring.ConnectionCheckedOutEvent) -> None:
        POOL_WAITING.add(_POOL, by=-1)
        POOL_CONNECTIONS.add(_POOL, by=1)
        POOL_SECONDS.observe(event.duration or 0.0, _POOL)

    def connection_check_out_failed(self, event: monitoring.ConnectionCheckOutFailedEvent) -> None:  # noqa: ARG002
        POOL_WAITING.add(_POOL, by=-1)
        POOL_FAILURES.add(_POOL)

    def connection_checked_in(self, event: monitoring.ConnectionCheckedInEvent) -> None:  # noqa: ARG002
        POOL_CONNECTIONS.add(_POOL, by=-1)

    def pool_created(self, event: monitoring.PoolCreatedEvent) -> None:
        """Ignore the event."""

    def pool_ready(self, event: monitoring.PoolReadyEvent) -> None:
        """Ignore the event."""

    def pool_cleared(self, event: monitoring.PoolClearedEvent) -> None:
        """Ignore the event."""

    def pool_closed(self, event: monitoring.PoolClosedEvent) -> None:
        """Ignore the event."""

    def connection_created(self, event: monitoring.ConnectionCreatedEvent) -> None:
        """Ignore the event."""

    def connection_ready(self, event: monitoring.ConnectionReadyEvent) -> None:
        """Ignore the event."""

    def connection_closed(self, event: monitoring.ConnectionClosedEvent) -> None:
        """Ignore the event."""
