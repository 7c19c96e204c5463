"""Routes of accounts, under `/v1/auth` and `/v1/me`."""

from uuid import UUID

from sanic import Request

from grome.accounts.code_sign_in import CodeSignIn
from grome.accounts.errors import (
    AccountSuspended,
    AddressTaken,
    AddressVerified,
    NoAddress,
    RefreshRefused,
    RefreshReused,
    SecondFactorRequired,
    WrongCredentials,
    WrongPassword,
)
from grome.accounts.models import Device, Preferences
from grome.accounts.own_addresses import OwnAddresses
from grome.accounts.own_password import OwnPassword
from grome.accounts.password_reset import PasswordResets
from grome.accounts.preferences import PreferenceService
from grome.accounts.profile import ProfileService
from grome.accounts.schemas import (
    CodeIn,
    CodeLogin,
    CodeRequested,
    CodeSignInRequest,
    CodeSignInRequested,
    DeviceIn,
    EmailChange,
    Forgotten,
    Jwks,
    Login,
    PasswordChange,
    PasswordReset,
    PhoneChange,
    PreferencesPatch,
    ProfilePatch,
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
from grome.codes.errors import CodeRefused
from grome.common.actor import ANYONE, NO_ROLE, SIGNED_IN, Actor
from grome.common.addresses import network_of
from grome.common.errors import NotFound, TooManyRequests
from grome.common.languages import LANGUAGES
from grome.infrastructure.http import LimitClass, Routes, resolve
from grome.infrastructure.http.accept_language import preferred_language
from grome.infrastructure.http.caching import kept_for
from grome.infrastructure.http.client import client_address, user_agent

auth = Routes(
    "auth", "/v1/auth", about="Open an account, sign in by password, code or refresh token, and end sessions."
)
me = Routes(
    "me", "/v1/me", about="Read and change your own account: name, addresses, password, sessions and preferences."
)
well_known = Routes(
    "well-known", "/.well-known", about="Public keys at the address where verifiers of access tokens look for them."
)


@well_known.get("/jwks.json", who=ANYONE, limit=LimitClass.UNLIMITED, cache=kept_for(300))
async def well_known_jwks(request: Request) -> Jwks:
    """Return the public keys that verify access tokens.

    The same as `GET /v1/auth/jwks`, at the address where verifiers look for them.
    """
    return Jwks(resolve(request, AccessTokens).list_jwks())


@auth.post("/register", who=ANYONE, limit=LimitClass.SIGN_IN, status=201)
async def register(request: Request, body: Register) -> SignedIn:
    """Open an account with an email address or a phone number, and sign in.

    The answer is the same for an address that belongs to another account. Its owner is told, and the new account gets
    the address when a code proves it, unless the owner has proved it before.

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
    """Sign in with a password.

    A login that names a device ends the previous session on the device.

    If the account has a second factor, or if the login is unusual, the answer is 401 `second_factor_required` with a
    `challenge`, which `POST /v1/auth/second-factor` completes. 401 `wrong_credentials` does not tell which part is
    wrong.
    """
    return await resolve(request, AccountService).login(body, _device_of(request, body.device))


@auth.post("/code", who=ANYONE, limit=LimitClass.CODES, status=202, refusals=(TooManyRequests,))
async def request_sign_in_code(request: Request, body: CodeSignInRequest) -> CodeSignInRequested:
    """Request a code by SMS to sign in without a password.

    The code is sent if the number is the verified number of an account without an email address. The answer is the same
    for any number. A repeat within a minute sends nothing.
    """
    request_id = await resolve(request, CodeSignIn).request(body, _network_of(request))
    return CodeSignInRequested(request_id=request_id)


@auth.post(
    "/code/login",
    who=ANYONE,
    limit=LimitClass.SIGN_IN,
    refusals=(CodeRefused, SecondFactorRequired, AccountSuspended, WrongCredentials),
)
async def login_with_code(request: Request, body: CodeLogin) -> SignedIn:
    """Sign in with a code from an SMS.

    A code is valid once, for ten minutes and five tries. A second factor is asked for as at a login with a password.
    """
    return await resolve(request, CodeSignIn).sign_in(body.request_id, body.code, _device_of(request, body.device))


@auth.post("/password/forgot", who=ANYONE, limit=LimitClass.CODES, status=202, refusals=(TooManyRequests,))
async def forget_password(request: Request, body: Forgotten) -> CodeRequested:
    """Request a code for a new password, by mail or SMS.

    The answer is the same whether there is an account or not. A repeat within a minute sends nothing.
    """
    await resolve(request, PasswordResets).request(body, _network_of(request))
    return CodeRequested()


@auth.post("/password/reset", who=ANYONE, limit=LimitClass.SIGN_IN, status=204, refusals=(CodeRefused,))
async def reset_password(request: Request, body: PasswordReset) -> None:
    """Choose a new password with a code.

    All sessions of the account end. Log in with the new password; a second factor is asked for as before.
    """
    await resolve(request, PasswordResets).reset(body)


@auth.post("/refresh", who=ANYONE, refusals=(RefreshRefused, RefreshReused))
async def refresh(request: Request, body: Refresh) -> Tokens:
    """Exchange a refresh token for a new access token and a new refresh token.

    Each refresh token is valid once. A repeat within ten seconds gets the same refresh token again. A later repeat gets
    a new token as long as the first new token was never used, because a lost response is not theft. Any other repeat
    counts as theft: the answer is 401 `refresh_reused`, the session ends, and its owner is notified.

    After 401 `refresh_refused` the session is over too: sign in again.
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
    """End all of your sessions, this session included."""
    await resolve(request, SessionService).revoke_all(actor)


@auth.get("/jwks", who=ANYONE, limit=LimitClass.UNLIMITED, cache=kept_for(300))
async def jwks(request: Request) -> Jwks:
    """Return the public keys that verify access tokens.

    Each has a `kid`; during a rotation there are several.
    """
    return Jwks(resolve(request, AccessTokens).list_jwks())


@me.get("", who=SIGNED_IN, second_factor=NO_ROLE)
async def profile(request: Request, actor: Actor) -> UserOut:
    """Return your own account."""
    return await resolve(request, ProfileService).get(actor)


@me.patch("", who=SIGNED_IN, second_factor=NO_ROLE, refusals=(NotFound,))
async def change_profile(request: Request, actor: Actor, body: ProfilePatch) -> UserOut:
    """Change your name, language or time zone.

    Omitted fields keep their values.
    """
    return await resolve(request, ProfileService).update(actor, body)


@me.put(
    "/password",
    who=SIGNED_IN,
    limit=LimitClass.SIGN_IN,
    second_factor=NO_ROLE,
    refusals=(WrongPassword, NotFound, AccountSuspended, WrongCredentials, TooManyRequests),
)
async def change_password(request: Request, actor: Actor, body: PasswordChange) -> Tokens:
    """Change your password.

    All of your sessions end; go on with the tokens of the answer. 403 `wrong_password` means that `current` is wrong,
    and leaves all sessions as they are.
    """
    return await resolve(request, OwnPassword).change(actor, body)


@me.post(
    "/email",
    who=SIGNED_IN,
    limit=LimitClass.CODES,
    status=202,
    step_up=True,
    second_factor=NO_ROLE,
    refusals=(WrongPassword, NotFound, TooManyRequests),
)
async def change_email(request: Request, actor: Actor, body: EmailChange) -> CodeRequested:
    """Request a code to a new email address.

    The address counts after `POST /v1/me/email/confirm`. The address before is told of the change.
    """
    await resolve(request, OwnAddresses).request_change(actor, "email", body.email, body.password, _network_of(request))
    return CodeRequested()


@me.post(
    "/email/verify",
    who=SIGNED_IN,
    limit=LimitClass.CODES,
    status=202,
    second_factor=NO_ROLE,
    refusals=(NoAddress, AddressVerified, NotFound, TooManyRequests),
)
async def verify_email(request: Request, actor: Actor) -> CodeRequested:
    """Request a code that proves your email address.

    Until you prove it, another person can prove the address and get it. A repeat within a minute sends nothing.
    """
    await resolve(request, OwnAddresses).request_verification(actor, "email", _network_of(request))
    return CodeRequested()


@me.post(
    "/email/confirm",
    who=SIGNED_IN,
    limit=LimitClass.SIGN_IN,
    second_factor=NO_ROLE,
    refusals=(CodeRefused, AddressTaken),
)
async def confirm_email(request: Request, actor: Actor, body: CodeIn) -> UserOut:
    """Prove an email address by the code that was sent there.

    A code is valid once, for ten minutes and five tries. 409 `address_taken` means that another account has proved the
    address.
    """
    return await resolve(request, OwnAddresses).confirm(actor, "email", body.code)


@me.post(
    "/phone",
    who=SIGNED_IN,
    limit=LimitClass.CODES,
    status=202,
    step_up=True,
    second_factor=NO_ROLE,
    refusals=(WrongPassword, NotFound, TooManyRequests),
)
async def change_phone(request: Request, actor: Actor, body: PhoneChange) -> CodeRequested:
    """Request a code to a new phone number.

    The number counts after `POST /v1/me/phone/confirm`. You are told of the change under your addresses before it.
    """
    await resolve(request, OwnAddresses).request_change(actor, "phone", body.phone, body.password, _network_of(request))
    return CodeRequested()


@me.post(
    "/phone/verify",
    who=SIGNED_IN,
    limit=LimitClass.CODES,
    status=202,
    second_factor=NO_ROLE,
    refusals=(NoAddress, AddressVerified, NotFound, TooManyRequests),
)
async def verify_phone(request: Request, actor: Actor) -> CodeRequested:
    """Request a code that proves your phone number.

    Until you prove it, another person can prove the number and get it. A repeat within a minute sends nothing.
    """
    await resolve(request, OwnAddresses).request_verification(actor, "phone", _network_of(request))
    return CodeRequested()


@me.post(
    "/phone/confirm",
    who=SIGNED_IN,
    limit=LimitClass.SIGN_IN,
    second_factor=NO_ROLE,
    refusals=(CodeRefused, AddressTaken),
)
async def confirm_phone(request: Request, actor: Actor, body: CodeIn) -> UserOut:
    """Prove a phone number by the code that was sent there.

    A code is valid once, for ten minutes and five tries. 409 `address_taken` means that another account has proved the
    number.
    """
    return await resolve(request, OwnAddresses).confirm(actor, "phone", body.code)


@me.get("/sessions", who=SIGNED_IN, second_factor=NO_ROLE)
async def list_sessions(request: Request, actor: Actor) -> SessionPage:
    """List the devices on which you are signed in, newest login first."""
    return await resolve(request, SessionService).list_own(actor)


@me.delete("/sessions", who=SIGNED_IN, status=204, second_factor=NO_ROLE)
async def revoke_other_sessions(request: Request, actor: Actor) -> None:
    """End all of your sessions except this session."""
    await resolve(request, SessionService).revoke_others(actor)


@me.delete("/sessions/{session_id}", who=SIGNED_IN, status=204, second_factor=NO_ROLE, refusals=(NotFound,))
async def revoke_session(request: Request, actor: Actor, session_id: UUID) -> None:
    """End one of your sessions.

    Its access token stops working at once, and its live connections close.
    """
    await resolve(request, SessionService).revoke(actor, session_id)


@me.get("/preferences", who=SIGNED_IN, second_factor=NO_ROLE)
async def read_preferences(request: Request, actor: Actor) -> Preferences:
    """Return your preferences for messages and presence."""
    return await resolve(request, PreferenceService).get(actor.id)


@me.patch("/preferences", who=SIGNED_IN, second_factor=NO_ROLE)
async def change_preferences(request: Request, actor: Actor, body: PreferencesPatch) -> Preferences:
    """Change some of your preferences.

    Omitted fields keep their values. Mail about the security of your account is sent in any case.
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


def _network_of(request: Request) -> str:
    return network_of(client_address(request))
