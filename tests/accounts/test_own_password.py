"""Change the password of an account, and confirm a sign-in by it."""

import asyncio
import base64
from datetime import timedelta
from typing import Any

import bcrypt
import httpx

from grome.accounts.passwords import PasswordHasher, Peppers
from grome.infrastructure.container import Container
from tests.builders.people import PASSWORD, Person, new_email, person_of, register, sign_in_again
from tests.conftest import AdjustableClock

NEW = "another horse, another battery"


async def change(http: httpx.AsyncClient, person: Person, current: str = PASSWORD, new: str = NEW) -> httpx.Response:
    return await http.put("/v1/me/password", json={"current": current, "new": new}, headers=person.auth)


async def login_status(http: httpx.AsyncClient, person: Person, password: str) -> int:
    answer = await http.post("/v1/auth/login", json={"email": person.email, "password": password})
    return answer.status_code


async def is_signed_in(http: httpx.AsyncClient, auth: dict[str, str]) -> bool:
    return (await http.get("/v1/me", headers=auth)).status_code == 200


async def stored(container: Container, person: Person) -> dict[str, Any]:
    found = await container.database["users"].find_one({"_id": person.id})
    assert found is not None
    return found


async def test_password_change_ends_all_sessions_and_gives_the_device_new_tokens(
    http: httpx.AsyncClient, container: Container
) -> None:
    person = await register(http, device={"id": "my-phone"})
    elsewhere = await sign_in_again(http, person)
    answer = await change(http, person)
    assert (answer.status_code, set(answer.json())) == (
        200,
        {"access_token", "refresh_token", "token_type", "expires_in"},
    )
    assert not await is_signed_in(http, person.auth)
    assert not await is_signed_in(http, elsewhere.auth)
    assert await is_signed_in(http, {"Authorization": f"Bearer {answer.json()['access_token']}"})
    renewed = await http.post("/v1/auth/refresh", json={"refresh_token": answer.json()["refresh_token"]})
    assert renewed.status_code == 200
    assert [await login_status(http, person, password) for password in (PASSWORD, NEW)] == [401, 200]
    account = await stored(container, person)
    assert account["password_changed_at"] is not None
    assert "account.password_changed" in [entry["type"] for entry in account["outbox"]]
    sessions = container.database["sessions"]
    assert await sessions.count_documents({"user_id": person.id, "device.id": "my-phone", "revoked_at": None}) == 1


async def test_password_change_with_a_wrong_or_weak_password_changes_nothing(
    http: httpx.AsyncClient, container: Container
) -> None:
    person = await register(http)
    before = (await stored(container, person))["password_hash"]
    wrong, weak = await change(http, person, current="not my password"), await change(http, person, new="password1")
    assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong_password")
    assert (weak.status_code, weak.json()["errors"][0]["field"]) == (422, "new")
    assert (await stored(container, person))["password_hash"] == before
    assert await is_signed_in(http, person.auth)


async def test_one_of_two_concurrent_password_changes_wins(http: httpx.AsyncClient) -> None:
    person = await register(http)
    passwords = [f"{NEW} {number}" for number in range(2)]
    answers = await asyncio.gather(*(change(http, person, new=password) for password in passwords))
    assert sorted(answer.status_code == 200 for answer in answers) == [False, True]
    won = [password for password, answer in zip(passwords, answers, strict=True) if answer.status_code == 200]
    assert [password for password in passwords if await login_status(http, person, password) == 200] == won


async def test_step_up_by_password_opens_a_route_that_asks_for_it(
    http: httpx.AsyncClient, clock: AdjustableClock
) -> None:
    person = await register(http)
    wanted = {"email": new_email(), "password": PASSWORD}
    clock.shift = timedelta(minutes=11)
    refused = await http.post("/v1/me/email", json=wanted, headers=person.auth)
    assert (refused.status_code, refused.json()["code"]) == (403, "step_up_required")
    wrong = await http.post("/v1/auth/step-up", json={"password": "not my password"}, headers=person.auth)
    assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong_password")
    confirmed = await http.post("/v1/auth/step-up", json={"password": PASSWORD}, headers=person.auth)
    assert confirmed.status_code == 200
    auth = {"Authorization": f"Bearer {confirmed.json()['access_token']}"}
    assert (await http.post("/v1/me/email", json=wanted, headers=auth)).status_code == 202


async def test_hash_of_an_earlier_release_signs_in_and_is_renewed(
    http: httpx.AsyncClient, container: Container
) -> None:
    person = await register(http)
    old = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    await container.database["users"].update_one({"_id": person.id}, {"$set": {"password_hash": old}})
    assert await login_status(http, person, "not my password") == 401
    assert (await stored(container, person))["password_hash"] == old
    assert await login_status(http, person, PASSWORD) == 200
    assert (await stored(container, person))["password_hash"].startswith("$g1$")
    assert await login_status(http, person, PASSWORD) == 200


async def test_hash_under_an_announced_pepper_is_readable_for_earlier_releases() -> None:
    key = base64.b64encode(bytes(range(32))).decode()
    announced, used = (
        PasswordHasher(4, Peppers.parse(setting), threads=1, max_pending=4) for setting in (f"0,1:{key}", f"1:{key}")
    )
    plain, long = await announced.hash(PASSWORD), "x" * 73
    assert bcrypt.checkpw(PASSWORD.encode(), plain.encode())
    assert (await announced.hash(long)).startswith("$g1$1$")  # the first releases take no password of 73 bytes
    with_pepper = await used.hash(PASSWORD)
    for hasher in (announced, used):
        assert await hasher.find_match(PASSWORD, [plain]) == 0
        assert await hasher.find_match(PASSWORD, [with_pepper]) == 0
        assert await hasher.find_match("another", [plain]) is None
        hasher.close()
    assert [announced.needs_rehash(each) for each in (plain, with_pepper)] == [False, False]
    assert [used.needs_rehash(each) for each in (plain, with_pepper)] == [True, False]


async def test_hash_under_an_older_pepper_is_readable_and_due_for_renewal() -> None:
    def hasher(*versions: int) -> PasswordHasher:
        return PasswordHasher(
            4, Peppers({version: bytes([version] * 32) for version in versions}), threads=1, max_pending=4
        )

    old, rotated, other = hasher(1), hasher(2, 1), hasher(3)
    made = await old.hash(PASSWORD)
    assert await rotated.matches(PASSWORD, made)
    assert (old.needs_rehash(made), rotated.needs_rehash(made)) == (False, True)
    assert not await other.matches(PASSWORD, made)
    for each in (old, rotated, other):
        each.close()


async def test_profile_change_keeps_omitted_fields(http: httpx.AsyncClient) -> None:
    person = await register(http, timezone="Asia/Tokyo")
    answer = await http.patch("/v1/me", json={"name": " Grace ", "language": "fr"}, headers=person.auth)
    user = answer.json()
    assert (user["name"], user["preferences"]["language"], user["preferences"]["timezone"]) == (
        "Grace",
        "fr",
        "Asia/Tokyo",
    )
    assert (await http.get("/v1/me", headers=person.auth)).json() == user
    wrong = await http.patch("/v1/me", json={"timezone": "Mars/Olympus"}, headers=person.auth)
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "timezone")
    assert person_of({**answer.json(), "user": user, "access_token": "", "refresh_token": ""}).id == person.id
