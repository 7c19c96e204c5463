"""Refresh tokens: each is valid once, a lost response is forgiven, any other repeat counts as theft."""

import asyncio
import base64
import hashlib
import secrets
from datetime import datetime, timedelta
from uuid import UUID

import bson
import httpx
import jwt
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from grome.accounts.errors import RefreshRefused
from grome.accounts.models import LoginSession, SessionLife
from grome.accounts.repository import SessionRepository, UserRepository
from grome.accounts.sessions import SessionService
from grome.accounts.token_families import TokenFamilies
from grome.accounts.tokens import RefreshToken, RefreshTokens, TokenIssuer
from grome.accounts.verifier import Verifier
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.notifications.repository import PushDeviceRepository
from tests.builders.keys import secret_keys
from tests.builders.people import PASSWORD, Person, register
from tests.conftest import AdjustableClock

TOKENS = RefreshTokens(secret_keys())


async def refresh(http: httpx.AsyncClient, token: str) -> httpx.Response:
    return await http.post("/v1/auth/refresh", json={"refresh_token": token})


async def rotate(http: httpx.AsyncClient, token: str) -> tuple[str, str]:
    """Refresh, and return the new access and refresh token."""
    response = await refresh(http, token)
    assert response.status_code == 200, response.text
    return response.json()["access_token"], response.json()["refresh_token"]


async def status_of(http: httpx.AsyncClient, access_token: str) -> int:
    return (await http.get("/v1/me", headers={"Authorization": f"Bearer {access_token}"})).status_code


@pytest.fixture
async def person(http: httpx.AsyncClient) -> Person:
    return await register(http)


async def test_refresh_returns_two_new_working_tokens(http: httpx.AsyncClient, person: Person) -> None:
    response = await refresh(http, person.refresh_token)
    answer = response.json()
    assert response.status_code == 200
    assert set(answer) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 900)
    assert answer["refresh_token"] != person.refresh_token
    assert answer["access_token"] != person.access_token
    assert await status_of(http, answer["access_token"]) == 200
    assert (await refresh(http, answer["refresh_token"])).status_code == 200


async def test_repeat_within_ten_seconds_returns_the_same_child(
    http: httpx.AsyncClient, person: Person, clock: AdjustableClock
) -> None:
    _, child = await rotate(http, person.refresh_token)
    clock.shift = timedelta(seconds=9)
    access, again = await rotate(http, person.refresh_token)
    assert again == child
    assert await status_of(http, access) == 200


async def test_fifty_concurrent_refreshes_return_one_child(http: httpx.AsyncClient, person: Person) -> None:
    answers = await asyncio.gather(*(refresh(http, person.refresh_token) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    children = {answer.json()["refresh_token"] for answer in answers}
    assert len(children) == 1
    assert (await refresh(http, children.pop())).status_code == 200


async def test_late_repeat_with_an_unused_child_returns_a_new_child(
    http: httpx.AsyncClient, person: Person, clock: AdjustableClock
) -> None:
    _, lost = await rotate(http, person.refresh_token)
    clock.shift = timedelta(hours=12)
    access, child = await rotate(http, person.refresh_token)
    assert child != lost
    assert await status_of(http, access) == 200
    assert await rotate(http, child)


async def test_replaced_child_counts_as_an_old_token(
    http: httpx.AsyncClient, person: Person, clock: AdjustableClock
) -> None:
    """Owner and thief both hold a child of the same parent; the use of the second child ends the family."""
    _, first = await rotate(http, person.refresh_token)
    clock.shift = timedelta(seconds=11)
    _, second = await rotate(http, person.refresh_token)
    reused = await refresh(http, first)
    assert (reused.status_code, reused.json()["code"]) == (401, "refresh_reused")
    assert (await refresh(http, second)).json()["code"] == "refresh_refused"


async def test_fifty_concurrent_late_repeats_return_one_child(
    http: httpx.AsyncClient, person: Person, clock: AdjustableClock
) -> None:
    await rotate(http, person.refresh_token)
    clock.shift = timedelta(seconds=12)
    answers = await asyncio.gather(*(refresh(http, person.refresh_token) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    children = {answer.json()["refresh_token"] for answer in answers}
    assert len(children) == 1
    assert (await refresh(http, children.pop())).status_code == 200


async def test_reuse_of_a_parent_after_its_child_ends_the_family(
    http: httpx.AsyncClient, person: Person, clock: AdjustableClock
) -> None:
    _, child = await rotate(http, person.refresh_token)
    access, newest = await rotate(http, child)
    assert await status_of(http, access) == 200
    clock.shift = timedelta(seconds=11)

    reused = await refresh(http, person.refresh_token)

    assert (reused.status_code, reused.json()["code"]) == (401, "refresh_reused")
    refused = await refresh(http, newest)
    assert (refused.status_code, refused.json()["code"]) == (401, "refresh_refused")
    assert [await status_of(http, token) for token in (access, person.access_token)] == [401, 401]


async def test_reuse_is_detected_after_any_number_of_rotations(
    http: httpx.AsyncClient, container: Container, person: Person
) -> None:
    newest = person.refresh_token
    for _ in range(5):
        newest = (await container.get(SessionService).refresh(newest)).refresh_token
    session = {"user_id": person.id}
    await container.database["sessions"].update_one(session, {"$inc": {"generation": 1_000_000, "parent": 1_000_000}})
    reused = await refresh(http, newest)
    assert (reused.status_code, reused.json()["code"]) == (401, "refresh_reused")


async def test_reuse_notifies_the_owner(http: httpx.AsyncClient, container: Container, person: Person) -> None:
    _, child = await rotate(http, person.refresh_token)
    await rotate(http, child)
    assert (await refresh(http, person.refresh_token)).status_code == 401
    stored = await container.database["sessions"].find_one({"user_id": person.id})
    assert stored is not None
    assert stored["notice"]["type"] == "account.session_reused"
    assert stored["notice"]["at"] == stored["revoked_at"]


async def test_session_document_does_not_grow_with_refreshes(
    http: httpx.AsyncClient, container: Container, person: Person
) -> None:
    sizes, newest = [], person.refresh_token
    for _ in range(20):
        _, newest = await rotate(http, newest)
        stored = await container.database["sessions"].find_one({"user_id": person.id})
        sizes.append(len(bson.encode(stored or {}, codec_options=container.database.codec_options)))
    assert len(set(sizes)) == 1


async def test_reuse_of_a_grandparent_ends_the_family(http: httpx.AsyncClient, person: Person) -> None:
    _, child = await rotate(http, person.refresh_token)
    await rotate(http, child)
    reused = await refresh(http, person.refresh_token)
    assert (reused.status_code, reused.json()["code"]) == (401, "refresh_reused")


async def test_sessions_on_other_devices_outlive_the_end_of_a_family(http: httpx.AsyncClient, person: Person) -> None:
    other = await http.post(
        "/v1/auth/login", json={"email": person.email, "password": PASSWORD, "device": {"id": "other"}}
    )
    _, child = await rotate(http, person.refresh_token)
    await rotate(http, child)
    assert (await refresh(http, person.refresh_token)).status_code == 401
    assert await status_of(http, other.json()["access_token"]) == 200


@pytest.mark.parametrize(("shift", "status"), [(timedelta(days=30, minutes=-1), 200), (timedelta(days=30), 401)])
async def test_refresh_token_expires_after_thirty_days(
    http: httpx.AsyncClient, person: Person, clock: AdjustableClock, shift: timedelta, status: int
) -> None:
    clock.shift = shift
    assert (await refresh(http, person.refresh_token)).status_code == status


async def test_used_session_lives_on_and_ends_ninety_days_after_its_login(
    http: httpx.AsyncClient, person: Person, clock: AdjustableClock
) -> None:
    newest = person.refresh_token
    for days in (25, 50, 75, 89):
        clock.shift = timedelta(days=days)
        _, newest = await rotate(http, newest)
    clock.shift = timedelta(days=90)
    assert (await refresh(http, newest)).json()["code"] == "refresh_refused"


async def test_session_of_a_release_without_an_end_ends_ninety_days_after_its_login(
    http: httpx.AsyncClient, container: Container, person: Person, clock: AdjustableClock
) -> None:
    added = {"ends_at": "", "authenticated_at": "", "methods": "", "country": ""}
    await container.database["sessions"].update_one({"user_id": person.id}, {"$unset": added})
    newest = person.refresh_token
    for days in (29, 58, 87):
        clock.shift = timedelta(days=days)
        _, newest = await rotate(http, newest)
    clock.shift = timedelta(days=90)
    assert (await refresh(http, newest)).status_code == 401


async def test_refresh_token_is_refused_after_logout(http: httpx.AsyncClient, person: Person) -> None:
    assert (await http.post("/v1/auth/logout", headers=person.auth)).status_code == 204
    refused = await refresh(http, person.refresh_token)
    assert (refused.status_code, refused.json()["code"]) == (401, "refresh_refused")


async def test_refresh_token_of_foreign_make_is_refused(http: httpx.AsyncClient, person: Person) -> None:
    said, _, mac = person.refresh_token.partition(".")
    forged = f"{said}.{'A' * len(mac)}"
    for token in (forged, said, f".{mac}", f"{said}.", f"{said}.{mac[:-4]}", f"{mac}.{said}", "ü.ü", "a.b.c", "\x00"):
        refused = await refresh(http, token)
        assert (refused.status_code, refused.json()["code"]) == (401, "refresh_refused"), token
    assert (await refresh(http, person.refresh_token)).status_code == 200


class NoDatabase(SessionRepository):
    """Fails a test that asks the database for a session."""

    async def find(self, session_id: UUID) -> LoginSession | None:
        raise AssertionError(session_id)

    async def rotate(self, session_id: UUID, generation: int, life: SessionLife, now: datetime) -> LoginSession | None:
        raise AssertionError(session_id, generation, life, now)

    async def adopt(self, session_id: UUID, token_hash: bytes, life: SessionLife, now: datetime) -> LoginSession | None:
        raise AssertionError(session_id, token_hash, life, now)


async def test_forged_refresh_token_is_refused_without_the_database(container: Container, person: Person) -> None:
    get, sessions = container.get, NoDatabase(container.database)
    service = SessionService(
        (get(UserRepository), sessions),
        TokenFamilies(sessions, get(Verifier), get(SessionLife), container.clock),
        get(RefreshTokens),
        get(TokenIssuer),
        get(Verifier),
        container.clock,
        get(PushDeviceRepository).remove_by_name,
    )
    said, _, mac = person.refresh_token.partition(".")
    for token in (f"{said}.{'A' * len(mac)}", f"{said}.{mac[:-1]}", f"{said[:-1]}A.{mac}", f"{said}.{mac}="):
        assert token != person.refresh_token
        with pytest.raises(RefreshRefused):
            await service.refresh(token)


def test_refresh_token_of_another_key_is_not_read() -> None:
    assert RefreshTokens(secret_keys()).read(TOKENS.write(RefreshToken(new_id(), 1))) is None


@given(st.uuids(), st.integers(0, 2**64 - 1), st.data())
def test_altered_refresh_token_is_not_read(session_id: UUID, generation: int, data: st.DataObject) -> None:
    token = TOKENS.write(RefreshToken(session_id, generation))
    assert TOKENS.read(token) == RefreshToken(session_id, generation)
    at = data.draw(st.integers(0, len(token)))
    changed = token[:at] + data.draw(st.text(max_size=3)) + token[at + data.draw(st.integers(0, 2)) :]
    assume(changed != token)
    assert TOKENS.read(changed) is None


async def test_stored_session_contains_no_part_of_a_token(
    http: httpx.AsyncClient, container: Container, person: Person
) -> None:
    _, child = await rotate(http, person.refresh_token)
    claims = jwt.decode(person.access_token, options={"verify_signature": False})
    stored = await container.database["sessions"].find_one({"user_id": person.id})
    assert stored is not None
    assert str(stored["_id"]) == claims["sid"]
    raw = bson.encode(stored, codec_options=container.database.codec_options)
    for token in (person.refresh_token, child):
        mac = token.partition(".")[2]
        assert mac.encode() not in raw
        assert base64.urlsafe_b64decode(mac + "=") not in raw
    assert person.access_token.encode() not in raw


class TestOfAnEarlierRelease:
    """Clients of sessions without numbers hold random secrets."""

    async def test_unnumbered_token_is_exchanged_for_a_numbered_token(
        self, http: httpx.AsyncClient, container: Container, person: Person
    ) -> None:
        old = await unnumbered(container, person)
        access, numbered = await rotate(http, old)
        assert await status_of(http, access) == 200
        assert await rotate(http, numbered)

    async def test_repeat_with_an_unused_child_returns_a_new_child(
        self, http: httpx.AsyncClient, container: Container, person: Person, clock: AdjustableClock
    ) -> None:
        old = await unnumbered(container, person)
        _, first = await rotate(http, old)
        assert (await rotate(http, old))[1] == first
        clock.shift = timedelta(seconds=12)
        _, second = await rotate(http, old)
        await rotate(http, second)
        assert (await refresh(http, old)).json()["code"] == "refresh_reused"
        assert (await refresh(http, second)).json()["code"] == "refresh_refused"

    async def test_parent_is_exchanged_if_its_child_never_arrived(
        self, http: httpx.AsyncClient, container: Container, person: Person
    ) -> None:
        child = await unnumbered(container, person)
        parent = await unnumbered(container, person, previous=True)
        _, numbered = await rotate(http, parent)
        assert (await refresh(http, child)).json()["code"] == "refresh_refused"
        assert await rotate(http, numbered)

    async def test_forged_secret_does_not_end_the_session(
        self, http: httpx.AsyncClient, container: Container, person: Person
    ) -> None:
        old = await unnumbered(container, person)
        session = old.partition(".")[0]
        made_up = f"{session}.{base64url(b'1' * 32)}"
        assert (await refresh(http, made_up)).json()["code"] == "refresh_refused"
        assert (await refresh(http, old)).status_code == 200
        assert (await refresh(http, made_up)).json()["code"] == "refresh_refused"

    async def test_other_spellings_of_a_token_are_refused(
        self, http: httpx.AsyncClient, container: Container, person: Person
    ) -> None:
        old = await unnumbered(container, person)
        for other in (f"{old}=", f"{old[:10]}!{old[10:]}"):
            assert (await refresh(http, other)).json()["code"] == "refresh_refused"


async def unnumbered(container: Container, person: Person, *, previous: bool = False) -> str:
    """Make the person's session one of an earlier release, and return its token, or the parent of its token."""
    secret = secrets.token_bytes(32)
    hashed = {"previous_hash" if previous else "token_hash": hashlib.sha256(secret).digest()}
    stored = await container.database["sessions"].find_one_and_update(
        {"user_id": person.id}, {"$set": hashed, "$unset": {"generation": "", "parent": ""}}
    )
    assert stored is not None
    return f"{base64url(stored['_id'].bytes)}.{base64url(secret)}"


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


async def test_expired_sessions_are_deleted_by_a_ttl_index(container: Container) -> None:
    indexes = await container.database["sessions"].index_information()
    assert indexes["expiry"]["key"] == [("expires_at", 1)]
    assert indexes["expiry"]["expireAfterSeconds"] == 0
