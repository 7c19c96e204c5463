"""Pools of connections to Valkey that count for the metrics."""

import time
from typing import Any

from redis.asyncio import BlockingConnectionPool
from redis.asyncio.connection import AbstractConnection

from grome.infrastructure.telemetry.catalogue import POOL_CONNECTIONS, POOL_FAILURES, POOL_SECONDS, POOL_WAITING


class CommandPool(BlockingConnectionPool):
    """The pool of short commands."""

    pool_name = "valkey"

    async def get_connection(self, *command: Any, **options: Any) -> AbstractConnection:  # noqa: ANN401 -- the driver's
        began = time.perf_counter()
        POOL_WAITING.add(self.pool_name, by=1)
        try:
            connection: AbstractConnection = await super().get_connection(*command, **options)  # type: ignore[no-untyped-call]
        except Exception:
            POOL_FAILURES.add(self.pool_name)
            raise
        finally:
            POOL_WAITING.add(self.pool_name, by=-1)
        POOL_CONNECTIONS.add(self.pool_name, by=1)
        POOL_SECONDS.observe(time.perf_counter() - began, self.pool_name)
        return connection

    async def release(self, connection: AbstractConnection) -> None:
        POOL_CONNECTIONS.add(self.pool_name, by=-1)
        await super().release(connection)


class QueuePool(CommandPool):
    """The pool of commands that wait for jobs."""

    pool_name = "valkey_queues"
