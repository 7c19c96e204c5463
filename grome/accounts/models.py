"""Users and their login sessions."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct, field

from grome.common.actor import Role, SignInMethod
from grome.common.field_faults import FAULT
from grome.common.languages import Language
from grome.common.origin import RequestOrigin
from grome.common.text import END, NAME
from grome.infrastructure.mongo.schema import stored_items
from grome.infrastructure.outbox.models import MAX_CHANGES, Change, EventType

# Deliberately loose: only a delivered message proves an address. Addresses that no server accepts are refused.
# Without `\s`, which is other characters in each dialect of regular expressions.
Email = Annotated[
    str,
    Meta(
        max_length=254,
        pattern=r"^[^@\x00-\x20\x7f-\xa0]{1,64}@[^@.\x00-\x20\x7f-\xa0]+(\.[^@.\x00-\x20\x7f-\xa0]+)+" + END,
        extra={FAULT: "is not an e-mail address, such as anna@example.com"},
        examples=["amira.haddad@example.com"],
    ),
]
PersonName = Annotated[str, Meta(min_length=1, max_length=100, examples=["Amira Haddad"]), NAME]
# Names in answers: a name that was stored before a rule for new names existed is shown as it is.
ShownPerson = Annotated[str, Meta(examples=["Amira Haddad"])]


WallTime = Annotated[
    str,
    Meta(
        pattern="^([01][0-9]|2[0-3]):[0-5][0-9]" + END,
        extra={FAULT: "is not a time of day, such as 22:00"},
        max_length=5,
        description="Wall-clock time in the user's zone.",
        examples=["22:00"],
    ),
]
ReminderHours = Literal[24, 2]
AddressField = Literal["email", "phone"]


class Topic(StrEnum):
    """A topic of mail; a reader can unsubscribe from each topic separately."""

    BOOKINGS = "bookings"
    REVIEWS = "reviews"
    ACCOUNT = "account"


class NotificationPreferences(Struct, frozen=True):
    """Tells which channels are open. Mail about the security of the account is sent regardless of these settings."""

    email: bool = True
    """Whether mail is sent to the account's email address."""
    push: bool = True
    """Whether push messages go to the devices that registered a push token."""
    sms: bool = False
    """Whether texts are sent to the account's phone number."""
    no_mail_about: Annotated[list[Topic], stored_items(at_most=20)] = []
    """Topics without mail; their push messages and texts are still sent."""


class QuietHours(Struct, frozen=True, forbid_unknown_fields=True):
    """Hold back push and SMS from `start` up to `end`, except urgent messages; over midnight if `end` is earlier."""

    start: WallTime
    """First minute of the quiet hours, as `HH:MM` in the `timezone` of the preferences."""
    end: WallTime
    """First minute after the quiet hours; an end before the start lies on the next day."""


class Preferences(Struct, frozen=True):
    """Sets language, time zone, channels, reminders, and how much presence shows."""

    notifications: NotificationPreferences = NotificationPreferences()
    """Channels that messages use, and topics without mail."""
    language: Language = "en"
    """Language of messages and receipts."""
    timezone: str = "UTC"
    """IANA time zone of quiet hours and of times in messages."""
    quiet_hours: QuietHours | None = None
    """Hours without push and SMS, except urgent messages; null for none."""
    reminders: Annotated[tuple[ReminderHours, ...], stored_items(at_most=2)] = (24, 2)
    """Hours before a visit at which reminders are sent; empty for none."""
    show_last_seen: bool = True
    """Whether the other side of an open booking sees when you were last online."""


class AccountEvent(Struct, frozen=True):
    """Records an event of an account, in the same atomic write as the change itself.

    `actor_id` is None for an act of the account itself. `owner_id` is the account that the event is about, if it is
    another account: it is told, and does not learn of the account with this entry. `reason`, `origin` and `changes` are
    for the audit trail; `origin` is the request, with or without an access token.
    """

    id: UUID
    type: EventType
    at: datetime
    actor_id: UUID | None = None
    owner_id: UUID | None = None
    reason: Annotated[str, Meta(max_length=1_000)] = ""
    origin: RequestOrigin | None = None
    changes: Annotated[tuple[Change, ...], stored_items(at_most=MAX_CHANGES)] = ()


class User(Struct, frozen=True, kw_only=True):
    """An account has an email or a phone, owned or claimed, in the normal form of common/text.py.

    `email` and `phone` belong to one account each. `claimed_email` and `claimed_phone` were named at registration
    while they belonged to another account. The effects of a change of the account are derived from its `outbox`. From
    `deleted_at` on nobody can sign in. The personal data is erased from `erase_at` on, which is then unset.
    """

    id: UUID = field(name="_id")
    email: str | None = None
    phone: str | None = None
    claimed_email: str | None = None
    claimed_phone: str | None = None
    password_hash: str
    password_changed_at: datetime | None = None
    name: str
    role: Role
    email_verified: bool = False
    phone_verified: bool = False
    preferences: Preferences = Preferences()
    outbox: Annotated[list[AccountEvent], stored_items(at_most=20)] = []
    created_at: datetime
    suspended_at: datetime | None = None
    suspension_reason: Annotated[str, Meta(max_length=1_000)] = ""
    deleted_at: datetime | None = None
    erase_at: datetime | None = None

    @property
    def named_email(self) -> str | None:
        """The email that the person named. To the person, an address that is only claimed looks like any other."""
        return self.email or self.claimed_email

    @property
    def named_phone(self) -> str | None:
        """The phone number that the person named, likewise."""
        return self.phone or self.claimed_phone


class SignInName(Struct, frozen=True):
    """Holds an address in the forms under which an account may have stored it; the last is the normal form."""

    field: AddressField
    forms: tuple[str, ...]

    @property
    def normal(self) -> str:
        return self.forms[-1]


class NamedAccounts(Struct, frozen=True):
    """The account that owns an address, and the account that claims it."""

    owner: User | None
    claimant: User | None

    @property
    def all(self) -> list[User]:
        return [user for user in (self.owner, self.claimant) if user]


class Device(Struct, frozen=True):
    """Describes a device, as reported by the client and the connection."""

    id: str | None = None
    name: str | None = None
    platform: str | None = None
    user_agent: str | None = None
    ip: str | None = None


class LoginSession(Struct, frozen=True, kw_only=True):
    """A login on one device: a family of refresh tokens, numbered by generation, of which the newest is valid.

    `generation` is the number of the newest token. `parent` is the generation that was last exchanged for it, at
    `rotated_at`; while the newest token is unused, the parent may be exchanged again, since its response may be lost.

    A session from before tokens had numbers has generation 0 and `token_hash`, the SHA-256 of its token's secret. Once
    exchanged, the hash moves to `previous_hash`, and stands for generation 0.

    `notice` is the session's outbox: set if the user had signed in before, but never from this device.

    `expires_at` is the end without further use, and never later than `ends_at`, the end of the session in any case.
    `authenticated_at` is the time of the last proof of identity, by `methods`. `country` is an ISO 3166 code.
    """

    id: UUID = field(name="_id")
    user_id: UUID
    role: Role
    generation: int = 0
    parent: int = 0
    token_hash: bytes = b""
    previous_hash: bytes | None = None
    rotated_at: datetime
    device: Device
    first_seen: datetime
    last_seen: datetime
    expires_at: datetime
    ends_at: datetime | None = None
    authenticated_at: datetime | None = None
    methods: Annotated[list[SignInMethod], stored_items(at_most=len(SignInMethod))] = []
    country: Annotated[str, Meta(max_length=2)] | None = None
    revoked_at: datetime | None = None
    revoked_why: str | None = None
    notice: AccountEvent | None = None


class SessionLife(Struct, frozen=True):
    """The life of a session without use, and in any case."""

    idle: timedelta
    absolute: timedelta


class PastSignIn(Struct, frozen=True):
    """A sign-in of the account, as far back as sessions are kept."""

    device: Device
    last_seen: datetime
    country: str | None = None
