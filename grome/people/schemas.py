"""Define the requests and responses about people, for admins."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct

from grome.accounts.models import User
from grome.common.actor import Role
from grome.common.text import NOTE, SEARCH
from grome.infrastructure.http import PageQuery

MAX_REASON_LENGTH: Final = 1_000
MAX_BOOKINGS: Final = 100
AdminReason = Annotated[str, Meta(min_length=1, max_length=MAX_REASON_LENGTH), NOTE]


class PeopleQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Filters accounts. `search` is an id, or the beginning of a name, an email or a phone number with a `+`."""

    search: Annotated[str, Meta(max_length=254), SEARCH] | None = None
    role: Role | None = None
    is_suspended: bool | None = None


class AdminReasonIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Gives the reason of an action. It is kept in the audit trail."""

    reason: AdminReason


class AdminUserOut(Struct, frozen=True, kw_only=True):
    """Shows an account to admins.

    `claimed_email` and `claimed_phone` were named at registration while they belonged to another account.
    """

    id: UUID
    email: str | None
    phone: str | None
    claimed_email: str | None
    claimed_phone: str | None
    email_verified: bool
    phone_verified: bool
    name: str
    role: Role
    created_at: datetime
    suspended_at: datetime | None
    suspension_reason: str
    deleted_at: datetime | None


class AdminUserPage(Struct, frozen=True):
    """Holds a page of accounts, the newest first."""

    items: list[AdminUserOut]
    next_cursor: str | None


class AdminSessionOut(Struct, frozen=True, kw_only=True):
    """Shows a live session of an account. `address` is that of the sign-in."""

    id: UUID
    device: str | None
    platform: str | None
    address: str | None
    country: str | None
    created_at: datetime
    last_used_at: datetime


class AdminUserDetails(Struct, frozen=True, kw_only=True):
    """Shows an account with its live sessions, and the first hundred bookings that are in progress or to come.

    `has_second_factor` tells whether a sign-in asks for a second factor.
    """

    user: AdminUserOut
    has_second_factor: bool
    sessions: list[AdminSessionOut]
    open_bookings: list[UUID]


def admin_user_out(user: User) -> AdminUserOut:
    return AdminUserOut(
        id=user.id,
        email=user.email,
        phone=user.phone,
        claimed_email=user.claimed_email,
        claimed_phone=user.claimed_phone,
        email_verified=user.email_verified,
        phone_verified=user.phone_verified,
        name=user.name,
        role=user.role,
        created_at=user.created_at,
        suspended_at=user.suspended_at,
        suspension_reason=user.suspension_reason,
        deleted_at=user.deleted_at,
    )
