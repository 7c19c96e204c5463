"""Access tokens: expiry, verification by the JWKS, and revocation at the end of a session."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import httpx
import jwt
import psutil
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from grome.accounts.repository import SessionRepository
from grome.accounts.tokens import AccessTokens
from grome.accounts.verifier import RECHECK_SECONDS, Verifier
from grome.common.actor import Actor, Role
from grome.common.clock import system_clock
from grome.common.errors import Unauthenticated
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.infrastructure.redis.client import Namespace, RedisClients
from tests.builders.people import Person, register
from tests.conftest import AdjustableClock
from tests.support.eventually import until
from tests.support.http_client import http_client
from tests.support.processes import RunningGrome


async def status(http: httpx.AsyncClient, token: str) -> int:
    return (await http.get("/v1/me", headers={"Authorization": f"Bearer {token}"})).status_code


@pytest.mark.parametrize("used_before", [True, False])
async def test_access_token_expires_after_fifteen_minutes(
    http: httpx.AsyncClient, clock: AdjustableClock, *, used_before: bool
) -> None:
    person = await register(http)
    if used_before:
        assert await status(http, person.access_token) == 200
    clock.shift = timedelta(seconds=895)
    assert await status(http, person.access_token) == 200
    clock.shift = timedelta(seconds=901)
    assert await status(http, person.access_token) == 401


async def test_access_token_verifies_by_the_jwks(http: httpx.AsyncClient) -> None:
    person = await register(http, role="barber")
    keys = jwt.PyJWKSet.from_dict((await http.get("/v1/auth/jwks")).json())
    key = keys[jwt.get_unverified_header(person.access_token)["kid"]]
    claims = jwt.decode(person.access_token, key, algorithms=["EdDSA"], issuer="grome", audience="grome")
    assert (claims["sub"], claims["role"]) == (str(person.id), "barber")
    assert claims["exp"] - claims["iat"] == 900
    assert "d" not in (await http.get("/v1/auth/jwks")).json()["keys"][0]


async def test_access_token_with_a_foreign_signature_is_refused(http: httpx.AsyncClient, container: Container) -> None:
    person = await register(http)
    claims = jwt.decode(person.access_token, options={"verify_signature": False})
    header, payload, signature = person.access_token.split(".")
    promoted = jwt.encode({**claims, "role": "admin"}, "", algorithm="none").split(".")[1]
    public = container.get(AccessTokens).list_jwks()[0].x
    forged = [
        jwt.encode(claims, Ed25519PrivateKey.generate(), algorithm="EdDSA"),
        jwt.encode(claims, "", algorithm="none"),
        jwt.encode(claims, public + "=" * 32, algorithm="HS256"),
        f"{header}.{promoted}.{signature}",
        f"{header}.{payload}.{signature[::-1]}",
        f"{header}.{payload}.",
        "nonsense",
    ]
    assert [await status(http, token) for token in forged] == [401] * len(forged)
    assert await status(http, person.access_token) == 200


async def test_access_token_of_an_unknown_session_is_refused(http: httpx.AsyncClient, container: Container) -> None:
    person = await register(http)
    token = container.get(AccessTokens).issue(Actor(person.id, Role.ADMIN, new_id()), system_clock())
    assert await status(http, token) == 401


async def test_refused_access_token_names_the_bearer_scheme(http: httpx.AsyncClient) -> None:
    for header in ({}, {"Authorization": "Bearer"}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer x"}):
        response = await http.get("/v1/me", headers=header)
        assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")
        assert response.headers["www-authenticate"].startswith("Bearer")
    public = await http.get("/v1/services", headers={"Authorization": "Bearer x"})
    assert public.status_code == 401


async def test_logout_revokes_the_access_token_at_once(http: httpx.AsyncClient) -> None:
    person, other = await register(http), await register(http)
    assert await status(http, person.access_token) == 200
    response = await http.post("/v1/auth/logout", headers=person.auth)
    assert (response.status_code, response.content) == (204, b"")
    assert await status(http, person.access_token) == 401
    assert await status(http, other.access_token) == 200
    assert (await http.post("/v1/auth/logout", headers=person.auth)).status_code == 401


async def test_logout_in_one_process_revokes_the_token_in_all_others(
    running: RunningGrome, http: httpx.AsyncClient
) -> None:
    person = await register(http)
    connections = await one_connection_a_worker(running, person)
    try:
        clients = [http, *connections]
        assert [await status(client, person.access_token) for client in clients] == [200] * 3

        response = await connections[0].post("/v1/auth/logout", headers=person.auth)

        assert response.status_code == 204

        async def is_stopped() -> bool:
            return [await status(client, person.access_token) for client in clients] == [401] * 3

        # Far less than the time after which a process checks a session again without a message.
        await until(is_stopped, within_s=RECHECK_SECONDS / 3)
    finally:
        await asyncio.gather(*(client.aclose() for client in connections))


async def one_connection_a_worker(running: RunningGrome, person: Person) -> list[httpx.AsyncClient]:
    """Yield clients that each hold an open connection to another API worker of `running`."""
    held: dict[int, httpx.AsyncClient] = {}
    spare: list[httpx.AsyncClient] = []
    workers = running.workers("Server")
    for _ in range(200):
        client = http_client(running.url)
        response = await client.get("/v1/me", headers=person.auth)
        address = response.extensions["network_stream"].get_extra_info("client_addr")
        pid = next(worker.pid for worker in workers if address in peers(worker))
        if pid in held:
            spare.append(client)
        else:
            held[pid] = client
        if len(held) == 2:
            break
    await asyncio.gather(*(client.aclose() for client in spare))
    assert len(held) == 2, "200 connections went to one worker"
    return list(held.values())


def peers(worker: psutil.Process) -> list[tuple[str, int]]:
    found = (connection.raddr for connection in worker.net_connections("tcp"))
    return [(address.ip, address.port) for address in found if address]


def session_of(person: Person) -> UUID:
    return UUID(jwt.decode(person.access_token, options={"verify_signature": False})["sid"])


class LateAnswers(SessionRepository):
    """Answers from the database, but only after the gate opens."""

    def __init__(self, container: Container) -> None:
        super().__init__(container.database)
        self.read, self.gate = asyncio.Event(), asyncio.Event()

    async def is_live(self, session_id: UUID, now: datetime) -> bool:
        live = await super().is_live(session_id, now)
        self.read.set()
        await self.gate.wait()
        return live


async def test_session_read_before_a_concurrent_logout_is_not_cached(
    http: httpx.AsyncClient, container: Container
) -> None:
    person = await register(http)
    sessions = LateAnswers(container)
    verifier = Verifier(
        container.get(AccessTokens),
        sessions,
        container.get(RedisClients).commands,
        container.get(RedisClients).commands,
        container.get(Namespace),
        system_clock,
    )
    looking_up = asyncio.create_task(verifier.get_actor(person.access_token))
    await sessions.read.wait()

    await http.post("/v1/auth/logout", headers=person.auth)
    await verifier.evict_session(session_of(person))
    sessions.gate.set()

    await looking_up
    with pytest.raises(Unauthenticated):
        await verifier.get_actor(person.access_token)
