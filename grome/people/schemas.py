"""Define the requests and responses about people, for admins."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct

from grome.accounts.models import User
from grome.common.actor import Role
from grome.common.text import NOTE, SEARCH
from grome.infrastructure.http import NextCursor, PageQuery

MAX_REASON_LENGTH: Final = 1_000
MAX_BOOKINGS: Final = 100
_REASON: Final = "Reported for insults by three customers."
AdminReason = Annotated[str, Meta(min_length=1, max_length=MAX_REASON_LENGTH, examples=[_REASON]), NOTE]


class PeopleQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Filters accounts."""

    search: Annotated[str, Meta(max_length=254, examples=["lena"]), SEARCH] | None = None
    """An account id, or the beginning of a name, an email address or a phone number with `+`."""
    role: Role | None = None
    """Only accounts of this role."""
    is_suspended: bool | None = None
    """True for suspended accounts only, false for the others; leave out for both."""


class AdminReasonIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Gives the reason of an action. It is kept in the audit trail."""

    reason: AdminReason
    """Kept in the audit trail; other admins see the reason of a suspension with the account."""


class AdminUserOut(Struct, frozen=True, kw_only=True):
    """Shows an account to admins."""

    id: UUID
    """Id of the account; the path parameter `user_id`."""
    email: Annotated[str, Meta(examples=["lena@example.com"])] | None
    """Address for sign-in and mail; null if there is none."""
    phone: Annotated[str, Meta(examples=["+4930123456"])] | None
    """Number for sign-in and SMS, in international form; null if there is none."""
    claimed_email: Annotated[str, Meta(examples=["lena@example.com"])] | None
    """Address named at registration while another account had it; null otherwise."""
    claimed_phone: Annotated[str, Meta(examples=["+4930123456"])] | None
    """Number named at registration while another account had it; null otherwise."""
    email_verified: bool
    """Whether the person has proved the address by a code."""
    phone_verified: bool
    """Whether the person has proved the number by a code."""
    name: Annotated[str, Meta(examples=["Lena Fischer"])]
    """Full name as the person wrote it; empty after the deletion."""
    role: Role
    """Decides which routes the account may use."""
    created_at: datetime
    """Time of the registration."""
    suspended_at: datetime | None
    """Start of the suspension; null unless suspended."""
    suspension_reason: Annotated[str, Meta(examples=[_REASON])]
    """Reason that the admin gave; empty unless suspended."""
    deleted_at: datetime | None
    """Time at which the person deleted the account; null unless deleted."""


class AdminUserPage(Struct, frozen=True):
    """Holds a page of accounts, the newest first."""

    items: list[AdminUserOut]
    """Matching accounts, newest first."""
    next_cursor: NextCursor


class AdminSessionOut(Struct, frozen=True, kw_only=True):
    """Shows a live session of an account."""

    id: UUID
    """Identifies the session, also in the audit trail."""
    device: Annotated[str, Meta(examples=["Lena's phone"])] | None
    """Name of the device that the app sent at sign-in; null if it sent none."""
    platform: Annotated[str, Meta(examples=["ios"])] | None
    """Operating system that the app sent at sign-in; null if it sent none."""
    address: Annotated[str, Meta(examples=["203.0.113.7"])] | None
    """IP address at sign-in; null if unknown."""
    country: Annotated[str, Meta(examples=["DE"])] | None
    """ISO 3166-1 code of the country of the sign-in; null if unknown."""
    created_at: datetime
    """Time of the sign-in."""
    last_used_at: datetime
    """Time of the latest renewal of the access token."""


class AdminUserDetails(Struct, frozen=True, kw_only=True):
    """Shows an account with its live sessions and its open bookings."""

    user: AdminUserOut
    """The account itself."""
    has_second_factor: bool
    """Whether a sign-in asks for a second factor."""
    sessions: list[AdminSessionOut]
    """Live sessions; `POST …/sign-out` ends them all."""
    open_bookings: list[UUID]
    """Ids of the first hundred bookings that are in progress or to come."""


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
