"""Step-up: prove the identity anew within a session, by a factor or, without factors, by the password."""

from datetime import datetime, timedelta

import httpx
import pytest

from tests.builders.factors import ORIGIN, STEP, add_app, add_passkey, with_tokens
from tests.builders.people import PASSWORD, Person, register
from tests.conftest import AdjustableClock
from tests.support.authenticator import Authenticator

LATER = timedelta(minutes=10, seconds=1)


@pytest.fixture
def now(clock: AdjustableClock) -> datetime:
    clock.stopped = clock()
    return clock.stopped


async def step_up(http: httpx.AsyncClient, person: Person, **proof: object) -> httpx.Response:
    return await http.post("/v1/auth/step-up", json=proof, headers=person.auth)


async def may_change_factors(http: httpx.AsyncClient, person: Person) -> bool:
    response = await http.post("/v1/me/passkeys/begin", headers=person.auth)
    assert response.status_code == 200 or response.json()["code"] == "step_up_required", response.text
    return response.status_code == 200


async def test_password_steps_an_account_without_factors_up(
    http: httpx.AsyncClient, clock: AdjustableClock, now: datetime
) -> None:
    person = await register(http)
    clock.stopped = now + LATER
    assert not await may_change_factors(http, person)
    assert (await step_up(http, person, password=f"not {PASSWORD}")).status_code in {401, 403, 422}
    assert not await may_change_factors(http, person)
    stepped = await step_up(http, person, password=PASSWORD)
    assert stepped.status_code == 200, stepped.text
    assert await may_change_factors(http, with_tokens(person, stepped.json()))
    assert not await may_change_factors(http, person), "the token of before carries no new proof"


async def test_password_alone_does_not_step_an_account_with_factors_up(
    http: httpx.AsyncClient, clock: AdjustableClock, now: datetime
) -> None:
    app = await add_app(http, await register(http), now)
    clock.stopped = now + LATER
    refused = await step_up(http, app.person, password=PASSWORD)
    assert (refused.status_code, refused.json()["code"]) == (403, "factor_needed")
    stepped = await step_up(http, app.person, totp=app.code(clock.stopped))
    assert stepped.status_code == 200, stepped.text
    assert await may_change_factors(http, with_tokens(app.person, stepped.json()))
    repeated = await step_up(http, app.person, totp=app.code(clock.stopped))
    assert (repeated.status_code, repeated.json()["code"]) == (401, "wrong_factor")


async def test_recovery_code_steps_up_once(http: httpx.AsyncClient, now: datetime) -> None:
    app = await add_app(http, await register(http), now)
    code = app.recovery_codes[0]
    assert (await step_up(http, app.person, recovery_code=code)).status_code == 200
    assert (await step_up(http, app.person, recovery_code=code)).status_code == 401


async def test_passkey_steps_its_own_session_up(http: httpx.AsyncClient, clock: AdjustableClock, now: datetime) -> None:
    person = await register(http)
    authenticator, added = await add_passkey(http, person)
    person = with_tokens(person, added["tokens"])
    clock.stopped = now + LATER
    begun = (await http.post("/v1/auth/step-up/passkey", headers=person.auth)).json()
    proof = {"ceremony": begun["ceremony"], "credential": authenticator.get(begun["options"])}
    stepped = await step_up(http, person, passkey=proof)
    assert stepped.status_code == 200, stepped.text
    assert await may_change_factors(http, with_tokens(person, stepped.json()))
    assert (await step_up(http, person, passkey=proof)).json()["code"] == "passkey_refused"


async def test_passkey_of_another_account_or_session_steps_nobody_up(http: httpx.AsyncClient) -> None:
    person, thief = await register(http), await register(http)
    _, added = await add_passkey(http, person)
    foreign = Authenticator(ORIGIN)
    await add_passkey(http, thief, foreign)
    person = with_tokens(person, added["tokens"])
    begun = (await http.post("/v1/auth/step-up/passkey", headers=person.auth)).json()
    proof = {"ceremony": begun["ceremony"], "credential": foreign.get(begun["options"])}
    assert (await step_up(http, person, passkey=proof)).json()["code"] == "passkey_refused"
    begun = (await http.post("/v1/auth/step-up/passkey", headers=thief.auth)).json()
    proof = {"ceremony": begun["ceremony"], "credential": foreign.get(begun["options"])}
    assert (await step_up(http, person, passkey=proof)).json()["code"] == "passkey_refused"


async def test_step_up_takes_exactly_one_proof(http: httpx.AsyncClient) -> None:
    person = await register(http)
    for proof in ({}, {"password": PASSWORD, "totp": "123456"}, {"totp": "123456", "recovery_code": "abc"}):
        assert (await step_up(http, person, **proof)).status_code == 422


async def test_step_up_with_a_passkey_needs_a_passkey(http: httpx.AsyncClient, now: datetime) -> None:
    app = await add_app(http, await register(http), now + STEP)
    refused = await http.post("/v1/auth/step-up/passkey", headers=app.person.auth)
    assert (refused.status_code, refused.json()["code"]) == (409, "no_factor")
