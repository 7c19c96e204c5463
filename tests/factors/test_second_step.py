"""The challenge between the two steps of a login, and step-up by factors."""

import asyncio
from datetime import datetime, timedelta

import httpx
import pytest

from grome.accounts.models import Device
from grome.codes.service import Codes
from grome.common.actor import SignInMethod
from grome.factors.challenger import FactorChallenger
from grome.infrastructure.container import Container
from tests.builders.factors import STEP, add_app, answer, challenge
from tests.builders.people import PASSWORD, Person, register
from tests.conftest import AdjustableClock


@pytest.fixture
def now(clock: AdjustableClock) -> datetime:
    clock.stopped = clock()
    return clock.stopped


async def test_challenge_takes_five_proofs(http: httpx.AsyncClient, now: datetime) -> None:
    app = await add_app(http, await register(http), now)
    token = await challenge(http, app.person)
    for _ in range(5):
        assert (await answer(http, token, recovery_code="guessed")).json()["code"] == "wrong_factor"
    refused = await answer(http, token, totp=app.code(now + STEP))
    assert (refused.status_code, refused.json()["code"]) == (401, "challenge_refused")


async def test_challenge_completes_one_login(http: httpx.AsyncClient, now: datetime) -> None:
    app = await add_app(http, await register(http), now)
    token = await challenge(http, app.person)
    answers = await asyncio.gather(
        *(answer(http, token, recovery_code=code) for code in app.recovery_codes[:4]),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]
    assert (await answer(http, token, recovery_code=app.recovery_codes[9])).json()["code"] == "challenge_refused"


async def test_challenge_expires_after_five_minutes(
    http: httpx.AsyncClient, clock: AdjustableClock, now: datetime
) -> None:
    app = await add_app(http, await register(http), now)
    token = await challenge(http, app.person)
    clock.stopped = now + timedelta(minutes=5)
    refused = await answer(http, token, totp=app.code(clock.stopped))
    assert (refused.status_code, refused.json()["code"]) == (401, "challenge_refused")


async def test_challenge_of_nobody_is_refused_like_an_old_challenge(http: httpx.AsyncClient) -> None:
    for proof in ({"totp": "123456"}, {"recovery_code": "guessed"}):
        refused = await answer(http, "made-up", **proof)
        assert (refused.status_code, refused.json()["code"]) == (401, "challenge_refused")
    begun = await http.post("/v1/auth/passkey/begin", json={"challenge": "made-up"})
    assert (begun.status_code, begun.json()["code"]) == (401, "challenge_refused")


async def test_proof_of_another_account_does_not_complete_a_login(http: httpx.AsyncClient, now: datetime) -> None:
    mine, other = await add_app(http, await register(http), now), await add_app(http, await register(http), now)
    token = await challenge(http, other.person)
    assert (await answer(http, token, totp=mine.code(now + STEP))).json()["code"] == "wrong_factor"
    assert (await answer(http, token, recovery_code=mine.recovery_codes[0])).json()["code"] == "wrong_factor"


@pytest.mark.parametrize("proof", [{}, {"totp": "123456", "recovery_code": "abc"}])
async def test_second_step_takes_exactly_one_proof(
    http: httpx.AsyncClient, now: datetime, proof: dict[str, str]
) -> None:
    app = await add_app(http, await register(http), now)
    assert (await answer(http, await challenge(http, app.person), **proof)).status_code == 422


async def test_codes_of_apps_can_be_guessed_twenty_times_an_hour(http: httpx.AsyncClient, now: datetime) -> None:
    app = await add_app(http, await register(http), now)
    for _ in range(4):
        token = await challenge(http, app.person)
        for _ in range(5):
            assert (await answer(http, token, totp="000000")).status_code == 401
    token = await challenge(http, app.person)
    refused = await answer(http, token, totp=app.code(now + STEP))
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert (await answer(http, token, recovery_code=app.recovery_codes[0])).status_code == 200, "the owner gets in"


async def test_login_of_a_wrong_password_does_not_tell_of_factors(http: httpx.AsyncClient, now: datetime) -> None:
    app = await add_app(http, await register(http), now)
    wrong = {"email": app.person.email, "password": f"not {PASSWORD}"}
    refused = await http.post("/v1/auth/login", json=wrong)
    assert (refused.status_code, refused.json()["code"]) == (401, "wrong_credentials")


async def unusual_login(container: Container, person: Person) -> str | None:
    """Return the challenge of a login that is right and unusual."""
    begun = await container.get(FactorChallenger).begin(
        person.id, Device(id="new", ip="203.0.113.9"), frozenset({SignInMethod.PASSWORD}), frozenset({"code"})
    )
    return begun.challenge if begun else None


async def sent_code(container: Container, person: Person) -> str:
    stored = await container.database["codes"].find_one({"user_id": person.id}, sort=[("created_at", -1)])
    found = await container.get(Codes).find_to_send(stored["code_id"]) if stored else None
    assert found
    return found[1]


async def verify_email(container: Container, person: Person) -> None:
    await container.database["users"].update_one({"_id": person.id}, {"$set": {"email_verified": True}})


async def test_unusual_login_of_an_account_without_factors_is_completed_by_a_code_once(
    http: httpx.AsyncClient, container: Container
) -> None:
    person = await register(http)
    assert await unusual_login(container, person) is None, "nobody has verified the address"
    await verify_email(container, person)
    token = await unusual_login(container, person)
    assert token
    code = await sent_code(container, person)
    wrong = f"{(int(code) + 1) % 10**8:08}"
    assert (await answer(http, token, code=wrong)).json()["code"] == "code_refused"
    assert (await answer(http, token, recovery_code="guessed")).json()["code"] == "wrong_factor"
    assert (await answer(http, token, code=code, totp="123456")).status_code == 422
    assert (await answer(http, token, code=code)).status_code == 200
    assert (await answer(http, token, code=code)).json()["code"] == "challenge_refused"


async def test_code_of_one_login_does_not_complete_another(http: httpx.AsyncClient, container: Container) -> None:
    person = await register(http)
    await verify_email(container, person)
    first, second = await unusual_login(container, person), await unusual_login(container, person)
    assert first
    assert second
    assert (await answer(http, first, code=await sent_code(container, person))).json()["code"] == "code_refused"


async def test_code_does_not_stand_in_for_a_factor_of_the_account(
    http: httpx.AsyncClient, container: Container, now: datetime
) -> None:
    person = await register(http)
    await verify_email(container, person)
    token = await unusual_login(container, person)
    assert token
    await add_app(http, person, now)
    refused = await answer(http, token, code=await sent_code(container, person))
    assert (refused.status_code, refused.json()["code"]) == (401, "wrong_credentials")
    factored = await challenge(http, person)
    assert (await answer(http, factored, code="12345678")).json()["code"] == "wrong_factor"
