"""Sign in by email or phone; a failed attempt reveals nothing about accounts."""

import httpx
import pytest

from tests.builders.people import PASSWORD, Person, new_email, new_phone, person_of, register


async def log_in(http: httpx.AsyncClient, device: str | None = None, **given: str) -> httpx.Response:
    wanted = {"password": PASSWORD, **given, **({"device": {"id": device}} if device else {})}
    return await http.post("/v1/auth/login", json=wanted)


async def works(http: httpx.AsyncClient, person: Person) -> bool:
    return (await http.get("/v1/me", headers=person.auth)).status_code == 200


async def test_login_accepts_email_in_any_case_or_phone(http: httpx.AsyncClient) -> None:
    email, phone = new_email(), new_phone()
    person = await register(http, email=email, phone=phone)
    for given in ({"email": email}, {"email": email.upper()}, {"phone": phone}):
        response = await log_in(http, **given)
        assert response.status_code == 200
        assert set(response.json()) == {"user", "access_token", "refresh_token", "token_type", "expires_in"}
        assert response.json()["user"]["id"] == str(person.id)
        assert await works(http, person_of(response.json()))


async def test_login_with_a_wrong_password_and_an_unknown_account_answers_the_same(http: httpx.AsyncClient) -> None:
    person = await register(http, phone=new_phone())
    tries = (
        {"email": person.email, "password": "wrong"},
        {"email": new_email(), "password": PASSWORD},
        {"phone": new_phone(), "password": PASSWORD},
        {"email": person.email, "password": "€" * 60},
    )
    answers = [await log_in(http, **given) for given in tries]
    told = [(answer.status_code, {**answer.json(), "request_id": ""}) for answer in answers]
    assert told[0][0] == 401
    assert told[0][1]["code"] == "wrong_credentials"
    assert told == [told[0]] * len(tries)
    headers = [set(answer.headers) for answer in answers]
    assert headers == [headers[0]] * len(tries)


@pytest.mark.parametrize("given", [{}, {"email": "a@example.com", "phone": "+49301234567"}])
async def test_login_requires_either_email_or_phone(http: httpx.AsyncClient, given: dict[str, str]) -> None:
    response = await log_in(http, **given)
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "email")


async def test_login_with_a_query_operator_is_refused(http: httpx.AsyncClient) -> None:
    person = await register(http)
    for field, wrong in (("email", {"$gt": ""}), ("password", {"$gt": ""}), ("password", {"$ne": None})):
        response = await http.post("/v1/auth/login", json={"email": person.email, "password": PASSWORD, field: wrong})
        assert (response.status_code, response.json()["errors"][0]["field"]) == (422, field)


async def test_login_ends_the_previous_session_of_the_device(http: httpx.AsyncClient) -> None:
    person = await register(http, device={"id": "phone-1", "name": "Phone", "platform": "ios"})
    elsewhere = person_of((await log_in(http, email=person.email, device="phone-2")).json())
    nowhere = person_of((await log_in(http, email=person.email)).json())
    assert await works(http, person)

    again = person_of((await log_in(http, email=person.email, device="phone-1")).json())

    assert [await works(http, login) for login in (person, elsewhere, nowhere, again)] == [False, True, True, True]
    response = await http.post("/v1/auth/refresh", json={"refresh_token": person.refresh_token})
    assert (response.status_code, response.json()["code"]) == (401, "refresh_refused")


async def test_login_leaves_sessions_of_others_with_the_same_device_id(http: httpx.AsyncClient) -> None:
    person, other = await register(http, device={"id": "shared"}), await register(http, device={"id": "shared"})
    await log_in(http, email=other.email, device="shared")
    assert await works(http, person)
    assert not await works(http, other)
