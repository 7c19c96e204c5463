"""Open an account: the contract, unique addresses and accepted passwords."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from grome.infrastructure.container import Container
from tests.builders.people import PASSWORD, new_email, new_phone


async def post(http: httpx.AsyncClient, **changed: Any) -> httpx.Response:
    """Register with an email, unless `email` or `phone` is given."""
    sign_in = {} if {"email", "phone"} & set(changed) else {"email": new_email()}
    wanted = {**sign_in, "password": PASSWORD, "name": "Ada", "role": "customer", **changed}
    return await http.post("/v1/auth/register", json=wanted)


async def test_registration_with_an_email_answers_as_in_the_contract(http: httpx.AsyncClient) -> None:
    email = new_email()
    response = await post(http, email=email)
    answer = response.json()
    assert response.status_code == 201
    assert set(answer) == {"user", "access_token", "refresh_token", "token_type", "expires_in"}
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 900)
    user = answer["user"]
    assert set(user) == {
        "id", "email", "phone", "name", "role", "email_verified", "phone_verified", "preferences", "created_at",
    }  # fmt: skip
    assert (user["email"], user["phone"], user["name"], user["role"]) == (email, None, "Ada", "customer")
    assert (user["email_verified"], user["phone_verified"]) == (False, False)
    auth = {"Authorization": f"Bearer {answer['access_token']}"}
    assert (await http.get("/v1/me", headers=auth)).json() == user


async def test_registration_as_a_barber_with_a_phone_succeeds(http: httpx.AsyncClient) -> None:
    phone = new_phone()
    response = await post(http, phone=phone, role="barber")
    assert response.status_code == 201
    user = response.json()["user"]
    assert (user["email"], user["phone"], user["role"]) == (None, phone, "barber")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"email": None}, "email"),
        ({"email": "nobody"}, "email"),
        ({"email": "a b@example.com"}, "email"),
        ({"email": "a@example"}, "email"),
        ({"email": "a@example.com\n"}, "email"),
        ({"email": f"{'a' * 65}@example.com"}, "email"),
        ({"phone": "0301234567"}, "phone"),
        ({"phone": "+4930123456\n"}, "phone"),
        ({"phone": "+49 30 123456 ext. 7"}, "phone"),
        ({"role": "admin"}, "role"),
        ({"name": ""}, "name"),
        ({"name": "Ada\n"}, "name"),
        ({"name": "A\x00da"}, "name"),
        ({"password": "seven77"}, "password"),
        ({"password": "a" * 513}, "password"),
        ({"password": "€" * 171}, "password"),
        ({"email_verified": True}, "email_verified"),
        ({"language": "nl"}, "language"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"device": {"name": "Phone"}}, "device.id"),
    ],
)
async def test_invalid_registration_names_the_field(http: httpx.AsyncClient, wrong: dict[str, Any], field: str) -> None:
    response = await post(http, **wrong)
    assert (response.status_code, response.json()["code"]) == (422, "invalid")
    assert [fault["field"] for fault in response.json()["errors"]] == [field]


async def test_registration_with_a_lone_surrogate_is_refused(http: httpx.AsyncClient) -> None:
    body = b'{"email": "a@example.com", "name": "Ada", "password": "\\ud800\\ud800\\ud800\\ud800 and more"}'
    response = await http.post("/v1/auth/register", content=body, headers={"content-type": "application/json"})
    assert (response.status_code, response.json()["code"]) == (400, "malformed_body")


@pytest.mark.parametrize(
    "password",
    ["8 char5!?", "|more than 72 bytes" * 26, "Ünïcödé €" * 34, "  spaces count  ", "left\x00and right"],
)
async def test_password_is_accepted_only_in_full(http: httpx.AsyncClient, password: str) -> None:
    email = new_email()
    assert (await post(http, email=email, password=password)).status_code == 201
    statuses = [
        (await http.post("/v1/auth/login", json={"email": email, "password": tried})).status_code
        for tried in (
            password,
            password[:-1],
            password + "x",
            password.strip() + " ",
            password.partition("\x00")[0] + "?",
        )
    ]
    assert statuses == [200, 401, 401, 401, 401]


@pytest.mark.parametrize("field", ["email", "phone"])
async def test_twenty_concurrent_registrations_make_one_owner_and_one_claimant(
    http: httpx.AsyncClient, container: Container, field: str
) -> None:
    address = new_email() if field == "email" else new_phone()
    answers = await asyncio.gather(*(post(http, **{field: address}) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert {answer.json()["user"][field] for answer in answers} == {address}
    users = container.database["users"]
    assert await users.count_documents({field: address}) == 1
    assert await users.count_documents({f"claimed_{field}": address}) == 1


async def test_registration_with_a_taken_address_answers_like_any_other(
    http: httpx.AsyncClient, container: Container
) -> None:
    email, phone = new_email(), new_phone()
    owner = (await post(http, email=email, phone=phone)).json()
    for taken in ({"email": email.title()}, {"phone": phone}, {"email": email, "phone": phone}):
        answer = await post(http, **taken)
        assert answer.status_code == 201
        assert set(answer.json()) == set(owner)
        assert set(answer.json()["user"]) == set(owner["user"])
        assert answer.json()["user"]["email_verified"] is False
        shown = (answer.json()["user"]["email"], answer.json()["user"]["phone"])
        assert shown == (email if "email" in taken else None, phone if "phone" in taken else None)
        claimant = await container.database["users"].find_one({"_id": UUID(answer.json()["user"]["id"])})
        assert claimant is not None
        told = [entry for entry in claimant["outbox"] if entry["type"] == "account.address_taken"]
        assert [str(entry["owner_id"]) for entry in told] == [owner["user"]["id"]]


async def test_owner_and_claimant_of_an_address_sign_in_by_their_passwords(http: httpx.AsyncClient) -> None:
    email = new_email()
    ids = [
        (await post(http, email=email, password=password)).json()["user"]["id"]
        for password in ("the owner's password", "the claimant's password")
    ]
    for password, user_id in zip(("the owner's password", "the claimant's password"), ids, strict=True):
        answer = await http.post("/v1/auth/login", json={"email": email, "password": password})
        assert (answer.status_code, answer.json()["user"]["id"]) == (200, user_id)


@pytest.mark.parametrize(
    "password", ["password1", "12345678", "qwertyuiop", "grome2026", "ada@example", "AdaLovelace", "a" * 64]
)
async def test_password_that_is_easy_to_guess_is_refused(http: httpx.AsyncClient, password: str) -> None:
    answer = await post(http, password=password, name="Ada Lovelace")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "password")


@pytest.mark.parametrize(
    ("header", "wanted", "chosen"),
    [
        ("de-DE,de;q=0.9,en;q=0.5", {}, ("de", "UTC")),
        ("nl, fr-CA;q=0.8, de;q=0.3", {}, ("fr", "UTC")),
        ("nl", {}, ("en", "UTC")),
        (None, {}, ("en", "UTC")),
        ("\u00ff;q=x", {}, ("en", "UTC")),
        ("de", {"language": "ja", "timezone": "Asia/Tokyo"}, ("ja", "Asia/Tokyo")),
    ],
)
async def test_registration_without_a_language_takes_it_from_accept_language(
    http: httpx.AsyncClient, header: str | None, wanted: dict[str, str], chosen: tuple[str, str]
) -> None:
    """The event of the first email is stored with the account, so the account needs its language by then."""
    headers = {"Accept-Language": header.encode()} if header else {}
    body = {"email": new_email(), "password": PASSWORD, "name": "Ada", **wanted}
    response = await http.post("/v1/auth/register", json=body, headers=headers)
    preferences = response.json()["user"]["preferences"]
    assert (preferences["language"], preferences["timezone"]) == chosen
