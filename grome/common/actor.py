"""Define actors. Every use case takes an Actor, and every query of personal data is limited to an Actor."""

from enum import StrEnum
from uuid import UUID

from msgspec import Struct


class Role(StrEnum):
    CUSTOMER = "customer"
    BARBER = "barber"
    ADMIN = "admin"


class Actor(Struct, frozen=True):
    """The person behind a verified access token. `session_id` names the device's login session."""

    id: UUID
    role: Role
    session_id: UUID


ANYONE: frozenset[Role] = frozenset()  # no token needed; one that is sent must be valid all the same
SIGNED_IN = frozenset(Role)
CUSTOMERS = frozenset({Role.CUSTOMER})
BARBERS = frozenset({Role.BARBER})
SIDES = CUSTOMERS | BARBERS  # the two sides of a booking
ADMINS = frozenset({Role.ADMIN})
