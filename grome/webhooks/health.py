"""Limit, pause and disable endpoints by the health of their receivers."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from loguru import logger

from grome.common.clock import Clock
from grome.webhooks.models import (
    DISABLE_AFTER,
    FIRST_PAUSE,
    MAX_PAUSE,
    MAX_SLOW_ATTEMPTS,
    MIN_FAILURES,
    WARN_AFTER,
    Attempt,
    Disabled,
    DisabledReason,
    Endpoint,
    RequestLease,
)
from grome.webhooks.repository import EndpointRepository, RequestResult

# An attempt that takes more than this share of its timeout is slow.
_SLOW_SHARE: Final = 0.5
# A lease expires this long after the timeout of its request, because its worker must be dead.
_LEASE_MARGIN: Final = timedelta(seconds=5)
_MIN_WAIT_S, _MAX_WAIT_S, _WAIT_SHARE_OF_AGE = 0.5, 30.0, 0.1
_MAX_DOUBLINGS: Final = 6

# Notifies the owner that the endpoint is failing or disabled; repeats with the same time are ignored.
NotifyOwner = Callable[[Endpoint, datetime], Awaitable[None]]


class EndpointHealth:
    def __init__(self, endpoints: EndpointRepository, timeout_s: float, tell_owner: NotifyOwner, clock: Clock) -> None:
        self._endpoints, self._notify_owner, self._clock = endpoints, tell_owner, clock
        self._timeout = timedelta(seconds=timeout_s)

    def new_lease(self, claim: str) -> RequestLease:
        return RequestLease(claim, self._clock() + self._timeout + _LEASE_MARGIN)

    async def end_request(self, endpoint: Endpoint, lease: RequestLease, attempt: Attempt, *, is_gone: bool) -> None:
        """Record the result of an attempt, and disable the endpoint if it fails for too long."""
        is_slow = attempt.duration_ms > self._timeout / timedelta(milliseconds=1) * _SLOW_SHARE
        has_failed = attempt.error is not None
        rest = pause_after(endpoint.slow + 1) if is_slow and has_failed else None
        ended = RequestResult(
            claim=lease.claim,
            at=attempt.at,
            has_failed=has_failed,
            is_slow=is_slow,
            paused_until=self._clock() + rest if rest else None,
        )
        now_so = await self._endpoints.record_result(endpoint.id, ended, self._clock())
        if has_failed and now_so:
            await self._update_health(now_so, attempt.at, is_gone=is_gone)

    async def renotify_disabled(self, endpoint: Endpoint) -> None:
        """Notify the owner again, in case a process died after disabling.

        Owners get no message about their own actions.
        """
        if endpoint.disabled and endpoint.disabled.reason is not DisabledReason.OWNER:
            await self._notify_owner(endpoint, endpoint.disabled.at)

    async def _update_health(self, endpoint: Endpoint, now: datetime, *, is_gone: bool) -> None:
        failing_for = now - (endpoint.failing_since or now)
        is_failing = endpoint.failures >= MIN_FAILURES
        if is_gone or (is_failing and failing_for >= DISABLE_AFTER):
            disabled = Disabled(DisabledReason.GONE if is_gone else DisabledReason.FAILING, now)
            if await self._endpoints.disable(endpoint, disabled):
                logger.info("Webhook endpoint {} is disabled: {}", endpoint.id, disabled.reason.value)
                await self._notify_owner(endpoint, now)
        elif is_failing and failing_for >= WARN_AFTER and await self._endpoints.mark_warned(endpoint, now):
            await self._notify_owner(endpoint, now)


def pause_after(slow: int) -> timedelta | None:
    """Return the pause after this many consecutive slow attempts, the last of which failed; None for no pause."""
    if slow < MAX_SLOW_ATTEMPTS:
        return None
    return min(FIRST_PAUSE * int(2 ** min(slow - MAX_SLOW_ATTEMPTS, _MAX_DOUBLINGS)), MAX_PAUSE)


def seconds_to_wait(endpoint: Endpoint, now: datetime, waited: timedelta, chance: float) -> float:
    """Return the seconds until a postponed delivery tries again; `chance` (0 to 1) spreads waiting deliveries.

    A delivery that has waited longer tries less often, so that many waiting deliveries cost little.
    """
    wait_s = min(max(waited.total_seconds() * _WAIT_SHARE_OF_AGE, _MIN_WAIT_S), _MAX_WAIT_S)
    paused_s = (endpoint.paused_until - now).total_seconds() if endpoint.paused_until else 0.0
    return max(paused_s, 0.0) + wait_s * (0.5 + chance)
