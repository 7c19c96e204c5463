"""Routes of accounts, under `/v1/auth` and `/v1/me`."""

from uuid import UUID

from sanic import Request

from grome.accounts.errors import (
    AccountExists,
    AccountSuspended,
    RefreshRefused,
    RefreshReused,
    SecondFactorRequired,
    WrongCredentials,
)
from grome.accounts.models import Device, Preferences
from grome.accounts.preferences import PreferenceService
from grome.accounts.schemas import (
    DeviceIn,
    Jwks,
    Login,
    PreferencesPatch,
    Refresh,
    Register,
    SessionPage,
    SignedIn,
    Tokens,
    UserOut,
)
from grome.accounts.service import AccountService
from grome.accounts.sessions import SessionService
from grome.accounts.tokens import AccessTokens
from grome.common.actor import ANYONE, NO_ROLE, SIGNED_IN, Actor
from grome.common.languages import LANGUAGES
from grome.infrastructure.http import LimitClass, Routes, resolve
from grome.infrastructure.http.accept_language import preferred_language
from grome.infrastructure.http.caching import kept_for
from grome.infrastructure.http.client import client_address, user_agent

auth = Routes("auth", "/v1/auth")
me = Routes("me", "/v1/me")
well_known = Routes("well-known", "/.well-known")


@well_known.get("/jwks.json", who=ANYONE, limit=LimitClass.UNLIMITED, cache=kept_for(300))
async def well_known_jwks(request: Request) -> Jwks:
    """Return the public keys that verify access tokens, at the address where verifiers look for them."""
    return Jwks(resolve(request, AccessTokens).list_jwks())


@auth.post("/register", who=ANYONE, limit=LimitClass.SIGN_IN, status=201, refusals=(AccountExists,))
async def register(request: Request, body: Register) -> SignedIn:
    """Open an account with an email address or a phone number, and sign in.

    Messages are sent in the `language` of the body or, without it, in the language that `Accept-Language` prefers.
    """
    language = preferred_language(request.headers.get("accept-language"), LANGUAGES)
    return await resolve(request, AccountService).register(body, _device_of(request, body.device), language)


@auth.post(
    "/login",
    who=ANYONE,
    limit=LimitClass.SIGN_IN,
    refusals=(WrongCredentials, SecondFactorRequired, AccountSuspended),
)
async def login(request: Request, body: Login) -> SignedIn:
    """Sign in. A login that names a device ends the previous session on the same device.

    If the account has a second factor, or if the login is unusual, the answer is 401 `second_factor_required` with a
    `challenge`, which `POST /v1/auth/second-factor` completes.
    """
    return await resolve(request, AccountService).login(body, _device_of(request, body.device))


@auth.post("/refresh", who=ANYONE, refusals=(RefreshRefused, RefreshReused))
async def refresh(request: Request, body: Refresh) -> Tokens:
    """Exchange a refresh token for a new access token and a new refresh token.

    Each refresh token is valid once. A repeat within ten seconds gets the same refresh token again. A later repeat gets
    a new token as long as the first new token was never used, because a lost response is not theft. Any other repeat
    counts as theft: the session ends, and its owner is notified.
    """
    return await resolve(request, SessionService).refresh(body.refresh_token)


@auth.post("/logout", who=SIGNED_IN, status=204, second_factor=NO_ROLE)
async def logout(request: Request, actor: Actor) -> None:
    """End the session on this device.

    Its access token stops working at once, and the device gets no more push messages.
    """
    await resolve(request, SessionService).logout(actor)


@auth.post("/logout-all", who=SIGNED_IN, status=204, second_factor=NO_ROLE)
async def logout_everywhere(request: Request, actor: Actor) -> None:
    """End all of your sessions, on all devices, including this session."""
    await resolve(request, SessionService).revoke_all(actor)


@auth.get("/jwks", who=ANYONE, limit=LimitClass.UNLIMITED, cache=kept_for(300))
async def jwks(request: Request) -> Jwks:
    """Return the public keys that verify access tokens, by `kid`. During a rotation there are several."""
    return Jwks(resolve(request, AccessTokens).list_jwks())


@me.get("", who=SIGNED_IN, second_factor=NO_ROLE)
async def profile(request: Request, actor: Actor) -> UserOut:
    """Return your own account."""
    return await resolve(request, AccountService).get_profile(actor)


@me.get("/sessions", who=SIGNED_IN, second_factor=NO_ROLE)
async def list_sessions(request: Request, actor: Actor) -> SessionPage:
    """List the devices on which you are signed in, the newest first."""
    return await resolve(request, SessionService).list_own(actor)


@me.delete("/sessions", who=SIGNED_IN, status=204, second_factor=NO_ROLE)
async def revoke_other_sessions(request: Request, actor: Actor) -> None:
    """End all of your sessions except this session."""
    await resolve(request, SessionService).revoke_others(actor)


@me.delete("/sessions/{session_id}", who=SIGNED_IN, status=204, second_factor=NO_ROLE)
async def revoke_session(request: Request, actor: Actor, session_id: UUID) -> None:
    """End a session of yours, at once and on open live connections too."""
    await resolve(request, SessionService).revoke(actor, session_id)


@me.get("/preferences", who=SIGNED_IN, second_factor=NO_ROLE)
async def read_preferences(request: Request, actor: Actor) -> Preferences:
    """Return your preferences for messages and presence."""
    return await resolve(request, PreferenceService).get(actor.id)


@me.patch("/preferences", who=SIGNED_IN, second_factor=NO_ROLE)
async def change_preferences(request: Request, actor: Actor, body: PreferencesPatch) -> Preferences:
    """Change some of your preferences; omitted fields keep their values.

    Email about the security of your account is sent in any case.
    """
    return await resolve(request, PreferenceService).update(actor, body)


def _device_of(request: Request, given: DeviceIn | None) -> Device:
    return Device(
        id=given.id if given else None,
        name=given.name if given else None,
        platform=given.platform if given else None,
        user_agent=user_agent(request),
        ip=client_address(request),
    )
