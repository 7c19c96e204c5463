"""Checks whether MongoDB and Redis answer."""

import asyncio
import time
from collections.abc import Awaitable
from typing import cast

from redis.exceptions import RedisError

from grome.infrastructure.container import Container
from grome.infrastructure.mongo.client import DriverError
from grome.infrastructure.ops.schemas import Ready, Verdict
from grome.infrastructure.redis.client import RedisClients

_TIMEOUT_S = 2.0


async def check(container: Container) -> Ready:
    """Check all dependencies concurrently, within two seconds."""
    verdicts = await asyncio.gather(
        _verdict(container.database.command({"hello": 1})),
        _verdict(cast(Awaitable[bool], container.get(RedisClients).commands.ping())),
    )
    dependencies = dict(zip(("mongodb", "redis"), verdicts, strict=True))
    return Ready(all(verdict.ok for verdict in verdicts), dependencies)


async def _verdict(question: Awaitable[object]) -> Verdict:
    started = time.perf_counter()
    fault = None
    try:
        await asyncio.wait_for(question, _TIMEOUT_S)
    except TimeoutError:
        fault = f"no answer within {_TIMEOUT_S:.0f} s"
    except (DriverError, RedisError):  # a refused password too means that it does not answer as needed
        fault = "is not reachable"  # the driver's own words would tell strangers our addresses
    return Verdict(fault is None, round((time.perf_counter() - started) * 1000, 1), fault)
