"""Test push tokens: their device, their user, their limit, and their end with the login."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from pymongo.errors import DuplicateKeyError

from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.notifications.push_devices import PushDevices
from grome.notifications.repository import MAX_DEVICES
from tests.builders.people import PASSWORD, Person, person_of, register
from tests.conftest import AdjustableClock
from tests.notifications.booking_notices import put_token, register_with_device


async def sign_in_on(http: httpx.AsyncClient, person: Person, device_id: str) -> Person:
    given = {"email": person.email, "password": PASSWORD, "device": {"id": device_id}}
    return person_of((await http.post("/v1/auth/login", json=given)).json())


async def stored(container: Container, person: Person) -> list[dict[str, Any]]:
    return await container.database["push_devices"].find({"user_id": person.id}).sort("registered_at", 1).to_list()


async def test_device_keeps_its_last_token_only(http: httpx.AsyncClient, container: Container) -> None:
    person, device_id = await register_with_device(http, "first-token")
    await put_token(http, person, device_id, second := f"token-{new_id()}")
    await put_token(http, person, device_id, second)
    assert [(one["device_id"], one["token"]) for one in await stored(container, person)] == [(device_id, second)]
    assert await container.get(PushDevices).tokens(person.id) == {device_id: second}


async def test_token_moves_to_its_last_registration(http: httpx.AsyncClient, container: Container) -> None:
    token = f"token-{new_id()}"
    before, _ = await register_with_device(http, token)
    after, device_id = await register_with_device(http, token)
    assert await stored(container, before) == []
    assert await container.get(PushDevices).tokens(after.id) == {device_id: token}


async def test_concurrent_registrations_leave_one_owner_of_a_token(
    http: httpx.AsyncClient, container: Container
) -> None:
    token = f"token-{new_id()}"
    people = [await register_with_device(http, f"token-{new_id()}") for _ in range(4)]
    await asyncio.gather(*(put_token(http, person, device_id, token) for person, device_id in people * 2))
    assert await container.database["push_devices"].count_documents({"token": token}) == 1


async def test_token_of_a_device_without_sign_in_is_refused(http: httpx.AsyncClient, container: Container) -> None:
    person, device_id = await register_with_device(http, f"token-{new_id()}")
    stranger, elsewhere = await register_with_device(http, f"token-{new_id()}")
    for wrong in (uuid4(), elsewhere):
        path = f"/v1/me/devices/{wrong}/push-token"
        refused = await http.put(path, json={"token": "a"}, headers=person.auth)
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
        assert (await http.delete(path, headers=person.auth)).status_code == 404
    assert len(await stored(container, stranger)) == 1

    assert (await http.delete(f"/v1/me/devices/{device_id}/push-token", headers=person.auth)).status_code == 204
    assert await stored(container, person) == []


async def test_device_id_in_another_spelling_is_the_same_device(http: httpx.AsyncClient, container: Container) -> None:
    device_id = uuid4()
    person = await register(http, device={"id": str(device_id).upper()})
    await put_token(http, person, device_id, token := f"token-{new_id()}")
    assert await container.get(PushDevices).tokens(person.id) == {device_id: token}


async def test_logout_deletes_the_token(http: httpx.AsyncClient, container: Container) -> None:
    person, device_id = await register_with_device(http, f"token-{new_id()}")
    elsewhere = await sign_in_on(http, person, str(uuid4()))
    assert (await http.post("/v1/auth/logout", headers=elsewhere.auth)).status_code == 204
    assert len(await stored(container, person)) == 1

    again = await sign_in_on(http, person, str(device_id))  # which replaces the session, on the same device
    assert set(await container.get(PushDevices).tokens(person.id)) == {device_id}
    assert (await http.post("/v1/auth/logout", headers=again.auth)).status_code == 204
    assert await stored(container, person) == []


async def test_expired_session_excludes_the_token(http: httpx.AsyncClient, container: Container) -> None:
    person, _ = await register_with_device(http, f"token-{new_id()}")
    ended = {"$set": {"revoked_at": container.clock(), "revoked_why": "reuse of an old refresh token"}}
    await container.database["sessions"].update_many({"user_id": person.id}, ended)
    assert await container.get(PushDevices).tokens(person.id) == {}


async def test_logout_on_a_device_without_uuid_succeeds(http: httpx.AsyncClient, container: Container) -> None:
    person, _ = await register_with_device(http, f"token-{new_id()}")
    laptop = await sign_in_on(http, person, "my laptop")
    assert (await http.post("/v1/auth/logout", headers=laptop.auth)).status_code == 204
    assert len(await container.get(PushDevices).tokens(person.id)) == 1


async def test_oldest_devices_beyond_twenty_are_deleted(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    person, first = await register_with_device(http, f"token-{new_id()}")
    ids: list[UUID] = [uuid4() for _ in range(MAX_DEVICES)]
    for number, device_id in enumerate(ids):
        await sign_in_on(http, person, str(device_id))
        clock.shift = timedelta(seconds=number + 1)
        await put_token(http, person, device_id, f"token-{new_id()}")
    kept = [one["device_id"] for one in await stored(container, person)]
    assert kept == ids
    assert first not in kept


@pytest.mark.parametrize("token", ["", " ", "a b", "ä", "a\n", "x" * 2049, None, 7])
async def test_invalid_token_is_refused(http: httpx.AsyncClient, token: Any) -> None:
    person, device_id = await register_with_device(http, f"token-{new_id()}")
    path = f"/v1/me/devices/{device_id}/push-token"
    refused = await http.put(path, json={"token": token}, headers=person.auth)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "token")


async def test_database_rejects_a_second_device_with_a_token(http: httpx.AsyncClient, container: Container) -> None:
    person, _ = await register_with_device(http, f"token-{new_id()}")
    (device,) = await stored(container, person)
    for changed in ({"token": "another"}, {"device_id": uuid4()}):
        with pytest.raises(DuplicateKeyError):
            await container.database["push_devices"].insert_one({**device, "_id": new_id(), **changed})
