"""Add second factors to accounts through the API, as an app of a person does."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import httpx
import pyotp

from tests.builders.people import PASSWORD, Person, person_of
from tests.support.authenticator import Authenticator

# Numbers in the address that tests are served under become the name of this machine.
ORIGIN: Final = "http://localhost:8000"
STEP: Final = timedelta(seconds=30)


@dataclass(frozen=True)
class App:
    """An authenticator app, the session that enrolled it, and the recovery codes that came with it."""

    secret: str
    person: Person
    recovery_codes: list[str]

    def code(self, at: datetime) -> str:
        return pyotp.TOTP(self.secret).at(int(at.timestamp()))


def with_tokens(person: Person, tokens: dict[str, Any]) -> Person:
    return Person(person.id, person.email, tokens["access_token"], tokens["refresh_token"])


async def add_app(http: httpx.AsyncClient, person: Person, at: datetime) -> App:
    """Enrol an app. Its next code is valid 30 seconds after `at`."""
    begun = await http.post("/v1/me/factors/totp", headers=person.auth)
    assert begun.status_code == 201, begun.text
    secret = begun.json()["secret"]
    code = pyotp.TOTP(secret).at(int(at.timestamp()))
    confirmed = await http.post("/v1/me/factors/totp/confirm", json={"code": code}, headers=person.auth)
    assert confirmed.status_code == 200, confirmed.text
    answer = confirmed.json()
    return App(secret, with_tokens(person, answer["tokens"]), answer["recovery_codes"] or [])


async def add_passkey(
    http: httpx.AsyncClient, person: Person, authenticator: Authenticator | None = None, name: str = "My phone"
) -> tuple[Authenticator, dict[str, Any]]:
    """Register a passkey; returns its authenticator and the answer."""
    authenticator = authenticator or Authenticator(ORIGIN)
    begun = await http.post("/v1/me/passkeys/begin", headers=person.auth)
    assert begun.status_code == 200, begun.text
    answer = await http.post(
        "/v1/me/passkeys",
        json={
            "ceremony": begun.json()["ceremony"],
            "credential": authenticator.create(begun.json()["options"]),
            "name": name,
        },
        headers=person.auth,
    )
    assert answer.status_code == 201, answer.text
    return authenticator, answer.json()


async def login(http: httpx.AsyncClient, person: Person, **changed: Any) -> httpx.Response:
    return await http.post("/v1/auth/login", json={"email": person.email, "password": PASSWORD, **changed})


async def challenge(http: httpx.AsyncClient, person: Person) -> str:
    """Log in with the password, and return the challenge of the second step."""
    refused = await login(http, person)
    assert (refused.status_code, refused.json()["code"]) == (401, "second_factor_required"), refused.text
    token: str = refused.json()["challenge"]
    return token


async def answer(http: httpx.AsyncClient, token: str, **proof: Any) -> httpx.Response:
    return await http.post("/v1/auth/second-factor", json={"challenge": token, **proof})


async def sign_in_with_code(http: httpx.AsyncClient, app: App, at: datetime) -> Person:
    completed = await answer(http, await challenge(http, app.person), totp=app.code(at))
    assert completed.status_code == 200, completed.text
    return person_of(completed.json())


async def passkey_proof(http: httpx.AsyncClient, token: str, authenticator: Authenticator) -> dict[str, Any]:
    """Return the proof of a passkey for the second step of a login."""
    begun = await http.post("/v1/auth/passkey/begin", json={"challenge": token})
    assert begun.status_code == 200, begun.text
    return {"ceremony": begun.json()["ceremony"], "credential": authenticator.get(begun.json()["options"])}
