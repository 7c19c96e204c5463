"""Admit requests to routes: count them for the rate limits."""

from typing import Final

from sanic import Request

from grome.common.actor import Actor
from grome.common.addresses import host_of
from grome.common.errors import TooManyRequests
from grome.infrastructure.http.client import client_address
from grome.infrastructure.http.injection import resolve
from grome.infrastructure.rate_limits.limiter import RateLimits
from grome.infrastructure.rate_limits.models import LimitClass
from grome.infrastructure.telemetry.catalogue import RATE_LIMITED

# These count for the address of a signed-in client too: many accounts must not give many guesses.
_BY_ADDRESS: Final = frozenset({LimitClass.SIGN_IN, LimitClass.CODES})


async def spend_limit(request: Request, limit: LimitClass, actor: Actor | None) -> None:
    """Count a request of the account, or of the address without one. Raises TooManyRequests.

    The response then shows the rest of the quota.
    """
    if limit is LimitClass.UNLIMITED:
        return
    address = host_of(client_address(request))
    subjects: list[object] = [actor.id.int if actor else address]
    if actor and limit in _BY_ADDRESS:
        subjects.append(address)
    verdict = await resolve(request, RateLimits).take(limit, subjects)
    request.ctx.verdict = verdict
    if verdict.wait_s:
        RATE_LIMITED.add(limit.value)
        raise TooManyRequests(verdict.wait_s)
