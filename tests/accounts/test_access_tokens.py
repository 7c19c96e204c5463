"""Access tokens: expiry, verification by the JWKS, and revocation at the end of a session."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import jwt
import psutil
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from websockets.asyncio.client import connect

from grome.accounts.repository import SessionRepository
from grome.accounts.tokens import AccessTokens
from grome.accounts.verifier import RECHECK_SECONDS, Verifier
from grome.common.actor import Actor, Role
from grome.common.clock import system_clock
from grome.common.errors import Unauthenticated
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.infrastructure.redis.client import Namespace, RedisClients
from grome.infrastructure.signing_keys import SigningKeys
from tests.builders.people import Person, register, sign_in_again
from tests.conftest import AdjustableClock
from tests.support.eventually import until
from tests.support.http_client import http_client
from tests.support.live import LiveSocket
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


def encoded(claims: dict[str, Any], header: dict[str, str], keys: SigningKeys) -> str:
    return jwt.encode(claims, keys.private, algorithm="EdDSA", headers=header)


async def test_access_token_names_key_audience_and_type(http: httpx.AsyncClient, container: Container) -> None:
    person, keys = await register(http), container.get(SigningKeys)
    header, claims = (
        jwt.get_unverified_header(person.access_token),
        jwt.decode(person.access_token, options={"verify_signature": False}),
    )
    assert header == {"alg": "EdDSA", "typ": "at+jwt", "kid": keys.kid}
    assert (claims["aud"], claims["amr"], claims["auth_time"] <= claims["iat"]) == ("grome", ["pwd"], True)
    unnamed = {name: value for name, value in claims.items() if name not in {"aud", "amr", "auth_time"}}
    refused = [
        encoded(claims, {**header, "kid": "another"}, keys),
        encoded(claims, {"typ": "at+jwt"}, keys),
        encoded(claims, {**header, "typ": "logout+jwt"}, keys),
        encoded(claims, {**header, "typ": "JWT"}, keys),
        encoded({**claims, "aud": "another"}, header, keys),
        encoded({**claims, "iss": "another"}, header, keys),
        encoded(unnamed, header, keys),
    ]
    assert [await status(http, token) for token in refused] == [401] * len(refused)
    assert await status(http, encoded(claims, header, keys)) == 200


async def test_access_token_of_the_previous_release_is_accepted(http: httpx.AsyncClient, container: Container) -> None:
    person, keys = await register(http), container.get(SigningKeys)
    claims = jwt.decode(person.access_token, options={"verify_signature": False})
    known = {name: value for name, value in claims.items() if name not in {"aud", "amr", "auth_time"}}
    old = encoded(known, {"typ": "JWT", "kid": keys.kid}, keys)
    assert await status(http, old) == 200
    actor = await container.get(Verifier).get_actor(old)
    assert (actor.methods, actor.authenticated_at.year) == (frozenset(), 1970)


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


async def test_revocation_in_one_process_is_effective_in_all_others_and_on_sockets(
    running: RunningGrome, http: httpx.AsyncClient
) -> None:
    person = await register(http)
    other = await sign_in_again(http, person)
    connections = await one_connection_a_worker(running, person)
    async with AsyncExitStack() as stack:
        for connection in connections:
            stack.push_async_callback(connection.aclose)
        sockets = [await stack.enter_async_context(signed_in_socket(running, person)) for _ in range(6)]
        clients = [http, *connections]
        assert [await status(client, person.access_token) for client in clients] == [200] * 3

        response = await connections[0].delete("/v1/me/sessions", headers=other.auth)

        assert response.status_code == 204
        closed = [asyncio.create_task(socket.close_code()) for socket in sockets]

        async def is_stopped() -> bool:
            return [await status(client, person.access_token) for client in clients] == [401] * 3

        # Far less than the time after which a process checks a session again without a message.
        await until(is_stopped, within_s=RECHECK_SECONDS / 3)
        assert await asyncio.gather(*closed) == [4200] * len(sockets)
        assert [await status(client, other.access_token) for client in clients] == [200] * 3


@asynccontextmanager
async def signed_in_socket(running: RunningGrome, person: Person) -> AsyncIterator[LiveSocket]:
    async with connect(f"{running.url.replace('http', 'ws', 1)}/v1/live", compression=None) as connection:
        socket = LiveSocket(connection)
        await socket.send(t="hello", token=person.access_token)
        await socket.receive_kind("hello")
        yield socket


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
