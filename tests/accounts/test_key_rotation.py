"""A rotation of all keys as docs/operations/keys.md describes it, while a client stays signed in.

Each step runs beside the step before it, as processes do during a rolling deploy.
"""

import base64
import itertools
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import jwt
import msgspec
import pyotp

from config.settings import Settings
from grome.accounts.models import Topic
from grome.factors.jobs import reseal_app_secrets
from grome.infrastructure.container import Container
from grome.infrastructure.signing_keys import SigningKeys
from grome.infrastructure.storage.links import FileLinks
from grome.notifications.unsubscribe import UnsubscribeLinks
from grome.webhooks.jobs import reseal_webhook_secrets
from grome.webhooks.signing import SecretSealer
from tests.builders.keys import new_secrets_key, new_signing_key
from tests.builders.people import PASSWORD, Person, person_of, register
from tests.support.app import serve_app
from tests.support.http_client import http_client


def steps(settings: Settings) -> list[Settings]:
    """Return the settings of each step: announce the new keys, use them, and remove the old signing key."""
    signing, new_signing = new_signing_key(), new_signing_key()
    secrets, new_secrets = new_secrets_key(1), new_secrets_key(2)
    pepper, new_pepper = new_secrets_key(1), new_secrets_key(2)
    both = {"secrets_keys": f"{new_secrets},{secrets}", "pepper": f"{new_pepper},{pepper}"}
    announced = {"secrets_keys": f"{secrets},{new_secrets}", "pepper": f"{pepper},{new_pepper}"}
    keys = [
        {"signing_key": signing, "secrets_keys": secrets, "pepper": pepper},
        {"signing_key": signing, "old_signing_keys": new_signing, **announced},
        {"signing_key": new_signing, "old_signing_keys": signing, **both},
        {"signing_key": new_signing, **both},
    ]
    return [
        msgspec.structs.replace(settings, accounts=msgspec.structs.replace(settings.accounts, **one)) for one in keys
    ]


class Step:
    """A Grome with the keys of a step."""

    def __init__(self, http: httpx.AsyncClient, container: Container) -> None:
        self.http, self.container = http, container

    async def accepts(self, person: Person) -> bool:
        return (await self.http.get("/v1/me", headers=person.auth)).status_code == 200

    async def refresh(self, person: Person) -> Person:
        response = await self.http.post("/v1/auth/refresh", json={"refresh_token": person.refresh_token})
        assert response.status_code == 200, response.text
        tokens = response.json()
        return Person(person.id, person.email, tokens["access_token"], tokens["refresh_token"])

    async def log_in(self, person: Person) -> Person:
        response = await self.http.post("/v1/auth/login", json={"email": person.email, "password": PASSWORD})
        assert response.status_code == 200, response.text
        return person_of(response.json())

    async def kids(self) -> list[str]:
        answers = [await self.http.get(path) for path in ("/v1/auth/jwks", "/.well-known/jwks.json")]
        assert answers[0].content == answers[1].content
        return [key["kid"] for key in answers[0].json()["keys"]]


class Holdings:
    """Holds links, addresses and secrets that a step made, and asks other steps to honour them."""

    def __init__(self, calendar: str, unsubscribe: str, file: str, webhook: tuple[UUID, bytes]) -> None:
        self.calendar, self.unsubscribe, self.file, self.webhook = calendar, unsubscribe, file, webhook

    @classmethod
    async def made_by(cls, step: Step, barber: Person) -> "Holdings":
        calendar = await step.http.get("/v1/me/calendar", headers=barber.auth)
        wanted = {"url": "https://example.com/hooks", "types": ["booking.accepted"]}
        made = (await step.http.post("/v1/webhooks/endpoints", json=wanted, headers=barber.auth)).json()
        secret = base64.b64decode(made["secret"].removeprefix("whsec_"))
        return cls(
            urlsplit(calendar.json()["url"]).path,
            urlsplit(step.container.get(UnsubscribeLinks).url(barber.id, Topic.REVIEWS)).path,
            step.container.get(FileLinks).write("reports/1", 3_600, "a.csv", "text/csv").rpartition("/")[2],
            (UUID(made["endpoint"]["id"]), secret),
        )

    async def honoured(self, step: Step) -> list[bool]:
        endpoint_id, secret = self.webhook
        stored = await step.container.database["webhook_endpoints"].find_one({"_id": endpoint_id})
        sealed = bytes(stored["secrets"][0]["sealed"]) if stored else b""
        return [
            (await step.http.get(self.calendar)).status_code == 200,
            (await step.http.get(self.unsubscribe)).status_code == 200,
            step.container.get(FileLinks).read(self.file) is not None,
            step.container.get(SecretSealer).open(sealed, endpoint_id) == secret,
        ]


async def test_rotation_of_all_keys_signs_nobody_out_and_breaks_no_link(settings: Settings, database: None) -> None:  # noqa: ARG001
    planned = steps(settings)
    async with AsyncExitStack() as stack:
        running = []
        for one in planned:
            app = await stack.enter_async_context(serve_app(one))
            http = await stack.enter_async_context(http_client(app.ctx.base_url))
            running.append(Step(http, app.ctx.container))
        person = await register(running[0].http, role="barber")
        made = await Holdings.made_by(running[0], person)
        for before, now in itertools.pairwise(running):
            if now is not running[-1]:  # the last step follows when the tokens of the old key have expired
                assert await now.accepts(person)
            person = await now.refresh(person)
            assert await before.accepts(person), "a process with the keys of the step before runs on"
            person = await before.refresh(person)
            assert await before.accepts(await now.log_in(person))
            assert all(await made.honoured(now))
            newly_made = await Holdings.made_by(now, await now.log_in(person))
            assert all(await newly_made.honoured(before))
            person = await now.refresh(person)
        assert all(await made.honoured(running[-1]))
        assert await running[-1].accepts(person)
        old, new = SigningKeys(planned[0].accounts.signing_key).kid, SigningKeys(planned[-1].accounts.signing_key).kid
        assert [await step.kids() for step in running] == [[old], [old, new], [new, old], [new]]
        assert jwt.get_unverified_header(person.access_token) == {"alg": "EdDSA", "kid": new, "typ": "at+jwt"}


async def test_sealed_secrets_are_sealed_anew_before_the_old_secrets_key_is_removed(
    settings: Settings,
    database: None,  # noqa: ARG001
) -> None:
    planned = steps(settings)
    accounts = planned[-1].accounts
    last = msgspec.structs.replace(accounts, secrets_keys=accounts.secrets_keys.split(",")[0])
    without_old = msgspec.structs.replace(planned[-1], accounts=last)
    async with AsyncExitStack() as stack:
        running = []
        for one in (planned[0], planned[-1], without_old):
            app = await stack.enter_async_context(serve_app(one))
            running.append(Step(await stack.enter_async_context(http_client(app.ctx.base_url)), app.ctx.container))
        old, both, new = running
        person = await register(old.http, role="barber")
        made = await Holdings.made_by(old, person)
        app_secret = await confirmed_app(old, person)
        job = {"container": both.container}
        await reseal_webhook_secrets(job)
        await reseal_app_secrets(job)
        assert (await made.honoured(new))[-1]
        challenge = (await new.http.post("/v1/auth/login", json={"email": person.email, "password": PASSWORD})).json()
        proof = {
            "challenge": challenge["challenge"],
            "totp": pyotp.TOTP(app_secret).at(datetime.now(UTC) + timedelta(seconds=30)),
        }
        completed = await new.http.post("/v1/auth/second-factor", json=proof)
        assert completed.status_code == 200, completed.text


async def confirmed_app(step: Step, person: Person) -> str:
    """Add an authenticator app and return its secret."""
    secret = str((await step.http.post("/v1/me/factors/totp", headers=person.auth)).json()["secret"])
    code = {"code": pyotp.TOTP(secret).now()}
    confirmed = await step.http.post("/v1/me/factors/totp/confirm", json=code, headers=person.auth)
    assert confirmed.status_code == 200, confirmed.text
    return secret
