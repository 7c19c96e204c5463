"""Open an account: the contract, unique addresses and accepted passwords."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest

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


@pytest.mark.parametrize("password", ["8 chars!", "a" * 73, "€" * 170, "  spaces count  ", "left\x00right"])
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
async def test_twenty_concurrent_registrations_create_one_account(http: httpx.AsyncClient, field: str) -> None:
    wanted = {field: new_email() if field == "email" else new_phone()}
    answers = await asyncio.gather(*(post(http, **wanted) for _ in range(20)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 19}
    losers = [answer.json() for answer in answers if answer.status_code == 409]
    assert {answer["code"] for answer in losers} == {"account_exists"}
    assert {fault["field"] for answer in losers for fault in answer["errors"]} == {field}


async def test_registration_with_an_email_in_another_case_is_refused(http: httpx.AsyncClient) -> None:
    email = new_email()
    assert (await post(http, email=email.upper())).json()["user"]["email"] == email
    assert (await post(http, email=email.title())).status_code == 409


async def test_registration_with_a_taken_email_or_phone_is_refused(http: httpx.AsyncClient) -> None:
    email, phone = new_email(), new_phone()
    assert (await post(http, email=email, phone=phone)).status_code == 201
    assert (await post(http, email=new_email(), phone=phone)).status_code == 409
    assert (await post(http, email=email, phone=new_phone())).status_code == 409


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
