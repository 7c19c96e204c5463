"""Bad access tokens, and the bookings that each role may read; test_rights_matrix.py tests every route."""

import base64
import json
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from grome.accounts.tokens import AccessTokens
from grome.common.actor import Role
from grome.infrastructure.container import Container
from tests.api.conftest import Cast
from tests.api.problems import assert_refused
from tests.api.surface import SAMPLES, Route
from tests.builders.pages import read_pages
from tests.builders.people import Person, create_admin, register
from tests.conftest import AdjustableClock


@pytest.mark.parametrize("route", SAMPLES, ids=str)
async def test_tampered_access_token_is_refused(cast: Cast, container: Container, route: Route) -> None:
    """Tokens with a changed role, the signature of another token, no signature, and a foreign signature."""
    customer, other = await register(cast.client), await register(cast.client)
    header, claims, signature = customer.access_token.split(".")
    raised = _base64url({**jwt.decode(customer.access_token, options={"verify_signature": False}), "role": "admin"})
    unsigned = _base64url({"alg": "none", "typ": "JWT"})
    foreign_key = Ed25519PrivateKey.generate()
    claimed = jwt.decode(customer.access_token, options={"verify_signature": False})
    for token in (
        f"{header}.{raised}.{signature}",
        f"{header}.{claims}.{other.access_token.split('.')[2]}",
        f"{header}.{claims}.",
        f"{unsigned}.{claims}.",
        jwt.encode(
            claimed, foreign_key, algorithm="EdDSA", headers={"kid": container.get(AccessTokens).list_jwks()[0].kid}
        ),
        jwt.encode(claimed, container.get(AccessTokens).list_jwks()[0].x, algorithm="HS256"),
    ):
        response = await cast.ask(route, auth={"Authorization": f"Bearer {token}"})
        assert_refused(response, 401, "unauthenticated", told=token)


@pytest.mark.parametrize("route", SAMPLES, ids=str)
async def test_expired_access_token_is_refused(cast: Cast, clock: AdjustableClock, route: Route) -> None:
    person = await register(cast.client)
    clock.shift = timedelta(minutes=15)
    assert_refused(await cast.ask(route, auth=person.auth), 401, "unauthenticated", told=route)


@pytest.mark.parametrize("route", SAMPLES, ids=str)
async def test_access_token_of_an_ended_session_is_refused(cast: Cast, route: Route) -> None:
    person = await register(cast.client)
    assert (await cast.client.get("/v1/me", headers=person.auth)).status_code == 200  # so that it is remembered
    assert (await cast.client.post("/v1/auth/logout", headers=person.auth)).status_code == 204
    assert_refused(await cast.ask(route, auth=person.auth), 401, "unauthenticated", told=route)


@pytest.mark.parametrize("role", Role)
async def test_own_booking_and_its_history_are_readable_for_each_role(cast: Cast, role: Role) -> None:
    for path in ("", "/history"):
        url = f"/v1/bookings/{cast.ids['booking_id']}{path}"
        assert (await cast.client.get(url, headers=cast.people[role].auth)).status_code == 200


@pytest.mark.parametrize("role", Role)
async def test_booking_list_has_a_foreign_booking_only_for_an_admin(
    cast: Cast, container: Container, role: Role
) -> None:
    stranger = await _new(role, cast.client, container)
    pages = await read_pages(cast.client, "/v1/bookings", {}, auth=stranger.auth)
    listed = {booking["id"] for page in pages for booking in page}
    assert (cast.ids["booking_id"] in listed) == (role is Role.ADMIN)


async def _new(role: Role, client: httpx.AsyncClient, container: Container) -> Person:
    return await create_admin(client, container) if role is Role.ADMIN else await register(client, role=role.value)


def _base64url(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
