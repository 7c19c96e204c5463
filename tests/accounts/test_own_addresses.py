"""Verify and change one's addresses: an address belongs to the account that has proved it."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from grome.infrastructure.container import Container
from tests.builders.codes import code_sent_to, digits_of
from tests.builders.people import PASSWORD, Person, new_email, new_phone, register


async def post(http: httpx.AsyncClient, person: Person, path: str, **body: Any) -> httpx.Response:
    return await http.post(f"/v1/me/{path}", headers=person.auth, **({"json": body} if body else {}))


async def verify(http: httpx.AsyncClient, container: Container, person: Person, kind: str, address: str) -> Any:
    assert (await post(http, person, f"{kind}/verify")).status_code == 202
    return await post(http, person, f"{kind}/confirm", code=await code_sent_to(container, address))


async def me(http: httpx.AsyncClient, person: Person) -> dict[str, Any]:
    return dict((await http.get("/v1/me", headers=person.auth)).json())


@pytest.mark.parametrize("kind", ["email", "phone"])
async def test_code_verifies_an_address_once(http: httpx.AsyncClient, container: Container, kind: str) -> None:
    address = new_email() if kind == "email" else new_phone()
    person = await register(http, **{"email": None, kind: address})
    assert (await post(http, person, f"{kind}/verify")).status_code == 202
    code = await code_sent_to(container, address)
    answers = await asyncio.gather(*(post(http, person, f"{kind}/confirm", code=code) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 422, 422, 422, 422]
    assert (await me(http, person))[f"{kind}_verified"] is True
    again = await post(http, person, f"{kind}/verify")
    assert (again.status_code, again.json()["code"]) == (409, "address_verified")


async def test_account_without_an_address_of_the_kind_cannot_verify_it(http: httpx.AsyncClient) -> None:
    answer = await post(http, await register(http), "phone/verify")
    assert (answer.status_code, answer.json()["code"]) == (409, "no_address")


async def test_claimant_who_proves_an_address_gets_it_from_an_owner_who_never_did(
    http: httpx.AsyncClient, container: Container
) -> None:
    email = new_email()
    squatter, person = await register(http, email=email), await register(http, email=email, name="The real owner")
    answer = await verify(http, container, person, "email", email)
    assert (answer.status_code, answer.json()["email"], answer.json()["email_verified"]) == (200, email, True)
    assert (await me(http, squatter))["email"] is None
    login = await http.post("/v1/auth/login", json={"email": email, "password": PASSWORD})
    assert login.json()["user"]["id"] == str(person.id)
    assert (await http.post("/v1/auth/password/forgot", json={"email": email})).status_code == 202
    owners = await container.database["users"].find({"email": email}).to_list()
    assert [owner["_id"] for owner in owners] == [person.id]


async def test_owner_who_has_proved_an_address_keeps_it(http: httpx.AsyncClient, container: Container) -> None:
    email = new_email()
    owner = await register(http, email=email)
    assert (await verify(http, container, owner, "email", email)).status_code == 200
    claimant = await register(http, email=email)
    answer = await verify(http, container, claimant, "email", email)
    assert (answer.status_code, answer.json()["code"]) == (409, "address_taken")
    assert (await me(http, owner))["email_verified"] is True


async def test_two_claimants_who_prove_an_address_at_once_make_one_owner(
    http: httpx.AsyncClient, container: Container
) -> None:
    email = new_email()
    await register(http, email=email)
    people = [await register(http), await register(http)]
    for person in people:
        assert (await post(http, person, "email", email=email, password=PASSWORD)).status_code == 202
    slots = await container.database["codes"].find({"address": email}).to_list()
    digits = {UUID(str(slot["user_id"])): slot["code_id"] for slot in slots}
    assert len(digits) == 2
    codes = [await digits_of(container, digits[person.id]) for person in people]
    answers = await asyncio.gather(
        *(post(http, person, "email/confirm", code=code) for person, code in zip(people, codes, strict=True))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert await container.database["users"].count_documents({"email": email}) == 1


async def test_changed_email_counts_when_the_code_was_typed(http: httpx.AsyncClient, container: Container) -> None:
    person, new = await register(http), new_email()
    wrong = await post(http, person, "email", email=new, password="not my password")
    assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong_password")
    assert (await post(http, person, "email", email=new.upper(), password=PASSWORD)).status_code == 202
    assert (await me(http, person))["email"] == person.email
    code = await code_sent_to(container, new)
    assert (await post(http, person, "phone/confirm", code=code)).status_code == 422
    assert (await post(http, await register(http), "email/confirm", code=code)).status_code == 422
    answer = await post(http, person, "email/confirm", code=code)
    assert (answer.json()["email"], answer.json()["email_verified"]) == (new, True)
    account = await container.database["users"].find_one({"_id": person.id})
    assert account is not None
    change = account["outbox"][-1]
    assert (change["type"], change["changes"][0]["before"]) == ("account.email_changed", person.email)


async def test_change_to_the_address_of_another_account_answers_like_any_other(http: httpx.AsyncClient) -> None:
    owner, person = await register(http), await register(http)
    answers = [
        await post(http, person, "email", email=address, password=PASSWORD) for address in (owner.email, new_email())
    ]
    assert [(answer.status_code, answer.json()) for answer in answers] == [
        (202, {"expires_in": 600, "retry_in": 60})
    ] * 2
