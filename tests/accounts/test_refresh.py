"""Refresh tokens: each good once, a lost answer forgiven for ten seconds, a later repeat taken for theft."""

import asyncio
from datetime import timedelta

import bson
import httpx
import jwt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from grome.accounts.tokens import digest, read_refresh_token, write_refresh_token
from grome.common.ids import new_id
from grome.context import AppContext
from tests.builders.people import PASSWORD, Person, register
from tests.conftest import SetClock


async def refresh(http: httpx.AsyncClient, token: str) -> httpx.Response:
    return await http.post("/v1/auth/refresh", json={"refresh_token": token})


async def rotate(http: httpx.AsyncClient, token: str) -> tuple[str, str]:
    """The new access and refresh token."""
    response = await refresh(http, token)
    assert response.status_code == 200, response.text
    return response.json()["access_token"], response.json()["refresh_token"]


async def status_of(http: httpx.AsyncClient, access_token: str) -> int:
    return (await http.get("/v1/me", headers={"Authorization": f"Bearer {access_token}"})).status_code


@pytest.fixture
async def person(http: httpx.AsyncClient) -> Person:
    return await register(http)


async def test_both_tokens_are_new_and_work(http: httpx.AsyncClient, person: Person) -> None:
    response = await refresh(http, person.refresh_token)
    answer = response.json()
    assert response.status_code == 200
    assert set(answer) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 900)
    assert answer["refresh_token"] != person.refresh_token
    assert answer["access_token"] != person.access_token
    assert await status_of(http, answer["access_token"]) == 200
    assert (await refresh(http, answer["refresh_token"])).status_code == 200


async def test_for_ten_seconds_a_repeat_gets_the_same_child(
    http: httpx.AsyncClient, person: Person, clock: SetClock
) -> None:
    _, child = await rotate(http, person.refresh_token)
    clock.shift = timedelta(seconds=9)
    access, again = await rotate(http, person.refresh_token)
    assert again == child
    assert await status_of(http, access) == 200


async def test_fifty_at_once_get_one_child(http: httpx.AsyncClient, person: Person) -> None:
    answers = await asyncio.gather(*(refresh(http, person.refresh_token) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    children = {answer.json()["refresh_token"] for answer in answers}
    assert len(children) == 1
    assert (await refresh(http, children.pop())).status_code == 200


async def test_a_later_repeat_ends_the_whole_family(http: httpx.AsyncClient, person: Person, clock: SetClock) -> None:
    access, newest = await rotate(http, person.refresh_token)
    assert await status_of(http, access) == 200
    clock.shift = timedelta(seconds=11)

    reused = await refresh(http, person.refresh_token)

    assert (reused.status_code, reused.json()["code"]) == (401, "refresh_reused")
    refused = await refresh(http, newest)
    assert (refused.status_code, refused.json()["code"]) == (401, "refresh_refused")
    assert [await status_of(http, token) for token in (access, person.access_token)] == [401, 401]


async def test_only_the_immediate_parent_is_forgiven(http: httpx.AsyncClient, person: Person) -> None:
    _, child = await rotate(http, person.refresh_token)
    await rotate(http, child)
    reused = await refresh(http, person.refresh_token)
    assert (reused.status_code, reused.json()["code"]) == (401, "refresh_reused")


async def test_other_devices_outlive_the_end_of_a_family(
    http: httpx.AsyncClient, person: Person, clock: SetClock
) -> None:
    other = await http.post(
        "/v1/auth/login", json={"email": person.email, "password": PASSWORD, "device": {"id": "other"}}
    )
    await rotate(http, person.refresh_token)
    clock.shift = timedelta(seconds=11)
    assert (await refresh(http, person.refresh_token)).status_code == 401
    assert await status_of(http, other.json()["access_token"]) == 200


@pytest.mark.parametrize(("shift", "status"), [(timedelta(days=30, minutes=-1), 200), (timedelta(days=30), 401)])
async def test_it_lives_thirty_days(
    http: httpx.AsyncClient, person: Person, clock: SetClock, shift: timedelta, status: int
) -> None:
    clock.shift = shift
    assert (await refresh(http, person.refresh_token)).status_code == status


async def test_after_logout_it_is_refused(http: httpx.AsyncClient, person: Person) -> None:
    assert (await http.post("/v1/auth/logout", headers=person.auth)).status_code == 204
    refused = await refresh(http, person.refresh_token)
    assert (refused.status_code, refused.json()["code"]) == (401, "refresh_refused")


async def test_one_that_we_did_not_write_is_refused(http: httpx.AsyncClient, person: Person) -> None:
    session, _, secret = person.refresh_token.partition(".")
    forged = write_refresh_token(new_id(), b"x" * 32)
    for token in (forged, session, f".{secret}", f"{session}.", f"{session}.{secret[:-4]}", "ü.ü", "a.b.c", "\x00"):
        refused = await refresh(http, token)
        assert (refused.status_code, refused.json()["code"]) == (401, "refresh_refused"), token


async def test_a_made_up_secret_is_refused_and_ends_nothing(http: httpx.AsyncClient, person: Person) -> None:
    """The session's id stands in every access token, so it must not be enough to log somebody out."""
    session_id, _ = read_refresh_token(person.refresh_token) or (new_id(), b"")
    response = await refresh(http, write_refresh_token(session_id, b"\0" * 32))
    assert (response.status_code, response.json()["code"]) == (401, "refresh_refused")
    assert (await refresh(http, person.refresh_token)).status_code == 200


@settings(deadline=None, max_examples=200)
@given(st.binary(min_size=32, max_size=32), st.data())
def test_any_change_of_a_token_is_noticed(secret: bytes, data: st.DataObject) -> None:
    session_id = new_id()
    token = write_refresh_token(session_id, secret)
    assert read_refresh_token(token) == (session_id, secret)
    at = data.draw(st.integers(0, len(token)))
    changed = token[:at] + data.draw(st.text(max_size=3)) + token[at + data.draw(st.integers(0, 2)) :]
    assume(changed != token)
    assert read_refresh_token(changed) != (session_id, secret)


async def test_the_database_holds_hashes_alone(http: httpx.AsyncClient, context: AppContext, person: Person) -> None:
    _, child = await rotate(http, person.refresh_token)
    claims = jwt.decode(person.access_token, options={"verify_signature": False})
    stored = await context.database["sessions"].find_one({"user_id": person.id})
    assert stored is not None
    assert str(stored["_id"]) == claims["sid"]
    raw = bson.encode(stored, codec_options=context.database.codec_options)
    for token in (person.refresh_token, child):
        parsed = read_refresh_token(token)
        assert parsed is not None
        assert token.partition(".")[2].encode() not in raw
        assert parsed[1] not in raw
        assert digest(parsed[1]) in raw
    assert person.access_token.encode() not in raw


async def test_the_database_drops_expired_sessions(context: AppContext) -> None:
    indexes = await context.database["sessions"].index_information()
    assert indexes["expiry"]["key"] == [("expires_at", 1)]
    assert indexes["expiry"]["expireAfterSeconds"] == 0
