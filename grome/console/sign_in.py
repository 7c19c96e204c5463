"""Who operates the dashboard: an admin's login session, and requests that only our own pages can send."""

from collections.abc import Mapping
from typing import Any

import msgspec

from grome.accounts.errors import RefreshRefused, RefreshReused, WrongCredentials
from grome.accounts.models import Device
from grome.accounts.schemas import Login, Tokens
from grome.accounts.service import AccountService
from grome.accounts.verifier import Verifier
from grome.common.actor import Actor, Role
from grome.common.errors import Unauthenticated
from grome.infrastructure.container import Container


async def sign_in(container: Container, email: str, password: str, device: Device) -> Tokens:
    """Raises WrongCredentials for whatever is wrong: the form, the account, the password or the role."""
    try:
        login = msgspec.convert({"email": email, "password": password}, Login)
    except msgspec.ValidationError:
        raise WrongCredentials from None
    signed_in = await container.get(AccountService).login(login, device)
    if signed_in.user.role is not Role.ADMIN:
        await container.get(AccountService).logout(await container.get(Verifier).get_actor(signed_in.access_token))
        raise WrongCredentials
    return signed_in


async def find_operator(container: Container, access: str, refresh: str) -> tuple[Actor, Tokens | None]:
    """The admin behind the two tokens, and new tokens where the access token had expired.

    Raises Unauthenticated where the session has ended or is not an admin's.
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
        return await container.get(AccountService).refresh(refresh)
    except (RefreshRefused, RefreshReused):
        raise Unauthenticated("Sign in to the dashboard.") from None


def is_same_origin(headers: Mapping[str, Any], host: str) -> bool:
    """What a browser says of the page that sends a request; no script can forge either header.

    Browsers send Sec-Fetch-Site over https and on localhost, and it holds behind any proxy; elsewhere Origin decides.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return bool(site == "same-origin")
    return headers.get("origin") in {f"http://{host}", f"https://{host}"}
