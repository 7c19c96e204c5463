"""Sign in by a code, for accounts with a phone number only."""

import httpx

from grome.infrastructure.container import Container
from tests.builders.codes import code_sent_to, newest_code
from tests.builders.people import Person, new_phone, register


async def caller(http: httpx.AsyncClient, container: Container, **more: str) -> tuple[Person, str]:
    """Register a person with a verified phone number."""
    phone = new_phone()
    person = await register(http, **{"email": None, "phone": phone, **more})
    assert (await http.post("/v1/me/phone/verify", headers=person.auth)).status_code == 202
    code = {"code": await code_sent_to(container, phone)}
    assert (await http.post("/v1/me/phone/confirm", json=code, headers=person.auth)).status_code == 200
    return person, phone


async def request(http: httpx.AsyncClient, phone: str) -> str:
    answer = await http.post("/v1/auth/code", json={"phone": phone})
    assert (answer.status_code, set(answer.json())) == (202, {"request_id", "expires_in", "retry_in"})
    return str(answer.json()["request_id"])


async def sign_in(http: httpx.AsyncClient, request_id: str, code: str) -> httpx.Response:
    return await http.post("/v1/auth/code/login", json={"request_id": request_id, "code": code})


async def test_code_signs_in_once_and_with_its_request_only(http: httpx.AsyncClient, container: Container) -> None:
    person, phone = await caller(http, container)
    other = await request(http, phone)
    request_id = await request(http, phone)
    code = await code_sent_to(container, phone)
    assert (await sign_in(http, other, code)).status_code == 422
    answer = await sign_in(http, request_id, code)
    assert (answer.status_code, answer.json()["user"]["id"]) == (200, str(person.id))
    auth = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert (await http.get("/v1/me", headers=auth)).status_code == 200
    again = await sign_in(http, request_id, code)
    assert (again.status_code, again.json()["code"]) == (422, "code_refused")


async def test_wrong_guesses_with_one_request_leave_other_requests_alone(
    http: httpx.AsyncClient, container: Container
) -> None:
    """Guesses of a stranger cannot keep the owner of a number from signing in."""
    _, phone = await caller(http, container)
    strangers = await request(http, phone)
    for _ in range(6):
        assert (await sign_in(http, strangers, "00000000")).status_code == 422
    request_id = await request(http, phone)
    assert (await sign_in(http, request_id, await code_sent_to(container, phone))).status_code == 200


async def test_no_code_is_sent_for_an_unknown_an_unverified_or_a_second_address(
    http: httpx.AsyncClient, container: Container
) -> None:
    unverified = new_phone()
    await register(http, email=None, phone=unverified)
    _, second = await caller(http, container, email=f"second-{new_phone()[1:]}@example.com")
    for phone in (new_phone(), unverified, second):
        request_id = await request(http, phone)
        stored = await newest_code(container, phone)
        assert (stored["user_id"], stored["outbox"]) == (None, [])
        assert (await sign_in(http, request_id, await code_sent_to(container, phone))).status_code == 422
