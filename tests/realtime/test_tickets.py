"""Tickets work once, end with the token that made them, and are not stored as they are."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import msgspec
import pytest

from grome.app import App
from grome.common.actor import Actor, Role
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.infrastructure.redis.client import Namespace, RedisClients, open_redis
from grome.realtime.tickets import SignedInUntil, Tickets
from tests.builders.people import register
from tests.conftest import AdjustableClock
from tests.support.app import ChangedContainer
from tests.support.processes import free_port

MINUTE = timedelta(minutes=1)


def an_actor() -> Actor:
    return Actor(new_id(), Role.BARBER, new_id())


async def test_ticket_is_redeemed_once_and_stored_as_a_hash(container: Container) -> None:
    tickets, actor, redis = container.get(Tickets), an_actor(), container.get(RedisClients).commands
    expires_at = container.clock() + MINUTE
    before = {key async for key in redis.scan_iter(match="*ticket*")}
    ticket = await tickets.issue(actor, expires_at)
    [key] = {key async for key in redis.scan_iter(match="*ticket*")} - before
    assert ticket.encode() not in key + (await redis.get(key) or b"")
    assert 0 < await redis.ttl(key) <= 30
    assert await tickets.redeem(ticket) == SignedInUntil(actor, expires_at)
    assert await tickets.redeem(ticket) is None


@pytest.mark.parametrize("ticket", ["", "unknown", "x" * 10_000])
async def test_ticket_that_was_never_issued_signs_nobody_in(container: Container, ticket: str) -> None:
    assert await container.get(Tickets).redeem(ticket) is None


async def test_ticket_ends_with_the_token_that_made_it(container: Container, clock: AdjustableClock) -> None:
    tickets = container.get(Tickets)
    ticket = await tickets.issue(an_actor(), container.clock() + MINUTE)
    clock.shift = MINUTE
    assert await tickets.redeem(ticket) is None


@pytest.fixture
async def without_redis(app: App, container: Container) -> AsyncIterator[None]:
    settings = msgspec.structs.replace(container.settings.redis, url=f"redis://127.0.0.1:{free_port()}")
    async with open_redis(settings) as gone:
        tickets = Tickets(gone, container.get(Namespace), container.clock)
        app.ctx.container = ChangedContainer(container, objects={Tickets: tickets})
        yield
        app.ctx.container = container


@pytest.mark.usefixtures("without_redis")
async def test_ticket_without_redis_is_unavailable(http: httpx.AsyncClient) -> None:
    person = await register(http)
    answer = await http.post("/v1/live/ticket", headers=person.auth)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
