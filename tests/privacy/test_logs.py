"""The log of a running Grome has no personal data, secret or token of the people that used it."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit
from uuid import uuid4

import httpx
import pyotp
import pytest

from config.settings import Settings
from grome.common.clock import system_clock
from grome.infrastructure.container import Container
from tests.builders.barbers import ALWAYS_OPEN, EAGER
from tests.builders.bookings import tomorrow
from tests.builders.people import create_admin, new_phone
from tests.support.eventually import until
from tests.support.http_client import http_client
from tests.support.processes import RunningGrome, running_grome_beside
from tests.support.stripe import LocalStripe, StripeControl, local_stripe, with_payments

# Values under these names describe or authenticate a person, in requests and in answers.
_SENSITIVE: Final = frozenset(
    {"email", "phone", "name", "password", "current", "new", "address", "note", "text", "bio"}
    | {"access_token", "refresh_token", "client_secret", "customer_session", "secret", "otpauth_url", "totp", "code"}
    | {"recovery_codes", "challenge", "token", "ticket", "url", "user_agent", "customer_note", "barber_note", "reason"}
)
# Texts of services and of the catalogue, and roles, which describe nobody.
_PUBLIC: Final = frozenset({"A cut", "unauthenticated", "customer", "barber"})
_MIN_LENGTH: Final = 6
_MIN_REQUESTS, _MIN_SECRETS = 40, 60
_CODE: Final = re.compile(r"\b\d{8}\b")
_AGENT: Final = "Private-Browser-Of-Anna/7.1"
_DEVICE: Final = str(uuid4())
_CUT: Final = {"name": "A cut", "category": "hair"}
_TOKEN_IN_URL: Final = re.compile(r"[\w.~-]{40,}")


@dataclass
class Witness:
    """Collects the sensitive values of all requests and answers, and the answers with a fault of the server."""

    secrets: set[str] = field(default_factory=set)
    failed: list[str] = field(default_factory=list)

    async def on_response(self, response: httpx.Response) -> None:
        await response.aread()
        for content in (response.request.content, response.content):
            self._collect(_decoded(content), sensitive=False)
        if response.status_code >= 500:
            self.failed.append(f"{response.request.method} {response.request.url.path} {response.text}")

    def _collect(self, value: Any, *, sensitive: bool) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                self._collect(inner, sensitive=sensitive or name in _SENSITIVE)
        elif isinstance(value, list):
            for inner in value:
                self._collect(inner, sensitive=sensitive)
        elif isinstance(value, str) and sensitive:
            # Of an address on the web, the token in it is the secret.
            found = _TOKEN_IN_URL.findall(value) if value.startswith("http") else [value]
            self.secrets |= {each for each in found if len(each) >= _MIN_LENGTH and each not in _PUBLIC}


def _decoded(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


@pytest.fixture(scope="module")
def stripe_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStripe]:
    with local_stripe(tmp_path_factory.mktemp("stripe")) as server:
        yield server


@pytest.fixture
async def grome(
    settings: Settings,
    database: None,  # noqa: ARG001 -- makes the collections
    stripe_server: LocalStripe,
    tmp_path: Path,
) -> AsyncIterator[RunningGrome]:
    paid = with_payments(settings, stripe_server)
    changed = {"GROME_LOG_LEVEL": "DEBUG", "GROME_HTTP_ACCESS_LOG": "true"}
    async with running_grome_beside(paid, tmp_path, workers=1, **changed) as started:
        yield started


@dataclass
class Journey:
    """People that use a running Grome, with the mails that it writes."""

    http: httpx.AsyncClient
    mails: Path

    async def ask(self, method: str, path: str, body: Any = None, auth: str = "") -> Any:
        """Send a request that may be refused, and return the answer; {} for an empty one."""
        headers = {"User-Agent": _AGENT, **({"Authorization": f"Bearer {auth}"} if auth else {})}
        answer = await self.http.request(method, path, json=body, headers=headers)
        return _decoded(answer.content) or {}

    async def tell(self, method: str, path: str, body: Any = None, auth: str = "") -> Any:
        """Send a request that must succeed."""
        headers = {"User-Agent": _AGENT, **({"Authorization": f"Bearer {auth}"} if auth else {})}
        answer = await self.http.request(method, path, json=body, headers=headers)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        return _decoded(answer.content) or {}

    async def code_to(self, email: str, number: int) -> str:
        """Wait for this many codes by mail to the address, and return the newest."""
        found: list[str] = []

        def is_there() -> bool:
            mails = sorted(self.mails.glob("*.eml"), key=lambda mail: mail.stat().st_mtime_ns)
            texts = [_text_of(mail) for mail in mails if f"To: {email}" in mail.read_text()]
            found[:] = [code for text in texts for code in _CODE.findall(text)[:1]]
            return len(found) >= number

        await until(is_there)
        return found[-1]


async def test_log_of_all_journeys_has_no_personal_data_code_or_token(
    grome: RunningGrome, stripe_server: LocalStripe, container: Container
) -> None:
    witness, control = Witness(), StripeControl(stripe_server.url)
    async with http_client(grome.url) as http:
        http.event_hooks["response"].append(witness.on_response)
        journey = Journey(http, grome.log.parent / "mailbox")
        boss = await create_admin(http, container)
        service = (await journey.tell("POST", "/v1/services", _CUT, boss.access_token))["id"]
        shop = await _open_shop(journey, service)
        customer = await _sign_in_in_every_way(journey)
        await _visit(journey, control, customer, shop, service)
        await _mistakes(journey, customer)
        await _leave(journey, container, customer)
    await control.close()
    assert witness.failed == []
    _check_log(grome.log, witness.secrets)


async def _open_shop(journey: Journey, service: str) -> dict[str, Any]:
    body = {"phone": new_phone(), "password": "Igor keeps sharp scissors", "name": "Igor Schere", "role": "barber"}
    shop: dict[str, Any] = await journey.tell("POST", "/v1/auth/register", body)
    place = {"location": {"lat": 52.52, "lng": 13.405}, "timezone": "Europe/Berlin", "currency": "EUR"}
    profile = {**place, "name": "Igors Salon", "bio": "Zwanzig Jahre Erfahrung", "service_radius_km": 10}
    offers = {"services": [{"service_id": service, "price": 3_000, "duration_min": 30}]}
    terms = {"deposit": {"percent": 50}}
    for path, wanted in (("", profile), ("/services", offers), ("/hours", ALWAYS_OPEN), ("/terms", terms)):
        await journey.tell("PUT", f"/v1/barbers/me{path}", wanted, shop["access_token"])
    await journey.tell("PUT", "/v1/barbers/me/rules", EAGER, shop["access_token"])
    return shop


async def _sign_in_in_every_way(journey: Journey) -> dict[str, str]:
    """Return the person with the tokens of the last sign-in."""
    email, password = "anna.musterfrau@example.com", "Anna likes long walks"
    device = {"id": _DEVICE, "name": "Annas Telefon", "platform": "android"}
    person = {"email": email, "password": password, "name": "Anna Musterfrau", "device": device}
    tokens = await journey.tell("POST", "/v1/auth/register", person)
    await journey.ask("POST", "/v1/auth/register", person)
    await journey.ask("POST", "/v1/auth/login", {"email": email, "password": "wrong-password-of-anna"})
    await journey.ask("POST", "/v1/auth/login", {"email": "nobody.known@example.com", "password": password})
    tokens = await journey.tell("POST", "/v1/auth/refresh", {"refresh_token": tokens["refresh_token"]})
    auth = tokens["access_token"]
    await journey.tell("POST", "/v1/me/email/verify", None, auth)
    await journey.tell("POST", "/v1/me/email/confirm", {"code": await journey.code_to(email, 1)}, auth)
    await journey.tell("POST", "/v1/auth/password/forgot", {"email": email})
    password = "Anna likes longer walks"
    reset = {"email": email, "code": await journey.code_to(email, 2), "password": password}
    await journey.tell("POST", "/v1/auth/password/reset", reset)
    login = {"email": email, "password": password, "device": device}
    tokens = await journey.tell("POST", "/v1/auth/login", login)
    secret = (await journey.tell("POST", "/v1/me/factors/totp", None, tokens["access_token"]))["secret"]
    app, now = pyotp.TOTP(secret), system_clock()
    added = await journey.tell("POST", "/v1/me/factors/totp/confirm", {"code": app.at(now)}, tokens["access_token"])
    challenge = (await journey.ask("POST", "/v1/auth/login", login))["challenge"]
    await journey.ask("POST", "/v1/auth/second-factor", {"challenge": challenge, "totp": "000000"})
    proof = {"challenge": challenge, "recovery_code": added["recovery_codes"][0]}
    tokens = await journey.tell("POST", "/v1/auth/second-factor", proof)
    await journey.ask("POST", "/v1/auth/code", {"phone": new_phone()})
    return {"email": email, "password": password, "auth": tokens["access_token"]}


async def _visit(
    journey: Journey, control: StripeControl, customer: dict[str, str], shop: dict[str, Any], service: str
) -> None:
    auth, shop_auth = customer["auth"], shop["access_token"]
    call = {"location": {"lat": 52.521, "lng": 13.406}, "address": "Musterstraße 42, Klingel Musterfrau"}
    wanted = {"barber_id": shop["user"]["id"], "service_ids": [service], "note": "Bitte leise, das Baby schläft"}
    visit = {**wanted, "scheduled_at": tomorrow(10).isoformat(), "house_call": call}
    booking = await journey.tell("POST", "/v1/bookings", visit, auth)
    path = f"/v1/bookings/{booking['id']}"
    await journey.ask("POST", "/v1/bookings", visit, auth)
    started = await journey.tell("POST", f"{path}/payments", {"purpose": "deposit"}, auth)
    await control.pay(started["client_secret"].partition("_secret_")[0])
    await journey.tell("POST", f"/v1/payments/{started['id']}/refresh", None, auth)
    await journey.ask("POST", f"{path}/accept", None, shop_auth)
    message = {"key": "1", "text": "Ich komme zehn Minuten später"}
    sent = await journey.tell("POST", f"{path}/messages", message, auth)
    report = {"reason": "Das war unhöflich von ihr"}
    await journey.tell("POST", f"{path}/messages/{sent['id']}/report", report, shop_auth)
    calendar = await journey.tell("GET", "/v1/me/calendar", None, auth)
    await journey.tell("GET", urlsplit(calendar["url"]).path)
    await journey.tell("POST", "/v1/live/ticket", None, auth)
    await journey.tell("PUT", f"/v1/me/devices/{_DEVICE}/push-token", {"token": "push-token-of-annas-phone"}, auth)
    await journey.tell("POST", f"{path}/cancel", {"note": "Das Baby ist krank geworden"}, auth)


async def _mistakes(journey: Journey, customer: dict[str, str]) -> None:
    """Requests with personal data in places where it does not belong, or that cannot be read."""
    auth, email = customer["auth"], customer["email"]
    await journey.ask("POST", "/v1/auth/login", {"email": email, "passwort": customer["password"]})
    await journey.ask("PATCH", "/v1/me", {"name": ["Anna Musterfrau"]}, auth)
    await journey.ask("GET", f"/v1/admin/users?search={email}", None, auth)
    await journey.ask("GET", f"/v1/users/{email}", None, auth)
    await journey.ask("GET", f"/v1/bookings/{email}", None, auth)
    await journey.ask("POST", f"/v1/me/{customer['password'].replace(' ', '-')}", None, auth)
    await journey.ask("GET", f"/v1/files/{auth}")
    await journey.ask("GET", f"/v1/me/{auth}/x", None, auth)
    await journey.http.post("/v1/auth/login", content=f'{{"email": "{email}", "password": '.encode())
    await journey.http.get("/v1/me", headers={"Authorization": f"Basic {auth}"})


async def _leave(journey: Journey, container: Container, customer: dict[str, str]) -> None:
    auth = customer["auth"]
    export = await journey.tell("POST", "/v1/me/export", None, auth)
    path = f"/v1/me/exports/{export['id']}"

    async def is_done() -> bool:
        return (await journey.tell("GET", path, None, auth))["state"] == "done"  # type: ignore[no-any-return]

    await until(is_done)
    url = (await journey.tell("GET", path, None, auth))["url"]
    assert (await journey.http.get(urlsplit(url).path)).status_code == 200
    await journey.ask("DELETE", "/v1/me", {"password": customer["password"]}, auth)
    users = container.database["users"]

    async def is_erased() -> bool:
        return await users.find_one({"email": customer["email"]}) is None

    await until(is_erased)


def _check_log(log: Path, secrets: set[str]) -> None:
    written = log.read_text().splitlines()
    lines = [json.loads(line) for line in written if line.startswith("{")]
    assert {line["network"] for line in lines if "network" in line} == {"127.0.0.0/24"}
    assert len([line for line in lines if "network" in line]) > _MIN_REQUESTS
    assert len(secrets) > _MIN_SECRETS
    # Without the time, in which six digits can be the digits of a code.
    texts = [json.dumps({**line, "time": ""}, ensure_ascii=False) for line in lines]
    texts += [line for line in written if not line.startswith("{")]  # the banner
    leaks = [(secret, text) for text in texts for secret in sorted(secrets) if _stands_in(secret, text)]
    assert leaks == []


def _stands_in(secret: str, text: str) -> bool:
    if secret.isdecimal():
        return re.search(rf"\b{secret}\b", text) is not None
    return secret in text or quote(secret) in text


def _text_of(mail: Path) -> str:
    message = BytesParser(EmailMessage, policy=default).parsebytes(mail.read_bytes())
    body = message.get_body(("plain",))
    return str(body.get_content()) if body else ""
