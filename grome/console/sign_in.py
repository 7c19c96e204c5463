"""Sessions of admins on the dashboard, and the check that a request comes from one of its pages."""

from collections.abc import Mapping
from typing import Any

import msgspec

from grome.accounts.errors import RefreshRefused, RefreshReused, WrongCredentials
from grome.accounts.models import Device
from grome.accounts.schemas import Login, SignedIn, Tokens
from grome.accounts.service import AccountService
from grome.accounts.sessions import SessionService
from grome.accounts.verifier import Verifier
from grome.common.actor import Actor, Role
from grome.common.errors import SecondFactorMissing, Unauthenticated
from grome.factors.errors import WrongFactor
from grome.factors.schemas import SecondFactor, TotpCode
from grome.factors.second_step import SecondStep
from grome.infrastructure.container import Container


async def sign_in(container: Container, email: str, password: str, device: Device) -> Tokens:
    """Sign in an admin.

    Raises WrongCredentials for a wrong form, account, password or role, SecondFactorRequired for an account with a
    second factor, and SecondFactorMissing if the settings ask for one that the account does not have.
    """
    try:
        login = msgspec.convert({"email": email, "password": password}, Login)
    except msgspec.ValidationError:
        raise WrongCredentials from None
    return await _admit(container, await container.get(AccountService).login(login, device))


async def complete_sign_in(container: Container, form: Mapping[str, str]) -> Tokens:
    """Complete the sign-in of an admin by the form of the second step. Raises the errors of `SecondStep.complete`."""
    proof: dict[str, Any] = {"challenge": form.get("challenge", "")}
    code = form.get("code", "").strip()
    if credential := form.get("credential"):
        proof["passkey"] = {"ceremony": form.get("ceremony", ""), "credential": _decoded(credential)}
    else:
        proof["totp" if _looks_like_totp(code) else "recovery_code"] = code
    try:
        body = msgspec.convert(proof, SecondFactor)
    except msgspec.ValidationError:
        raise WrongFactor from None
    return await _admit(container, await container.get(SecondStep).complete(body))


def _looks_like_totp(code: str) -> bool:
    try:
        msgspec.convert(code, TotpCode)
    except msgspec.ValidationError:
        return False
    return True


def _decoded(credential: str) -> Any:  # noqa: ANN401 -- JSON of a browser, which `SecondFactor` judges
    try:
        return msgspec.json.decode(credential)
    except msgspec.DecodeError:
        return None


async def _admit(container: Container, signed_in: SignedIn) -> Tokens:
    """Return the tokens of an admin; the session of anybody else ends. Raises as `sign_in` says."""
    actor = await container.get(Verifier).get_actor(signed_in.access_token)
    if _is_operator(container, actor):
        return signed_in
    await container.get(SessionService).logout(actor)
    raise SecondFactorMissing if actor.role is Role.ADMIN else WrongCredentials


def _is_operator(container: Container, actor: Actor) -> bool:
    """Return whether the actor is an admin, with a second factor if the settings ask for it."""
    is_strong = actor.has_second_factor or not container.settings.accounts.require_second_factor
    return actor.role is Role.ADMIN and is_strong


async def find_operator(container: Container, access: str, refresh: str) -> tuple[Actor, Tokens | None]:
    """Return the admin of two tokens, and new tokens if the access token had expired.

    Raises Unauthenticated if the session has ended, or is not the session of an operator.
    """
    renewed = None
    try:
        actor = await container.get(Verifier).get_actor(access)
    except Unauthenticated:
        renewed = await _renew(container, refresh)
        actor = await container.get(Verifier).get_actor(renewed.access_token)
    if not _is_operator(container, actor):
        raise Unauthenticated
    return actor, renewed


async def _renew(container: Container, refresh: str) -> Tokens:
    try:
        return await container.get(SessionService).refresh(refresh)
    except (RefreshRefused, RefreshReused):
        raise Unauthenticated("Sign in to the dashboard.") from None


def is_same_origin(headers: Mapping[str, Any], host: str) -> bool:
    """Return whether a page of this host sent the request; scripts cannot forge the two headers.

    Browsers send Sec-Fetch-Site over https and on localhost, and it is valid behind any proxy; else Origin decides.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return bool(site == "same-origin")
    return headers.get("origin") in {f"http://{host}", f"https://{host}"}
