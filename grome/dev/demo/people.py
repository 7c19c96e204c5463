"""The demo's accounts: numbered, with undeliverable addresses and one known password."""

import re
from typing import Final
from uuid import UUID

from grome.accounts.models import Preferences, User
from grome.common.actor import Role
from grome.dev.demo.cities import City, slug
from grome.dev.demo.deterministic import CREATED_AT, demo_id
from grome.dev.demo_accounts.models import ADMIN_EMAIL, DOMAIN

_BARBER_NAME: Final = re.compile(r"Barber (\d{3,}), (.+)")


def customer_email(number: int) -> str:
    return f"customer-{number}@{DOMAIN}"


def barber_email(city_name: str, number: int) -> str:
    return f"barber-{slug(city_name)}-{number}@{DOMAIN}"


def barber_name(city_name: str, number: int) -> str:
    return f"Barber {number:03}, {city_name}"


def demo_email_of(display_name: str) -> str | None:
    """Return the address of a demo barber, or None for other names: the inverse of `barber_name`."""
    match = _BARBER_NAME.fullmatch(display_name)
    return barber_email(match[2], int(match[1])) if match else None


def barber_id(city: City, number: int) -> UUID:
    """The id of the account, and of the profile with it."""
    return demo_id(barber_email(city.name, number))


def barber_account(city: City, number: int, password_hash: str) -> User:
    return User(
        id=barber_id(city, number),
        email=barber_email(city.name, number),
        password_hash=password_hash,
        name=barber_name(city.name, number),
        role=Role.BARBER,
        email_verified=True,
        preferences=Preferences(timezone=city.timezone),
        created_at=CREATED_AT,
    )


def customer_account(city: City, number: int, password_hash: str) -> User:
    return User(
        id=demo_id(customer_email(number)),
        email=customer_email(number),
        password_hash=password_hash,
        name=f"Demo customer {number}",
        role=Role.CUSTOMER,
        email_verified=True,
        preferences=Preferences(timezone=city.timezone),
        created_at=CREATED_AT,
    )


def admin_account(password_hash: str) -> User:
    return User(
        id=demo_id(ADMIN_EMAIL),
        email=ADMIN_EMAIL,
        password_hash=password_hash,
        name="Demo admin",
        role=Role.ADMIN,
        email_verified=True,
        created_at=CREATED_AT,
    )
