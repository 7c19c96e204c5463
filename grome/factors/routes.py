"""Routes of second factors, under `/v1/auth` and `/v1/me`."""

from uuid import UUID

from sanic import Request

from grome.accounts.errors import WrongPassword
from grome.accounts.models import Device
from grome.accounts.schemas import DeviceIn, SignedIn, Tokens
from grome.codes.errors import CodeRefused
from grome.common.actor import ANYONE, NO_ROLE, SIGNED_IN, Actor
from grome.common.errors import NotFound, TooManyRequests
from grome.factors.authenticator_apps import AuthenticatorApps
from grome.factors.errors import (
    ChallengeRefused,
    FactorNeeded,
    FactorRequired,
    NoFactor,
    PasskeyNotAdded,
    PasskeyRefused,
    TooManyPasskeys,
    TotpNotBegun,
    WrongFactor,
)
from grome.factors.own_passkeys import OwnPasskeys
from grome.factors.schemas import (
    FactorAdded,
    FactorsOut,
    NewTotp,
    PasskeyAdded,
    PasskeyBegin,
    PasskeyCeremony,
    PasskeyIn,
    PasskeyList,
    PasskeyOut,
    PasskeyPatch,
    PasskeySignIn,
    RecoveryCodesOut,
    SecondFactor,
    StepUp,
    TotpIn,
)
from grome.factors.second_step import SecondStep
from grome.factors.service import FactorService
from grome.factors.step_up import StepUps
from grome.infrastructure.http import Routes, resolve
from grome.infrastructure.http.client import client_address, user_agent
from grome.infrastructure.rate_limits.models import LimitClass

factors = Routes(
    "factors",
    "/v1",
    about="Passkeys, authenticator apps and recovery codes, and the confirmation before sensitive requests.",
)


@factors.post(
    "/auth/second-factor",
    who=ANYONE,
    limit=LimitClass.SIGN_IN,
    refusals=(ChallengeRefused, WrongFactor, PasskeyRefused, CodeRefused, TooManyRequests),
)
async def complete_sign_in(request: Request, body: SecondFactor) -> SignedIn:
    """Complete a login that was answered 401 `second_factor_required`.

    A challenge is valid for five minutes and five proofs. A code of an authenticator app and a recovery code are valid
    once. A `code` is asked of an account without factors after an unusual login, and was sent to its verified address.
    For a passkey, begin with `POST /v1/auth/passkey/begin` and the challenge.

    401 `wrong_factor` and `passkey_refused` leave the challenge open; after 401 `challenge_refused`, log in again.
    """
    return await resolve(request, SecondStep).complete(body)


@factors.post("/auth/passkey/begin", who=ANYONE, refusals=(ChallengeRefused,))
async def begin_passkey_sign_in(request: Request, body: PasskeyBegin) -> PasskeyCeremony:
    """Return options for the browser's `navigator.credentials.get`.

    Without a challenge, the person chooses a passkey and needs neither name nor password; send the answer to
    `POST /v1/auth/passkey/finish`. With the challenge of a login, the options name the passkeys of the account; send
    the answer to `POST /v1/auth/second-factor`.
    """
    return await resolve(request, SecondStep).begin_passkey(body.challenge)


@factors.post("/auth/passkey/finish", who=ANYONE, limit=LimitClass.SIGN_IN, refusals=(PasskeyRefused,))
async def finish_passkey_sign_in(request: Request, body: PasskeySignIn) -> SignedIn:
    """Sign in with a passkey alone.

    It counts as two factors, because its authenticator has verified the person.
    """
    return await resolve(request, SecondStep).sign_in(body, _device_of(request, body.device))


@factors.post(
    "/auth/step-up",
    who=SIGNED_IN,
    limit=LimitClass.SIGN_IN,
    second_factor=NO_ROLE,
    refusals=(WrongPassword, WrongFactor, PasskeyRefused, FactorNeeded, NotFound, TooManyRequests),
)
async def step_up(request: Request, actor: Actor, body: StepUp) -> Tokens:
    """Confirm that it is you.

    For ten minutes, the new access token opens routes that answer 403 `step_up_required`. An account with a second
    factor confirms by a factor, any other by the password. A factor also counts for routes that answer 403
    `second_factor_missing`.
    """
    return await resolve(request, StepUps).prove(actor, body)


@factors.post("/auth/step-up/passkey", who=SIGNED_IN, second_factor=NO_ROLE, refusals=(NoFactor,))
async def begin_passkey_step_up(request: Request, actor: Actor) -> PasskeyCeremony:
    """Return options for a confirmation by one of your passkeys.

    Send the browser's answer to `POST /v1/auth/step-up`.
    """
    return await resolve(request, StepUps).begin_passkey(actor)


@factors.get("/me/factors", who=SIGNED_IN, second_factor=NO_ROLE)
async def read_factors(request: Request, actor: Actor) -> FactorsOut:
    """Return your second factors, and the number of unused recovery codes."""
    return await resolve(request, FactorService).read(actor)


@factors.post("/me/factors/totp", who=SIGNED_IN, status=201, step_up=True, second_factor=NO_ROLE, refusals=(NotFound,))
async def begin_totp(request: Request, actor: Actor) -> NewTotp:
    """Return a secret for an authenticator app.

    The app counts after `POST /v1/me/factors/totp/confirm`, within fifteen minutes. A repeat returns another secret.
    """
    return await resolve(request, AuthenticatorApps).begin(actor)


@factors.post("/me/factors/totp/confirm", who=SIGNED_IN, step_up=True, second_factor=NO_ROLE, refusals=(TotpNotBegun,))
async def confirm_totp(request: Request, actor: Actor, body: TotpIn) -> FactorAdded:
    """Put the authenticator app to use, by a code that it shows.

    It replaces an earlier app. Your other sessions end. With your first factor, you get ten recovery codes, which are
    shown once.
    """
    added = await resolve(request, AuthenticatorApps).confirm(actor, body.code)
    return FactorAdded(added.recovery_codes, added.tokens)


@factors.delete(
    "/me/factors/totp",
    who=SIGNED_IN,
    status=204,
    step_up=True,
    second_factor=NO_ROLE,
    refusals=(NotFound, FactorRequired),
)
async def remove_totp(request: Request, actor: Actor) -> None:
    """Remove the authenticator app.

    Your other sessions end, and recovery codes go with your last factor. 409 `factor_required` means that your role
    needs another factor first.
    """
    await resolve(request, AuthenticatorApps).remove(actor)


@factors.post(
    "/me/factors/recovery-codes", who=SIGNED_IN, status=201, step_up=True, second_factor=NO_ROLE, refusals=(NoFactor,)
)
async def renew_recovery_codes(request: Request, actor: Actor) -> RecoveryCodesOut:
    """Replace your recovery codes by ten new codes.

    Your other sessions end.
    """
    return await resolve(request, FactorService).renew_recovery_codes(actor)


@factors.get("/me/passkeys", who=SIGNED_IN, second_factor=NO_ROLE)
async def list_passkeys(request: Request, actor: Actor) -> PasskeyList:
    """List your passkeys, oldest first."""
    return await resolve(request, OwnPasskeys).list_passkeys(actor)


@factors.post(
    "/me/passkeys/begin", who=SIGNED_IN, step_up=True, second_factor=NO_ROLE, refusals=(NotFound, TooManyPasskeys)
)
async def begin_passkey(request: Request, actor: Actor) -> PasskeyCeremony:
    """Return options for the browser's `navigator.credentials.create`.

    Send its answer to `POST /v1/me/passkeys`.
    """
    return await resolve(request, OwnPasskeys).begin(actor)


@factors.post(
    "/me/passkeys",
    who=SIGNED_IN,
    status=201,
    step_up=True,
    second_factor=NO_ROLE,
    refusals=(PasskeyNotAdded, TooManyPasskeys),
)
async def add_passkey(request: Request, actor: Actor, body: PasskeyIn) -> PasskeyAdded:
    """Register a passkey.

    Your other sessions end. Attestation is not asked for: any authenticator that verifies the person is accepted. With
    your first factor, you get ten recovery codes, which are shown once.
    """
    return await resolve(request, OwnPasskeys).add(actor, body)


@factors.patch("/me/passkeys/{passkey_id}", who=SIGNED_IN, second_factor=NO_ROLE, refusals=(NotFound,))
async def rename_passkey(request: Request, actor: Actor, passkey_id: UUID, body: PasskeyPatch) -> PasskeyOut:
    """Give one of your passkeys another name."""
    return await resolve(request, OwnPasskeys).rename(actor, passkey_id, body.name)


@factors.delete(
    "/me/passkeys/{passkey_id}",
    who=SIGNED_IN,
    status=204,
    step_up=True,
    second_factor=NO_ROLE,
    refusals=(NotFound, FactorRequired),
)
async def remove_passkey(request: Request, actor: Actor, passkey_id: UUID) -> None:
    """Remove one of your passkeys.

    Your other sessions end, and recovery codes go with your last factor. 409 `factor_required` means that your role
    needs another factor first.
    """
    await resolve(request, OwnPasskeys).remove(actor, passkey_id)


def _device_of(request: Request, given: DeviceIn | None) -> Device:
    return Device(
        id=given.id if given else None,
        name=given.name if given else None,
        platform=given.platform if given else None,
        user_agent=user_agent(request),
        ip=client_address(request),
    )
