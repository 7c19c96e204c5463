"""Sessions of admins on the dashboard, and the check that a request comes from one of its pages."""

from collections.abc import Mapping
from typing import Any

import msgspec

from grome.accounts.errors import RefreshRefused, RefreshReused, WrongCredentials
from grome.accounts.models import Device
from grome.accounts.schemas import Login, Tokens
from grome.accounts.service import AccountService
from grome.accounts.sessions import SessionService
from grome.accounts.verifier import Verifier
from grome.common.actor import Actor, Role
from grome.common.errors import Unauthenticated
from grome.infrastructure.container import Container


async def sign_in(container: Container, email: str, password: str, device: Device) -> Tokens:
    """Sign in an admin. Raises WrongCredentials for a wrong form, account, password or role."""
    try:
        login = msgspec.convert({"email": email, "password": password}, Login)
    except msgspec.ValidationError:
        raise WrongCredentials from None
    signed_in = await container.get(AccountService).login(login, device)
    if signed_in.user.role is not Role.ADMIN:
        await container.get(SessionService).logout(await container.get(Verifier).get_actor(signed_in.access_token))
        raise WrongCredentials
    return signed_in


async def find_operator(container: Container, access: str, refresh: str) -> tuple[Actor, Tokens | None]:
    """Return the admin of two tokens, and new tokens if the access token had expired.

    Raises Unauthenticated if the session has ended or is not an admin's.
    """
    renewed = None
    try:
        actor = await container.get(Verifier).get_actor(access)
    except Unauthenticated:
        renewed = await _renew(container, refresh)
        actor = await container.get(Verifier).get_actor(renewed.access_token)
    if actor.role is not Role.ADMIN:
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
