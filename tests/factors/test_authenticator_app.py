"""Authenticator apps: enrolment, codes that are valid once, recovery codes, and the end of the last factor."""

import asyncio
from datetime import datetime, timedelta

import httpx
import pytest

from grome.infrastructure.container import Container
from tests.builders.factors import STEP, add_app, answer, challenge, login, sign_in_with_code
from tests.builders.people import register, sign_in_again
from tests.conftest import AdjustableClock


@pytest.fixture
def now(clock: AdjustableClock) -> datetime:
    """Stop the clock, so that a code is valid for as long as a test says."""
    clock.stopped = clock()
    return clock.stopped


async def test_login_with_an_app_needs_its_code_and_the_session_then_has_both_methods(
    http: httpx.AsyncClient, now: datetime
) -> None:
    app = await add_app(http, await register(http), now)
    refused = await login(http, app.person)
    assert refused.status_code == 401
    assert refused.json()["code"] == "second_factor_required"
    assert refused.json()["kinds"] == ["totp", "recovery_code"]
    assert "access_token" not in refused.text
    person = await sign_in_with_code(http, app, now + STEP)
    factors = (await http.get("/v1/me/factors", headers=person.auth)).json()
    assert factors == {
        "totp_since": factors["totp_since"],
        "passkeys": 0,
        "recovery_codes_left": 10,
        "required": False,
    }
    assert (await http.get("/v1/me", headers=app.person.auth)).status_code == 200


async def test_enrolment_ends_all_other_sessions(http: httpx.AsyncClient, now: datetime) -> None:
    person = await register(http)
    other = await sign_in_again(http, person)
    app = await add_app(http, person, now)
    assert (await http.get("/v1/me", headers=other.auth)).status_code == 401
    assert (await http.get("/v1/me", headers=app.person.auth)).status_code == 200


async def test_enrolment_needs_a_right_code_of_a_secret(http: httpx.AsyncClient) -> None:
    person = await register(http)
    unbegun = await http.post("/v1/me/factors/totp/confirm", json={"code": "123456"}, headers=person.auth)
    assert (unbegun.status_code, unbegun.json()["code"]) == (409, "totp_not_begun")
    await http.post("/v1/me/factors/totp", headers=person.auth)
    wrong = await http.post("/v1/me/factors/totp/confirm", json={"code": "000000"}, headers=person.auth)
    assert wrong.status_code == 422
    assert (await login(http, person)).status_code == 200, "an unconfirmed app asks for nothing"


async def test_secret_of_an_app_is_stored_sealed(http: httpx.AsyncClient, container: Container, now: datetime) -> None:
    app = await add_app(http, await register(http), now)
    stored = await container.database["factors"].find_one({"_id": app.person.id})
    assert app.secret not in repr(stored)
    assert all(code not in repr(stored) for code in app.recovery_codes)


@pytest.mark.parametrize("steps", [-1, 0, 1])
async def test_code_within_a_step_of_clock_drift_is_accepted_once(
    http: httpx.AsyncClient, clock: AdjustableClock, now: datetime, steps: int
) -> None:
    app = await add_app(http, await register(http), now)
    clock.stopped = later = now + 5 * STEP
    code = app.code(later + steps * STEP)
    assert (await answer(http, await challenge(http, app.person), totp=code)).status_code == 200
    repeated = await answer(http, await challenge(http, app.person), totp=code)
    assert (repeated.status_code, repeated.json()["code"]) == (401, "wrong_factor")


@pytest.mark.parametrize("steps", [-2, 2])
async def test_code_beyond_a_step_of_clock_drift_is_refused(
    http: httpx.AsyncClient, clock: AdjustableClock, now: datetime, steps: int
) -> None:
    app = await add_app(http, await register(http), now)
    clock.stopped = later = now + 5 * STEP
    refused = await answer(http, await challenge(http, app.person), totp=app.code(later + steps * STEP))
    assert refused.status_code == 401


async def test_code_of_a_step_before_the_last_used_step_is_refused(http: httpx.AsyncClient, now: datetime) -> None:
    app = await add_app(http, await register(http), now)
    await sign_in_with_code(http, app, now + STEP)
    assert (await answer(http, await challenge(http, app.person), totp=app.code(now))).status_code == 401


async def test_one_code_sent_by_many_requests_at_once_signs_in_once(http: httpx.AsyncClient, now: datetime) -> None:
    app = await add_app(http, await register(http), now)
    challenges = [await challenge(http, app.person) for _ in range(6)]
    code = app.code(now + STEP)
    answers = await asyncio.gather(*(answer(http, token, totp=code) for token in challenges))
    assert sorted(answer.status_code for answer in answers) == [200, *[401] * 5]


async def test_recovery_code_signs_in_once_also_in_a_race(http: httpx.AsyncClient, now: datetime) -> None:
    app = await add_app(http, await register(http), now)
    code = app.recovery_codes[3].upper().replace("-", " ")
    challenges = [await challenge(http, app.person) for _ in range(6)]
    answers = await asyncio.gather(*(answer(http, token, recovery_code=code) for token in challenges))
    assert sorted(answer.status_code for answer in answers) == [200, *[401] * 5]
    factors = (await http.get("/v1/me/factors", headers=app.person.auth)).json()
    assert factors["recovery_codes_left"] == 9
    other = await answer(http, await challenge(http, app.person), recovery_code=app.recovery_codes[4])
    assert other.status_code == 200


async def test_new_recovery_codes_replace_the_old_codes(http: httpx.AsyncClient, now: datetime) -> None:
    app = await add_app(http, await register(http), now)
    renewed = await http.post("/v1/me/factors/recovery-codes", headers=app.person.auth)
    assert (renewed.status_code, len(set(renewed.json()["recovery_codes"]))) == (201, 10)
    old = await answer(http, await challenge(http, app.person), recovery_code=app.recovery_codes[0])
    new = await answer(http, await challenge(http, app.person), recovery_code=renewed.json()["recovery_codes"][0])
    assert (old.status_code, new.status_code) == (401, 200)


async def test_account_without_a_factor_gets_no_recovery_codes(http: httpx.AsyncClient) -> None:
    refused = await http.post("/v1/me/factors/recovery-codes", headers=(await register(http)).auth)
    assert (refused.status_code, refused.json()["code"]) == (409, "no_factor")


async def test_removal_of_the_last_factor_removes_the_recovery_codes(http: httpx.AsyncClient, now: datetime) -> None:
    app = await add_app(http, await register(http), now)
    other = await sign_in_with_code(http, app, now + STEP)
    assert (await http.delete("/v1/me/factors/totp", headers=app.person.auth)).status_code == 204
    assert (await http.get("/v1/me", headers=other.auth)).status_code == 401, "other sessions end"
    factors = (await http.get("/v1/me/factors", headers=app.person.auth)).json()
    assert (factors["totp_since"], factors["recovery_codes_left"]) == (None, 0)
    assert (await login(http, app.person)).status_code == 200
    assert (await http.delete("/v1/me/factors/totp", headers=app.person.auth)).status_code == 404


async def test_second_enrolment_replaces_the_app_and_keeps_the_recovery_codes(
    http: httpx.AsyncClient, clock: AdjustableClock, now: datetime
) -> None:
    old = await add_app(http, await register(http), now)
    new = await add_app(http, old.person, now)
    assert new.recovery_codes == []
    clock.stopped = later = now + 2 * STEP
    token = await challenge(http, old.person)
    assert (await answer(http, token, totp=old.code(later))).status_code == 401
    assert (await answer(http, token, totp=new.code(later))).status_code == 200
    recovered = await answer(http, await challenge(http, old.person), recovery_code=old.recovery_codes[0])
    assert recovered.status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/me/factors/totp"),
        ("POST", "/v1/me/factors/totp/confirm"),
        ("DELETE", "/v1/me/factors/totp"),
        ("POST", "/v1/me/factors/recovery-codes"),
        ("POST", "/v1/me/passkeys/begin"),
        ("POST", "/v1/me/passkeys"),
        ("DELETE", "/v1/me/passkeys/01890000-0000-7000-8000-000000000000"),
    ],
)
async def test_change_of_factors_long_after_the_login_needs_a_step_up(
    http: httpx.AsyncClient, clock: AdjustableClock, method: str, path: str
) -> None:
    person = await register(http)
    clock.shift = timedelta(minutes=11)
    refused = await http.request(method, path, headers=person.auth)
    assert (refused.status_code, refused.json()["code"]) == (403, "step_up_required")
