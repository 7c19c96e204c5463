"""The cache of verified tokens: hits, expiry, eviction, and gaps in revocation messages."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import UUID

import httpx
import pytest

from grome.accounts.repository import SessionRepository
from grome.accounts.sessions import SessionService
from grome.accounts.tokens import AccessTokens
from grome.accounts.verifier import Verifier
from grome.common.errors import Unauthenticated
from grome.infrastructure.container import Container
from grome.infrastructure.redis.client import Namespace, RedisClients
from tests.builders.people import Person, register
from tests.conftest import AdjustableClock
from tests.support.eventually import until


class CountedSessions(SessionRepository):
    """Counts the queries of sessions, and holds back results while the gate is shut."""

    def __init__(self, container: Container) -> None:
        super().__init__(container.database)
        self.asked = 0
        self.read, self.gate = asyncio.Event(), asyncio.Event()
        self.gate.set()

    async def is_live(self, session_id: UUID, now: datetime) -> bool:
        self.asked += 1
        live = await super().is_live(session_id, now)
        self.read.set()
        await self.gate.wait()
        return live


@pytest.fixture
def sessions(container: Container) -> CountedSessions:
    return CountedSessions(container)


@pytest.fixture
async def verifier(container: Container, sessions: CountedSessions) -> AsyncIterator[Verifier]:
    """Return a verifier that gets no messages, since it is not started."""
    made = Verifier(
        container.get(AccessTokens),
        sessions,
        container.get(RedisClients).commands,
        container.get(RedisClients).subscriptions,
        container.get(Namespace),
        container.clock,
    )
    yield made
    await made.close()


async def revoke_unheard(container: Container, person: Person) -> None:
    now = container.clock()
    await container.database["sessions"].update_many({"user_id": person.id}, {"$set": {"revoked_at": now}})


async def is_accepted(verifier: Verifier, person: Person) -> bool:
    try:
        return (await verifier.get_actor(person.access_token)).id == person.id
    except Unauthenticated:
        return False


async def test_verified_token_is_cached(http: httpx.AsyncClient, verifier: Verifier, sessions: CountedSessions) -> None:
    person = await register(http)
    assert verifier.cached(person.access_token) is None
    for _ in range(3):
        assert await is_accepted(verifier, person)
    assert sessions.asked == 1
    remembered = verifier.cached(person.access_token)
    assert remembered is not None
    assert remembered.id == person.id


async def test_cached_token_is_checked_again_after_thirty_seconds(
    http: httpx.AsyncClient, container: Container, verifier: Verifier, sessions: CountedSessions, clock: AdjustableClock
) -> None:
    person = await register(http)
    began = container.clock()
    clock.stopped = began
    assert await is_accepted(verifier, person)
    await revoke_unheard(container, person)
    clock.stopped = began + timedelta(seconds=29.9)
    assert await is_accepted(verifier, person)
    assert sessions.asked == 1
    clock.stopped = began + timedelta(seconds=30)
    assert verifier.cached(person.access_token) is None
    assert not await is_accepted(verifier, person)
    assert sessions.asked == 2


async def test_token_of_an_evicted_session_is_checked_at_once(
    http: httpx.AsyncClient, container: Container, verifier: Verifier
) -> None:
    person, other = await register(http), await register(http)
    assert [await is_accepted(verifier, one) for one in (person, other)] == [True, True]
    stored = await container.database["sessions"].find_one({"user_id": person.id})
    assert stored is not None
    await revoke_unheard(container, person)
    await verifier.evict_session(stored["_id"])
    assert not await is_accepted(verifier, person)
    assert verifier.cached(other.access_token) is not None


async def test_cache_evicts_its_oldest_token(
    http: httpx.AsyncClient, container: Container, sessions: CountedSessions
) -> None:
    verifier = Verifier(
        container.get(AccessTokens),
        sessions,
        container.get(RedisClients).commands,
        container.get(RedisClients).subscriptions,
        container.get(Namespace),
        container.clock,
        max_tokens=2,
    )
    people = [await register(http) for _ in range(3)]
    for person in people:
        assert await is_accepted(verifier, person)
    assert [verifier.cached(person.access_token) is None for person in people] == [True, False, False]
    for person in (*people, people[0]):
        assert await is_accepted(verifier, person)
    assert sessions.asked == 7  # three first checks, and one more for each evicted token


async def test_revocation_evicts_all_tokens_of_the_session(
    http: httpx.AsyncClient, container: Container, verifier: Verifier
) -> None:
    person, other = await register(http), await register(http)
    refreshed = (await container.get(SessionService).refresh(person.refresh_token)).access_token
    for token in (person.access_token, refreshed, other.access_token):
        await verifier.get_actor(token)
    stored = await container.database["sessions"].find_one({"user_id": person.id})
    assert stored is not None
    for _ in range(2):
        await verifier.evict_session(stored["_id"])
    assert [verifier.cached(token) is None for token in (person.access_token, refreshed, other.access_token)] == [
        True,
        True,
        False,
    ]


async def test_cache_is_cleared_after_a_gap_in_the_messages(
    http: httpx.AsyncClient, container: Container, verifier: Verifier
) -> None:
    """A new subscription has missed all earlier messages."""
    person, other = await register(http), await register(http)
    assert [await is_accepted(verifier, one) for one in (person, other)] == [True, True]
    await revoke_unheard(container, person)
    assert await is_accepted(verifier, person)
    await begin_to_hear(verifier, other)
    assert not await is_accepted(verifier, person)
    assert await is_accepted(verifier, other)


async def test_session_read_during_a_gap_in_the_messages_is_not_cached(
    http: httpx.AsyncClient, container: Container, verifier: Verifier, sessions: CountedSessions
) -> None:
    person, other = await register(http), await register(http)
    assert await is_accepted(verifier, other)
    sessions.gate.clear()
    sessions.read.clear()
    looking_up = asyncio.create_task(is_accepted(verifier, person))
    await sessions.read.wait()
    await revoke_unheard(container, person)
    await begin_to_hear(verifier, other)
    sessions.gate.set()
    assert await looking_up
    assert verifier.cached(person.access_token) is None
    assert not await is_accepted(verifier, person)


async def begin_to_hear(verifier: Verifier, other: Person) -> None:
    """Wait until the verifier has evicted the token of `other`."""
    verifier.start()
    await until(lambda: verifier.cached(other.access_token) is None)
