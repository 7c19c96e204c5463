"""The list of the own sessions, and the end of a session, of all other sessions, and of all sessions."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from grome.accounts.errors import AccountSuspended, WrongCredentials
from grome.accounts.models import Device
from grome.accounts.repository import UserRepository
from grome.accounts.sessions import SessionService
from grome.accounts.sign_in import SignIn
from grome.common.actor import SignInMethod
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from tests.builders.people import PASSWORD, Person, person_of, register
from tests.conftest import AdjustableClock


async def log_in(http: httpx.AsyncClient, person: Person, **device: str) -> Person:
    body = {"email": person.email, "password": PASSWORD, **({"device": device} if device else {})}
    response = await http.post("/v1/auth/login", json=body, headers={"User-Agent": "Sessions/1.0"})
    assert response.status_code == 200, response.text
    return person_of(response.json())


async def sessions(http: httpx.AsyncClient, person: Person) -> list[dict[str, Any]]:
    response = await http.get("/v1/me/sessions", headers=person.auth)
    assert response.status_code == 200, response.text
    return list(response.json()["items"])


async def works(http: httpx.AsyncClient, *people: Person) -> list[bool]:
    return [(await http.get("/v1/me", headers=one.auth)).status_code == 200 for one in people]


async def refreshes(http: httpx.AsyncClient, person: Person) -> str:
    response = await http.post("/v1/auth/refresh", json={"refresh_token": person.refresh_token})
    return response.json().get("code", "refreshed")


async def test_sessions_are_listed_with_device_and_last_use(http: httpx.AsyncClient, clock: AdjustableClock) -> None:
    person, _ = await register(http, device={"id": "phone", "platform": "ios"}), await register(http)
    tablet = await log_in(http, person, id="tablet", name="Tablet")
    before = {one["device"]["id"]: one["last_used_at"] for one in await sessions(http, tablet)}
    clock.shift = timedelta(minutes=5)
    assert await refreshes(http, person) == "refreshed"
    newest, oldest = await sessions(http, tablet)
    assert (newest["device"]["name"], newest["device"]["user_agent"], newest["current"]) == (
        *("Tablet", "Sessions/1.0"),
        True,
    )
    assert (oldest["device"]["id"], oldest["device"]["platform"], oldest["current"]) == ("phone", "ios", False)
    assert newest["last_used_at"] == before["tablet"]
    assert oldest["last_used_at"] > before["phone"]
    assert oldest["last_used_at"] > oldest["created_at"]


async def test_revoked_session_ends_and_others_stay(http: httpx.AsyncClient, container: Container) -> None:
    person = await register(http, device={"id": "lost phone"})
    other = await log_in(http, person, id="tablet")
    token = {"token": "a token of the lost phone", "platform": "ios"}
    await http.put("/v1/me/devices/lost phone/push-token", json=token, headers=person.auth)
    lost = next(one["id"] for one in await sessions(http, other) if not one["current"])
    path = f"/v1/me/sessions/{lost}"

    assert await works(http, person, other) == [True, True]
    assert (await http.delete(path, headers=other.auth)).status_code == 204

    assert await works(http, person, other) == [False, True]
    assert await refreshes(http, person) == "refresh_refused"
    assert [one["id"] for one in await sessions(http, other)] != [lost]
    assert (await http.delete(path, headers=other.auth)).status_code == 404
    assert await container.database["push_devices"].count_documents({"user_id": person.id}) == 0


async def test_session_of_another_user_is_not_found(http: httpx.AsyncClient) -> None:
    person, stranger = await register(http), await register(http)
    for session_id in ((await sessions(http, person))[0]["id"], str(new_id())):
        refused = await http.delete(f"/v1/me/sessions/{session_id}", headers=stranger.auth)
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    assert await works(http, person) == [True]


async def test_revocation_of_all_other_sessions_keeps_the_present_session(
    http: httpx.AsyncClient, container: Container
) -> None:
    person = await register(http)
    others, stranger = [await log_in(http, person) for _ in range(3)], await register(http)
    assert (await http.delete("/v1/me/sessions", headers=person.auth)).status_code == 204
    assert await works(http, person, *others, stranger) == [True, False, False, False, True]
    assert len(await sessions(http, person)) == 1
    user = await container.get(UserRepository).find(person.id)
    assert user is not None
    assert user.outbox[-1].type.value == "account.sessions_revoked"


async def test_logout_everywhere_ends_all_sessions(http: httpx.AsyncClient) -> None:
    person = await register(http)
    other = await log_in(http, person)
    assert (await http.post("/v1/auth/logout-all", headers=person.auth)).status_code == 204
    assert await works(http, person, other) == [False, False]
    assert {await refreshes(http, person), await refreshes(http, other)} == {"refresh_refused"}
    assert await works(http, await log_in(http, person)) == [True]


async def test_concurrent_logins_on_one_device_leave_the_newest_session(http: httpx.AsyncClient) -> None:
    person = await register(http)
    await asyncio.gather(*(log_in(http, person, id="phone") for _ in range(6)))
    on_phone = [one for one in await sessions(http, person) if one["device"]["id"] == "phone"]
    assert len(on_phone) == 1


@pytest.mark.parametrize("changed", ["password_changed_at", "suspended_at", "deleted_at"])
async def test_login_that_overlaps_with_a_closing_change_opens_no_session(
    http: httpx.AsyncClient, container: Container, changed: str
) -> None:
    """The login has checked the old password, and the change has ended all sessions before this session is stored."""
    person = await register(http)
    user = await container.get(UserRepository).find(person.id)
    assert user is not None
    await container.database["users"].update_one({"_id": person.id}, {"$set": {changed: container.clock()}})
    await container.get(SessionService).end_all(person.id, changed)
    with pytest.raises((AccountSuspended, WrongCredentials)) as refused:
        await container.get(SignIn).begin(user, Device(), SignInMethod.PASSWORD)
    assert refused.type is (AccountSuspended if changed == "suspended_at" else WrongCredentials)
    live = {"user_id": person.id, "revoked_at": None}
    assert await container.database["sessions"].count_documents(live) == 0
