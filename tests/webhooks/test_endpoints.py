"""Test endpoints over HTTP: owners, validation and secrets."""

import asyncio
import base64
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from grome.common.actor import Actor, Role
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.infrastructure.secret_keys import SecretKeys
from grome.webhooks.errors import UnreadableSecretError
from grome.webhooks.schemas import EndpointIn
from grome.webhooks.service import WebhookService
from grome.webhooks.signing import SecretSealer, new_secret
from tests.builders.keys import new_signing_key, secret_keys
from tests.builders.people import Person, create_admin, register

PATH = "/v1/webhooks/endpoints"
URL = "https://example.com/hooks?token=x"


async def make(http: httpx.AsyncClient, owner: Person, **changed: Any) -> dict[str, Any]:
    made = await http.post(PATH, json={"url": URL, **changed}, headers=owner.auth)
    assert made.status_code == 201, made.text
    answer: dict[str, Any] = made.json()
    return answer


@pytest.fixture
async def owner(http: httpx.AsyncClient) -> Person:
    return await register(http, role="barber")


async def test_endpoint_is_created_changed_and_deleted(http: httpx.AsyncClient, owner: Person) -> None:
    types = ["booking.accepted", "booking.cancelled"]
    made = (await make(http, owner, types=[*types, types[0]], description="The till"))["endpoint"]
    here = f"{PATH}/{made['id']}"
    assert made == {
        "id": made["id"],
        "url": URL,
        "types": types,
        "description": "The till",
        "enabled": True,
        "disabled_reason": None,
        "disabled_at": None,
        "failing_since": None,
        "created_at": made["created_at"],
    }
    assert (await http.get(here, headers=owner.auth)).json() == made
    assert (await http.get(PATH, headers=owner.auth)).json() == {"items": [made]}
    wanted = {"url": "https://example.org/", "enabled": False}
    changed = (await http.put(here, json=wanted, headers=owner.auth)).json()
    assert changed["disabled_at"] is not None
    assert changed == {**made, **wanted, "types": [], "description": ""} | {
        "disabled_reason": "owner",
        "disabled_at": changed["disabled_at"],
    }
    again = await http.put(here, json={**wanted, "description": "Off"}, headers=owner.auth)
    assert again.json() == {**changed, "description": "Off"}
    test = await http.post(f"{here}/test", headers=owner.auth)
    assert (test.status_code, test.json()["code"]) == (409, "endpoint_disabled")
    assert (await http.put(here, json={"url": URL, "types": types}, headers=owner.auth)).json()["enabled"]
    assert (await http.delete(here, headers=owner.auth)).status_code == 204
    for method, body in (("GET", None), ("PUT", {"url": URL}), ("DELETE", None)):
        assert (await http.request(method, here, json=body, headers=owner.auth)).status_code == 404


async def test_endpoint_of_another_owner_is_not_found(
    http: httpx.AsyncClient, container: Container, owner: Person
) -> None:
    boss, other_boss = await create_admin(http, container), await create_admin(http, container)
    delivery, nobodys = await _pinged(http, owner)
    for stranger in (await register(http, role="barber"), boss):
        assert (await http.get(PATH, headers=stranger.auth)).json()["items"] == []
        for path in (delivery, nobodys):
            assert (await http.get(path, headers=stranger.auth)).status_code == 404
            assert (await http.post(f"{path}/replay", headers=stranger.auth)).status_code == 404
        here = delivery.partition("/deliveries")[0]
        for method, path, body in (
            ("GET", here, None),
            ("PUT", here, {"url": URL}),
            ("DELETE", here, None),
            ("POST", f"{here}/secret", None),
            ("POST", f"{here}/test", None),
            ("GET", f"{here}/deliveries", None),
        ):
            refused = await http.request(method, path, json=body, headers=stranger.auth)
            assert (refused.status_code, refused.json()["code"]) == (404, "not_found"), (method, path)
    assert (await http.get(delivery, headers=owner.auth)).status_code == 200
    assert (await http.get(nobodys, headers=owner.auth)).status_code == 404
    platform = (await make(http, boss, types=["account.registered"]))["endpoint"]
    assert (await http.get(f"{PATH}/{platform['id']}", headers=other_boss.auth)).json() == platform
    assert (await http.get(f"{PATH}/{platform['id']}", headers=owner.auth)).status_code == 404
    assert (await http.delete(f"{PATH}/{platform['id']}", headers=other_boss.auth)).status_code == 204


async def _pinged(http: httpx.AsyncClient, owner: Person) -> tuple[str, str]:
    """Return the paths of a delivery under its own endpoint, and under another endpoint of the owner."""
    ids = [(await make(http, owner))["endpoint"]["id"] for _ in range(2)]
    sent = await http.post(f"{PATH}/{ids[0]}/test", headers=owner.auth)
    assert sent.status_code == 202, sent.text
    return f"{PATH}/{ids[0]}/deliveries/{sent.json()['id']}", f"{PATH}/{ids[1]}/deliveries/{sent.json()['id']}"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"url": "http://example.com/"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "https://me:pw@example.com/"}, "url"),
        ({"url": "https://localhost/"}, "url"),
        ({"url": ""}, "url"),
        ({"url": "https://example.com/" + "x" * 1_000}, "url"),
        ({"types": ["booking.accepted", "account.registered"]}, "types[1]"),
        ({"types": ["booking.lost"]}, "types[0]"),
        ({"types": ["walk_in.joined"]}, "types[0]"),
        ({"types": ["barber.online"]}, "types[0]"),
        ({"description": "x" * 201}, "description"),
        ({"secret": "whsec_AAAA"}, "secret"),
        ({"owner_id": str(uuid4())}, "owner_id"),
    ],
)
async def test_invalid_endpoint_is_refused(
    http: httpx.AsyncClient, owner: Person, changed: dict[str, Any], field: str
) -> None:
    made = (await make(http, owner))["endpoint"]
    for method, path in (("POST", PATH), ("PUT", f"{PATH}/{made['id']}")):
        refused = await http.request(method, path, json={"url": URL, **changed}, headers=owner.auth)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field), refused.text
    assert (await http.get(PATH, headers=owner.auth)).json()["items"] == [made]


async def test_concurrent_creations_stop_at_ten_endpoints(http: httpx.AsyncClient, owner: Person) -> None:
    asked = [http.post(PATH, json={"url": URL}, headers=owner.auth) for _ in range(25)]
    statuses = [answer.status_code for answer in await asyncio.gather(*asked)]
    assert (statuses.count(201), statuses.count(409)) == (10, 15)
    listed = (await http.get(PATH, headers=owner.auth)).json()["items"]
    assert len({one["id"] for one in listed}) == 10
    refused = await http.post(PATH, json={"url": URL}, headers=owner.auth)
    assert refused.json()["code"] == "too_many_endpoints"
    assert (await http.delete(f"{PATH}/{listed[4]['id']}", headers=owner.auth)).status_code == 204
    await make(http, owner)


class TestSecrets:
    async def test_secret_is_long_and_returned_once(self, http: httpx.AsyncClient, owner: Person) -> None:
        made = await make(http, owner)
        assert made["secret"].startswith("whsec_")
        assert 24 <= len(base64.b64decode(made["secret"].removeprefix("whsec_"), validate=True)) <= 64
        for path in (PATH, f"{PATH}/{made['endpoint']['id']}"):
            answer = await http.get(path, headers=owner.auth)
            assert "secret" not in answer.text
            assert made["secret"] not in answer.text

    async def test_secret_is_sealed_in_the_database(
        self, http: httpx.AsyncClient, container: Container, owner: Person
    ) -> None:
        made = await make(http, owner)
        stored = await container.database["webhook_endpoints"].find_one({"_id": UUID(made["endpoint"]["id"])})
        plain = base64.b64decode(made["secret"].removeprefix("whsec_"))
        assert stored is not None
        (sealed,) = [bytes(one["sealed"]) for one in stored["secrets"]]
        assert plain not in sealed
        assert made["secret"] not in repr(stored)
        vault = SecretSealer(container.get(SecretKeys))
        assert vault.open(sealed, UUID(made["endpoint"]["id"])) == plain

    def test_sealed_secret_is_bound_to_key_and_endpoint(self) -> None:
        vault, secret, endpoint_id = SecretSealer(secret_keys()), new_secret(), new_id()
        sealed = vault.seal(secret, endpoint_id)
        assert vault.open(sealed, endpoint_id) == secret
        assert vault.seal(secret, endpoint_id) != sealed
        for other, given, whose in (
            (SecretSealer(secret_keys()), sealed, endpoint_id),
            (vault, sealed, new_id()),
            (vault, sealed[:-1] + bytes([sealed[-1] ^ 1]), endpoint_id),
        ):
            with pytest.raises(UnreadableSecretError):
                other.open(given, whose)

    def test_secret_of_an_earlier_release_is_opened(self) -> None:
        """The key of that release was derived from the PEM text."""
        key, endpoint_id = new_signing_key(), new_id()
        derived = HKDF(SHA256(), length=32, salt=None, info=b"grome webhook secrets 1").derive(key.encode())
        sealed = b"a nonce of 12"[:12] + AESGCM(derived).encrypt(b"a nonce of 12"[:12], b"secret", endpoint_id.bytes)
        assert SecretSealer(secret_keys(key)).open(sealed, endpoint_id) == b"secret"

    async def test_concurrent_rotations_all_count(
        self, http: httpx.AsyncClient, container: Container, owner: Person
    ) -> None:
        made = await container.get(WebhookService).create(Actor(owner.id, Role.BARBER, new_id()), EndpointIn(URL))
        path = f"{PATH}/{made.endpoint.id}/secret"
        rotated = await asyncio.gather(*(http.post(path, headers=owner.auth) for _ in range(3)))
        secrets = {answer.json()["secret"] for answer in rotated}
        stored = await container.database["webhook_endpoints"].find_one({"_id": made.endpoint.id})
        assert stored is not None
        vault = SecretSealer(container.get(SecretKeys))
        kept = [vault.open(bytes(one["sealed"]), made.endpoint.id) for one in stored["secrets"]]
        known = {base64.b64decode(one.removeprefix("whsec_")) for one in (*secrets, made.secret)}
        assert (len(kept), set(kept)) == (4, known)
        for _ in range(3):
            assert (await http.post(path, headers=owner.auth)).status_code == 200
        stored = await container.database["webhook_endpoints"].find_one({"_id": made.endpoint.id})
        assert stored is not None
        assert len(stored["secrets"]) == 5
