"""Define actors. Every use case takes an Actor, and every query of personal data is limited to an Actor."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from msgspec import Struct


class Role(StrEnum):
    """Names the role of an account and its rights."""

    CUSTOMER = "customer"
    BARBER = "barber"
    ADMIN = "admin"


class SignInMethod(StrEnum):
    """Names a proof of identity. The values are those of the token claim `amr` (RFC 8176) as far as it has them."""

    PASSWORD = "pwd"  # noqa: S105 -- the name of a method
    CODE = "code"
    TOTP = "otp"
    RECOVERY_CODE = "recovery"
    PASSKEY = "passkey"


SECOND_FACTORS: Final = frozenset({SignInMethod.TOTP, SignInMethod.RECOVERY_CODE, SignInMethod.PASSKEY})
_NEVER: Final = datetime.fromtimestamp(0, UTC)


class Actor(Struct, frozen=True):
    """The person behind a verified access token. `session_id` names the device's login session.

    `authenticated_at` is the time of the last proof of identity in this session, and `methods` are all of its proofs.
    """

    id: UUID
    role: Role
    session_id: UUID
    authenticated_at: datetime = _NEVER
    methods: frozenset[SignInMethod] = frozenset()

    @property
    def has_second_factor(self) -> bool:
        return not SECOND_FACTORS.isdisjoint(self.methods)


ANYONE: frozenset[Role] = frozenset()  # no token needed; one that is sent must be valid all the same
SIGNED_IN = frozenset(Role)
CUSTOMERS = frozenset({Role.CUSTOMER})
BARBERS = frozenset({Role.BARBER})
SIDES = CUSTOMERS | BARBERS  # the two sides of a booking
ADMINS = frozenset({Role.ADMIN})
NO_ROLE: frozenset[Role] = frozenset()  # as the roles that need a second factor at a route
