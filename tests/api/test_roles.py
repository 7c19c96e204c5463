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

NOBODY = "01890a5d-ac96-774b-bcce-b302099a8057"
JSON = {"Content-Type": "application/json"}
ANYONE = "nobody customer barber admin"
SIGNED_IN = "customer barber admin"
SIDES = "customer barber"
OWNERS = "barber admin"
# Said here a second time, apart from the routes: who opens a route to more people must say so in both places.
WHO = {
    "POST /v1/auth/register": ANYONE,
    "POST /v1/auth/login": ANYONE,
    "POST /v1/auth/refresh": ANYONE,
    "POST /v1/auth/code": ANYONE,
    "POST /v1/auth/code/login": ANYONE,
    "POST /v1/auth/password/forgot": ANYONE,
    "POST /v1/auth/password/reset": ANYONE,
    "POST /v1/auth/step-up": SIGNED_IN,
    "POST /v1/auth/logout": SIGNED_IN,
    "POST /v1/auth/logout-all": SIGNED_IN,
    "GET /v1/auth/jwks": ANYONE,
    "GET /.well-known/jwks.json": ANYONE,
    "GET /v1/me/sessions": SIGNED_IN,
    "DELETE /v1/me/sessions": SIGNED_IN,
    "DELETE /v1/me/sessions/{session_id}": SIGNED_IN,
    "POST /v1/auth/second-factor": ANYONE,
    "POST /v1/auth/passkey/begin": ANYONE,
    "POST /v1/auth/passkey/finish": ANYONE,
    "POST /v1/auth/step-up/passkey": SIGNED_IN,
    "GET /v1/me": SIGNED_IN,
    "GET /v1/me/factors": SIGNED_IN,
    "POST /v1/me/factors/totp": SIGNED_IN,
    "POST /v1/me/factors/totp/confirm": SIGNED_IN,
    "DELETE /v1/me/factors/totp": SIGNED_IN,
    "POST /v1/me/factors/recovery-codes": SIGNED_IN,
    "GET /v1/me/passkeys": SIGNED_IN,
    "POST /v1/me/passkeys/begin": SIGNED_IN,
    "POST /v1/me/passkeys": SIGNED_IN,
    "PATCH /v1/me/passkeys/{passkey_id}": SIGNED_IN,
    "DELETE /v1/me/passkeys/{passkey_id}": SIGNED_IN,
    "DELETE /v1/me": SIGNED_IN,
    "POST /v1/me/export": SIGNED_IN,
    "GET /v1/me/exports": SIGNED_IN,
    "GET /v1/me/exports/{export_id}": SIGNED_IN,
    "PATCH /v1/me": SIGNED_IN,
    "PUT /v1/me/password": SIGNED_IN,
    "POST /v1/me/email": SIGNED_IN,
    "POST /v1/me/email/verify": SIGNED_IN,
    "POST /v1/me/email/confirm": SIGNED_IN,
    "POST /v1/me/phone": SIGNED_IN,
    "POST /v1/me/phone/verify": SIGNED_IN,
    "POST /v1/me/phone/confirm": SIGNED_IN,
    "GET /v1/me/preferences": SIGNED_IN,
    "PATCH /v1/me/preferences": SIGNED_IN,
    "GET /v1/me/notifications": SIGNED_IN,
    "PUT /v1/me/devices/{device_id}/push-token": SIGNED_IN,
    "DELETE /v1/me/devices/{device_id}/push-token": SIGNED_IN,
    "GET /v1/barbers/nearby": ANYONE,
    "GET /v1/barbers": ANYONE,
    "GET /v1/barbers/{barber_id}": ANYONE,
    "GET /v1/barbers/{barber_id}/slots": ANYONE,
    "GET /v1/barbers/me": "barber",
    "PUT /v1/barbers/me": "barber",
    "DELETE /v1/barbers/me": "barber",
    "PUT /v1/barbers/me/services": "barber",
    "PUT /v1/barbers/me/hours": "barber",
    "PUT /v1/barbers/me/rules": "barber",
    "PUT /v1/barbers/me/house-calls": "barber",
    "PUT /v1/barbers/me/terms": "barber",
    "PUT /v1/barbers/me/deposit-rules": "barber",
    "GET /v1/barbers/me/commission": "barber",
    "POST /v1/admin/barbers/{barber_id}/goodwill": "admin",
    "POST /v1/admin/barbers/{barber_id}/write-off": "admin",
    "GET /v1/admin/barbers/{barber_id}/commission": "admin",
    "PUT /v1/admin/barbers/{barber_id}/commission": "admin",
    "GET /v1/barbers/{barber_id}/photos": ANYONE,
    "GET /v1/barbers/me/photos": "barber",
    "PUT /v1/barbers/me/photos": "barber",
    "GET /v1/barbers/me/verification": "barber",
    "PUT /v1/barbers/me/verification": "barber",
    "GET /v1/admin/verifications": "admin",
    "GET /v1/admin/verifications/{user_id}": "admin",
    "POST /v1/admin/verifications/{user_id}/approve": "admin",
    "POST /v1/admin/verifications/{user_id}/reject": "admin",
    "POST /v1/admin/verifications/{user_id}/ask-again": "admin",
    "GET /v1/barbers/me/openings": "barber",
    "PUT /v1/barbers/me/overrides/{day}": "barber",
    "DELETE /v1/barbers/me/overrides/{day}": "barber",
    "POST /v1/barbers/me/time-off": "barber",
    "DELETE /v1/barbers/me/time-off/{time_off_id}": "barber",
    "PUT /v1/barbers/me/holidays": "barber",
    "PUT /v1/barbers/me/online": "barber",
    "GET /v1/services": ANYONE,
    "GET /v1/services/{service_id}": ANYONE,
    "POST /v1/services": "admin",
    "POST /v1/bookings": "customer",
    "GET /v1/bookings": SIGNED_IN,
    "GET /v1/bookings/{booking_id}": SIGNED_IN,
    "GET /v1/bookings/{booking_id}/history": SIGNED_IN,
    "POST /v1/bookings/{booking_id}/accept": SIDES,
    "POST /v1/bookings/{booking_id}/decline": SIDES,
    "POST /v1/bookings/{booking_id}/start": "barber",
    "POST /v1/bookings/{booking_id}/complete": "barber",
    "POST /v1/bookings/{booking_id}/no-show": "barber",
    "POST /v1/bookings/{booking_id}/undo": "barber",
    "GET /v1/bookings/{booking_id}/cancellation": SIGNED_IN,
    "POST /v1/bookings/{booking_id}/cancel": SIGNED_IN,
    "GET /v1/slots": ANYONE,
    "POST /v1/bookings/any": "customer",
    "POST /v1/bookings/series": "customer",
    "POST /v1/bookings/series/preview": "customer",
    "GET /v1/bookings/series/{series_id}": SIGNED_IN,
    "POST /v1/bookings/{booking_id}/series/cancel": SIGNED_IN,
    "POST /v1/bookings/{booking_id}/series/reschedule": SIGNED_IN,
    "POST /v1/bookings/quote": "customer",
    "GET /v1/bookings/quote/{quote_id}": "customer",
    "POST /v1/bookings/quote/{quote_id}/book": "customer",
    "GET /v1/bookings/{booking_id}/calendar.ics": "customer barber",
    "GET /v1/bookings/{booking_id}/receipt": SIGNED_IN,
    "GET /v1/bookings/{booking_id}/receipt.pdf": SIGNED_IN,
    "GET /v1/receipts/{token}": ANYONE,
    "POST /v1/bookings/{booking_id}/payments": "customer",
    "GET /v1/bookings/{booking_id}/payments": "customer",
    "POST /v1/payments/{payment_id}/refresh": "customer",
    "GET /v1/payments": SIGNED_IN,
    "GET /v1/payments/{payment_id}": SIGNED_IN,
    "POST /v1/admin/payments/{payment_id}/refund": "admin",
    "POST /v1/admin/payments/{payment_id}/write-off": "admin",
    "GET /v1/me/cards": "customer",
    "POST /v1/me/cards": "customer",
    "PUT /v1/me/cards/{card_id}/default": "customer",
    "DELETE /v1/me/cards/{card_id}": "customer",
    "GET /v1/me/calendar": "customer barber",
    "POST /v1/me/calendar/reset": "customer barber",
    "DELETE /v1/me/calendar": "customer barber",
    "GET /v1/calendars/{token}/grome.ics": ANYONE,
    "POST /v1/bookings/{booking_id}/review": "customer",
    "GET /v1/bookings/{booking_id}/review": SIGNED_IN,
    "PUT /v1/bookings/{booking_id}/review": "customer",
    "DELETE /v1/bookings/{booking_id}/review": "customer admin",
    "PUT /v1/bookings/{booking_id}/review/answer": "barber",
    "DELETE /v1/bookings/{booking_id}/review/answer": "barber",
    "GET /v1/barbers/{barber_id}/reviews": ANYONE,
    "GET /v1/me/favourites": "customer",
    "PUT /v1/me/favourites/{barber_id}": "customer",
    "DELETE /v1/me/favourites/{barber_id}": "customer",
    "POST /v1/waitlist": "customer",
    "GET /v1/waitlist": "customer",
    "GET /v1/waitlist/for-me": "barber",
    "GET /v1/waitlist/{entry_id}": "customer",
    "DELETE /v1/waitlist/{entry_id}": "customer",
    "GET /v1/barbers/{barber_id}/walk-ins": ANYONE,
    "POST /v1/barbers/{barber_id}/walk-ins": "customer",
    "GET /v1/barbers/me/walk-ins": "barber",
    "POST /v1/barbers/me/walk-ins": "barber",
    "POST /v1/uploads": SIGNED_IN,
    "GET /v1/live": ANYONE,
    "POST /v1/live/ticket": SIGNED_IN,
    "GET /v1/events": SIGNED_IN,
    "GET /v1/walk-ins": "customer",
    "GET /v1/walk-ins/{walk_in_id}": SIGNED_IN,
    "DELETE /v1/walk-ins/{walk_in_id}": "customer",
    "POST /v1/walk-ins/{walk_in_id}/seat": "barber",
    "POST /v1/walk-ins/{walk_in_id}/missed": "barber",
    "POST /v1/admin/promos": "admin",
    "GET /v1/admin/promos": "admin",
    "GET /v1/admin/promos/{promo_id}": "admin",
    "PUT /v1/admin/promos/{promo_id}": "admin",
    "PUT /v1/admin/promos/{promo_id}/active": "admin",
    "POST /v1/barbers/me/promos": "barber",
    "GET /v1/barbers/me/promos": "barber",
    "GET /v1/barbers/me/promos/{promo_id}": "barber",
    "PUT /v1/barbers/me/promos/{promo_id}": "barber",
    "PUT /v1/barbers/me/promos/{promo_id}/active": "barber",
    "POST /v1/bookings/{booking_id}/tip": "customer",
    "GET /v1/bookings/{booking_id}/note": SIGNED_IN,
    "PUT /v1/bookings/{booking_id}/note": SIDES,
    "POST /v1/bookings/{booking_id}/rebook": "customer",
    "GET /v1/bookings/{booking_id}/slots": SIGNED_IN,
    "POST /v1/bookings/{booking_id}/reschedule": SIGNED_IN,
    "POST /v1/bookings/{booking_id}/proposal/accept": SIDES,
    "POST /v1/bookings/{booking_id}/proposal/decline": SIDES,
    "DELETE /v1/bookings/{booking_id}/proposal": SIDES,
    "GET /v1/bookings/{booking_id}/late": "barber",
    "POST /v1/bookings/{booking_id}/late": "barber",
    "POST /v1/bookings/{booking_id}/on-the-way": "barber",
    "DELETE /v1/bookings/{booking_id}/on-the-way": "barber",
    "POST /v1/bookings/{booking_id}/position": "barber",
    "GET /v1/bookings/{booking_id}/position": SIGNED_IN,
    "GET /v1/bookings/{booking_id}/messages": SIDES,
    "POST /v1/bookings/{booking_id}/messages": SIDES,
    "GET /v1/bookings/{booking_id}/messages/{message_id}": SIDES,
    "PATCH /v1/bookings/{booking_id}/messages/{message_id}": SIDES,
    "DELETE /v1/bookings/{booking_id}/messages/{message_id}": SIDES,
    "POST /v1/bookings/{booking_id}/messages/read": SIDES,
    "POST /v1/bookings/{booking_id}/messages/delivered": SIDES,
    "POST /v1/bookings/{booking_id}/messages/{message_id}/report": SIDES,
    "GET /v1/me/conversations": SIDES,
    "GET /v1/me/unread": SIDES,
    "GET /v1/me/blocks": SIDES,
    "PUT /v1/me/blocks/{account_id}": SIDES,
    "DELETE /v1/me/blocks/{account_id}": SIDES,
    "GET /v1/admin/message-reports": "admin",
    "GET /v1/admin/message-reports/{message_report_id}/messages": "admin",
    "POST /v1/admin/message-reports/{message_report_id}/resolve": "admin",
    "GET /v1/admin/findings": "admin",
    "POST /v1/admin/findings/{finding_id}/resolve": "admin",
    "POST /v1/admin/reconciliation/run": "admin",
    "POST /v1/reports": "barber admin",
    "GET /v1/reports": "barber admin",
    "GET /v1/reports/{report_id}": "barber admin",
    "DELETE /v1/reports/{report_id}": "barber admin",
    "POST /v1/barbers/me/onboarding": "barber",
    "GET /v1/barbers/me/onboarding": "barber",
    "GET /v1/barbers/me/payouts": "barber",
    "GET /v1/barbers/me/payouts/{payout_id}": "barber",
    "GET /v1/admin/payouts": "admin",
    "POST /v1/admin/payouts/{payout_id}/retry": "admin",
    "POST /v1/admin/barbers/{barber_id}/payouts/hold": "admin",
    "POST /v1/admin/barbers/{barber_id}/payouts/release": "admin",
    "POST /v1/stripe/webhook": ANYONE,
    "POST /v1/webhooks/endpoints": OWNERS,
    "GET /v1/webhooks/endpoints": OWNERS,
    "GET /v1/webhooks/endpoints/{endpoint_id}": OWNERS,
    "PUT /v1/webhooks/endpoints/{endpoint_id}": OWNERS,
    "DELETE /v1/webhooks/endpoints/{endpoint_id}": OWNERS,
    "POST /v1/webhooks/endpoints/{endpoint_id}/secret": OWNERS,
    "POST /v1/webhooks/endpoints/{endpoint_id}/test": OWNERS,
    "GET /v1/webhooks/endpoints/{endpoint_id}/deliveries": OWNERS,
    "GET /v1/webhooks/endpoints/{endpoint_id}/deliveries/{delivery_id}": OWNERS,
    "POST /v1/webhooks/endpoints/{endpoint_id}/deliveries/{delivery_id}/replay": OWNERS,
    "GET /v1/barbers/me/ledger": "barber",
    "GET /v1/barbers/me/balance": "barber",
    "GET /v1/admin/ledger/entries": "admin",
    "GET /v1/admin/ledger/balances": "admin",
    "GET /v1/admin/audit": "admin",
    "GET /v1/admin/users": "admin",
    "GET /v1/admin/users/{user_id}": "admin",
    "POST /v1/admin/users/{user_id}/suspend": "admin",
    "POST /v1/admin/users/{user_id}/restore": "admin",
    "POST /v1/admin/users/{user_id}/sign-out": "admin",
    "POST /v1/admin/users/{user_id}/reset-factors": "admin",
    "GET /v1/admin/jobs": "admin",
    "GET /v1/admin/jobs/{job_id}": "admin",
    "POST /v1/admin/jobs/{job_id}/retry": "admin",
    "POST /v1/admin/jobs/{job_id}/drop": "admin",
    "GET /metrics": "admin",
    "GET /health/live": ANYONE,
    "GET /health/ready": ANYONE,
}


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
