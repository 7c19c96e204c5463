"""Checks whether MongoDB and Redis answer, and whether a process leads the relay."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, cast

from redis.exceptions import AuthenticationError, BusyLoadingError, NoPermissionError, RedisError

from grome.infrastructure.container import Container
from grome.infrastructure.mongo.client import Client, DriverError, describe_fault, has_lost_primary
from grome.infrastructure.ops.schemas import Ready, Verdict
from grome.infrastructure.outbox.relay import Relay
from grome.infrastructure.redis.client import RedisClients
from grome.infrastructure.redis.cluster import ClusterRedis

_TIMEOUT_S: Final = 2.0
# A leader stores its position once a second, and another one takes over within five.
_MAX_RELAY_SILENCE_S: Final = 15.0

Check = Callable[[Container], Awaitable[str | None]]


async def check(container: Container, *, is_stopping: bool = False) -> Ready:
    """Check all dependencies concurrently, within two seconds. A stopping process answers at once."""
    if is_stopping:
        return Ready(False, "is stopping", {})
    verdicts = await asyncio.gather(*(_verdict(name, run(container)) for name, run in _CHECKS.items()))
    dependencies = dict(zip(_CHECKS, verdicts, strict=True))
    return Ready(all(verdict.ok or not verdict.required for verdict in verdicts), None, dependencies)


async def _verdict(name: str, check: Awaitable[str | None]) -> Verdict:
    started = time.perf_counter()
    try:
        fault = await asyncio.wait_for(check, _TIMEOUT_S)
    except TimeoutError:
        fault = f"no answer within {_TIMEOUT_S:.0f} s"
    except (DriverError, RedisError) as error:
        fault = _fault_of(error)
    ms = round((time.perf_counter() - started) * 1000, 1)
    return Verdict(fault is None, name in _REQUIRED, ms, fault)


def _fault_of(error: DriverError | RedisError) -> str:
    match error:
        case DriverError():
            return describe_fault(error)
        case AuthenticationError() | NoPermissionError():
            return "refuses our credentials"
        case BusyLoadingError():
            return "is loading its data"
        case _:
            return "is not reachable"


async def _mongodb(container: Container) -> str | None:
    if has_lost_primary(container.get(Client)):
        return "has no primary"
    await container.database.command({"hello": 1})
    return None


async def _redis(container: Container) -> str | None:
    redis = container.get(RedisClients).commands
    if isinstance(redis, ClusterRedis):
        primaries, silent = await redis.find_silent_primaries()
        return f"{silent} of {primaries} primaries do not answer" if silent else None
    await cast("Awaitable[bool]", redis.ping())
    return None


async def _relay(container: Container) -> str | None:
    stats = await container.get(Relay).stats()
    if stats is None:
        return "has never run"
    return f"no process leads it since {stats.silent_s:.0f} s" if stats.silent_s > _MAX_RELAY_SILENCE_S else None


_CHECKS: Final[dict[str, Check]] = {"mongodb": _mongodb, "redis": _redis, "relay": _relay}
# Without the others bookings go on, and messages, webhooks and live events follow later.
_REQUIRED: Final = frozenset({"mongodb"})
