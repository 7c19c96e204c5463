"""Choose a new password by a code: it ends all sessions, and bypasses neither the second factor nor other checks."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from grome.codes.models import CODE_LIFE, MAX_TRIES
from grome.infrastructure.container import Container
from tests.builders.codes import code_sent_to, newest_code
from tests.builders.factors import add_app
from tests.builders.people import PASSWORD, Person, new_email, new_phone, register, sign_in_again
from tests.conftest import AdjustableClock

NEW = "another horse, another battery"


async def forget(http: httpx.AsyncClient, **name: str) -> httpx.Response:
    return await http.post("/v1/auth/password/forgot", json=name)


async def reset(http: httpx.AsyncClient, code: str, password: str = NEW, **name: str) -> httpx.Response:
    return await http.post("/v1/auth/password/reset", json={"code": code, "password": password, **name})


async def login(http: httpx.AsyncClient, person: Person, password: str) -> httpx.Response:
    return await http.post("/v1/auth/login", json={"email": person.email, "password": password})


async def requested(http: httpx.AsyncClient, container: Container, person: Person) -> str:
    assert (await forget(http, email=person.email)).status_code == 202
    return await code_sent_to(container, person.email)


async def test_reset_changes_the_password_once_and_ends_all_sessions(
    http: httpx.AsyncClient, container: Container
) -> None:
    person = await register(http)
    elsewhere = await sign_in_again(http, person)
    code = await requested(http, container, person)
    answer = await reset(http, code, email=person.email.upper())
    assert (answer.status_code, answer.content) == (204, b"")
    for session in (person, elsewhere):
        assert (await http.get("/v1/me", headers=session.auth)).status_code == 401
    assert [(await login(http, person, password)).status_code for password in (PASSWORD, NEW)] == [401, 200]
    again = await reset(http, code, f"{NEW} again", email=person.email)
    assert (again.status_code, again.json()["code"]) == (422, "code_refused")
    account = await container.database["users"].find_one({"_id": person.id})
    assert account is not None
    assert account["email_verified"] is True  # the code has proved the address
    assert account["outbox"][-1]["type"] == "account.password_changed"


async def test_reset_by_phone_works_like_by_email(http: httpx.AsyncClient, container: Container) -> None:
    phone = new_phone()
    await register(http, email=None, phone=phone)
    assert (await forget(http, phone=phone)).status_code == 202
    assert (await reset(http, await code_sent_to(container, phone), phone=phone)).status_code == 204
    answer = await http.post("/v1/auth/login", json={"phone": phone, "password": NEW})
    assert (answer.status_code, answer.json()["user"]["phone_verified"]) == (200, True)


async def test_reset_does_not_bypass_the_second_factor(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    person = await register(http)
    await add_app(http, person, clock())
    code = await requested(http, container, person)
    assert (await reset(http, code, email=person.email)).status_code == 204
    answer = await login(http, person, NEW)
    assert (answer.status_code, answer.json()["code"]) == (401, "second_factor_required")


async def test_reset_with_a_weak_password_keeps_the_code(http: httpx.AsyncClient, container: Container) -> None:
    person = await register(http)
    code = await requested(http, container, person)
    weak = await reset(http, code, "password1", email=person.email)
    assert (weak.status_code, weak.json()["errors"][0]["field"]) == (422, "password")
    assert (await reset(http, code, email=person.email)).status_code == 204


async def test_one_of_two_concurrent_resets_with_a_code_wins(http: httpx.AsyncClient, container: Container) -> None:
    person = await register(http)
    code, passwords = await requested(http, container, person), [f"{NEW} {number}" for number in range(2)]
    answers = await asyncio.gather(*(reset(http, code, password, email=person.email) for password in passwords))
    assert sorted(answer.status_code for answer in answers) == [204, 422]
    won = [password for password, answer in zip(passwords, answers, strict=True) if answer.status_code == 204]
    assert [password for password in passwords if (await login(http, person, password)).status_code == 200] == won


async def test_reset_is_refused_after_five_tries_after_ten_minutes_and_for_another_account(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    tried, late, other = await register(http), await register(http), await register(http)
    codes = [await requested(http, container, person) for person in (tried, late, other)]
    wrong = f"{(int(codes[0]) + 1) % 10**8:08}"
    statuses = [(await reset(http, wrong, email=tried.email)).status_code for _ in range(MAX_TRIES)]
    assert {*statuses, (await reset(http, codes[0], email=tried.email)).status_code} == {422}
    assert (await reset(http, codes[2], email=late.email)).status_code == 422
    clock.shift = CODE_LIFE + timedelta(seconds=1)
    assert (await reset(http, codes[1], email=late.email)).status_code == 422
    assert (await login(http, tried, PASSWORD)).status_code == 200


@pytest.mark.parametrize("known", [True, False])
async def test_forgotten_password_answers_the_same_for_known_and_unknown_accounts(
    http: httpx.AsyncClient, container: Container, *, known: bool
) -> None:
    email = (await register(http)).email if known else new_email()
    answer = await forget(http, email=email)
    assert (answer.status_code, answer.json()) == (202, {"expires_in": 600, "retry_in": 60})
    assert (await newest_code(container, email))["outbox"] == [] if not known else True
    wrong = await reset(http, "00000000", email=email)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "code_refused")


async def test_unproved_address_does_not_reset_an_account_with_a_proved_address(
    http: httpx.AsyncClient, container: Container
) -> None:
    """A mistyped second address would otherwise hand the account to a stranger."""
    phone = new_phone()
    person = await register(http, phone=phone)
    await container.database["users"].update_one({"_id": person.id}, {"$set": {"email_verified": True}})
    assert (await forget(http, phone=phone)).status_code == 202
    assert (await newest_code(container, phone))["user_id"] is None
