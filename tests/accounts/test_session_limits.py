"""An account has at most 50 live sessions and 100 ended sessions; beyond 50 the oldest session ends."""

import asyncio
from datetime import timedelta

import httpx
from pymongo import InsertOne

from grome.accounts.models import Device, LoginSession
from grome.accounts.repository import MAX_ENDED_SESSIONS, MAX_LIVE_SESSIONS
from grome.accounts.schemas import Login
from grome.accounts.service import AccountService
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.infrastructure.mongo.client import to_document
from tests.builders.people import PASSWORD, Person, register


async def log_in(container: Container, person: Person, device: str | None = None) -> str:
    signed_in = await container.get(AccountService).login(
        Login(email=person.email, password=PASSWORD), Device(id=device)
    )
    return signed_in.access_token


async def works(http: httpx.AsyncClient, token: str) -> bool:
    return (await http.get("/v1/me", headers={"Authorization": f"Bearer {token}"})).status_code == 200


async def counts(container: Container, person: Person) -> tuple[int, int]:
    """Return the numbers of live and ended sessions."""
    sessions = container.database["sessions"]
    live = await sessions.count_documents({"user_id": person.id, "revoked_at": None})
    return live, await sessions.count_documents({"user_id": person.id}) - live


async def fill(container: Container, person: Person, live: int, ended: int) -> None:
    """Add sessions that are newer than the person's first."""
    now = container.clock()
    made = [
        LoginSession(
            id=new_id(),
            user_id=person.id,
            role=(await container.get(AccountService).find(person.id)).role,  # type: ignore[union-attr]
            generation=1,
            rotated_at=now,
            device=Device(id=f"device {number}"),
            first_seen=now,
            last_seen=now,
            expires_at=now + timedelta(days=365),
            revoked_at=now if number >= live else None,
        )
        for number in range(live + ended)
    ]
    await container.database["sessions"].bulk_write([InsertOne(to_document(session)) for session in made])


async def test_login_beyond_fifty_sessions_ends_the_oldest(http: httpx.AsyncClient, container: Container) -> None:
    person = await register(http)
    assert await works(http, person.access_token)
    await fill(container, person, live=MAX_LIVE_SESSIONS - 2, ended=0)
    fiftieth = await log_in(container, person)
    assert await works(http, person.access_token)
    newest = await log_in(container, person)
    assert [await works(http, token) for token in (person.access_token, fiftieth, newest)] == [False, True, True]
    assert await counts(container, person) == (MAX_LIVE_SESSIONS, 1)


async def test_sixty_concurrent_logins_leave_fifty_sessions(http: httpx.AsyncClient, container: Container) -> None:
    person = await register(http)
    tokens = await asyncio.gather(*(log_in(container, person, f"phone {number}") for number in range(60)))
    assert sum([await works(http, token) for token in tokens]) == MAX_LIVE_SESSIONS
    assert await counts(container, person) == (MAX_LIVE_SESSIONS, 11)


async def test_logins_on_one_device_keep_a_bounded_number_of_ended_sessions(
    http: httpx.AsyncClient, container: Container
) -> None:
    """The person's live session is older than all ended sessions, and stays."""
    person = await register(http)
    await fill(container, person, live=1, ended=MAX_ENDED_SESSIONS + 20)
    for _ in range(3):
        await log_in(container, person, "phone")
    assert await counts(container, person) == (3, MAX_ENDED_SESSIONS)
    assert await works(http, person.access_token)
