"""Request and response bodies of accounts."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from grome.accounts.models import Email, PersonName, Preferences, QuietHours, ReminderHours, Topic, User
from grome.codes.models import CODE_LIFE, RESEND_AFTER
from grome.common.actor import Role
from grome.common.languages import Language
from grome.common.text import EMAIL, END, NAME, ONE_LINE, PASSWORD, PHONE

NewPassword = Annotated[str, Meta(min_length=8, max_length=512, description="8 characters to 512 bytes."), PASSWORD]
PhoneIn = Annotated[
    str,
    Meta(
        pattern=r"^\+[0-9][0-9 ()./-]{6,30}" + END,
        description="With the country code; spaces, hyphens and a trunk zero are left out.",
        examples=["+49 30 123456"],
    ),
]
GivenPassword = Annotated[str, Meta(min_length=1, max_length=512)]
CodeDigits = Annotated[str, Meta(pattern="^[0-9]{8}" + END, max_length=8, examples=["04182736"])]
Label = Annotated[str, Meta(min_length=1, max_length=100), NAME]
ZoneName = Annotated[str, Meta(max_length=64, description="An IANA time zone.")]
DeviceId = Annotated[str, Meta(min_length=1, max_length=100, pattern=ONE_LINE)]


class DeviceIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Describes the device that signs in. A later login with the same `id` replaces its session."""

    id: DeviceId
    name: Label | None = None
    platform: Label | None = None


class Register(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Describes a new account; `email` or `phone` is required.

    Messages are sent in `language` or, without it, in the first supported language that `Accept-Language` names.
    """

    email: Annotated[Email, EMAIL] | None = None
    phone: Annotated[PhoneIn, PHONE] | None = None
    password: NewPassword
    name: PersonName
    role: Literal["customer", "barber"] = "customer"
    language: Language | None = None
    timezone: ZoneName | None = None
    device: DeviceIn | None = None


class Login(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Holds exactly one of `email` and `phone`, with the password."""

    email: Email | None = None
    phone: PhoneIn | None = None
    password: GivenPassword
    device: DeviceIn | None = None


class PasswordChange(Struct, frozen=True, forbid_unknown_fields=True):
    current: GivenPassword
    new: NewPassword


class Forgotten(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Holds exactly one of `email` and `phone`."""

    email: Email | None = None
    phone: PhoneIn | None = None


class PasswordReset(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Holds exactly one of `email` and `phone`, with the code that was sent there."""

    code: CodeDigits
    email: Email | None = None
    phone: PhoneIn | None = None
    password: NewPassword


class EmailChange(Struct, frozen=True, forbid_unknown_fields=True):
    email: Annotated[Email, EMAIL]
    password: GivenPassword


class PhoneChange(Struct, frozen=True, forbid_unknown_fields=True):
    phone: Annotated[PhoneIn, PHONE]
    password: GivenPassword


class CodeIn(Struct, frozen=True, forbid_unknown_fields=True):
    code: CodeDigits


class CodeSignInRequest(Struct, frozen=True, forbid_unknown_fields=True):
    phone: PhoneIn


class CodeLogin(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Completes the request of a code."""

    request_id: UUID
    code: CodeDigits
    device: DeviceIn | None = None


class CodeRequested(Struct, frozen=True, kw_only=True):
    """Says how long a code is valid, and when another code can be requested."""

    expires_in: int = int(CODE_LIFE.total_seconds())
    retry_in: int = int(RESEND_AFTER.total_seconds())


class CodeSignInRequested(CodeRequested, frozen=True, kw_only=True):
    request_id: UUID


class ProfilePatch(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Changes the profile. Omitted fields keep their values."""

    name: PersonName | UnsetType = UNSET
    language: Language | UnsetType = UNSET
    timezone: ZoneName | UnsetType = UNSET


class Refresh(Struct, frozen=True, forbid_unknown_fields=True):
    refresh_token: Annotated[str, Meta(min_length=1, max_length=200)]


class NotificationsPatch(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Changes notification settings. Omitted fields keep their values."""

    email: bool | UnsetType = UNSET
    push: bool | UnsetType = UNSET
    sms: bool | UnsetType = UNSET
    no_mail_about: Annotated[list[Topic], Meta(max_length=len(Topic))] | UnsetType = UNSET


class PreferencesPatch(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Changes preferences. Omitted fields keep their values; null in `quiet_hours` removes the quiet hours."""

    notifications: NotificationsPatch | UnsetType = UNSET
    language: Language | UnsetType = UNSET
    timezone: ZoneName | UnsetType = UNSET
    quiet_hours: QuietHours | UnsetType | None = UNSET
    reminders: Annotated[list[ReminderHours], Meta(max_length=2)] | UnsetType = UNSET
    show_last_seen: bool | UnsetType = UNSET


class UserOut(Struct, frozen=True):
    id: UUID
    email: str | None
    phone: str | None
    name: str
    role: Role
    email_verified: bool
    phone_verified: bool
    preferences: Preferences
    created_at: datetime


class Tokens(Struct, frozen=True, kw_only=True):
    """Holds the new tokens. `expires_in` is the lifetime of the access token in seconds."""

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 -- the name of a scheme
    expires_in: int


class SessionDevice(Struct, frozen=True):
    id: str | None
    name: str | None
    platform: str | None
    user_agent: str | None


class SessionOut(Struct, frozen=True, kw_only=True):
    """Describes a session. `last_used_at` is the time of the last sign-in or refresh; `country` is an ISO 3166 code.

    The session ends at `expires_at` without further use.
    """

    id: UUID
    device: SessionDevice
    country: str | None
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    current: bool


class SessionPage(Struct, frozen=True):
    items: list[SessionOut]


class SignedIn(Tokens, frozen=True, kw_only=True):
    user: UserOut


class Jwk(Struct, frozen=True):
    """A public key after RFC 8037 (Ed25519)."""

    kty: str
    crv: str
    alg: str
    use: str
    kid: str
    x: str


class Jwks(Struct, frozen=True):
    """Holds the public keys that verify Grome's access tokens (RFC 7517)."""

    keys: list[Jwk]


def user_out(user: User) -> UserOut:
    return UserOut(
        user.id,
        user.named_email,
        user.named_phone,
        user.name,
        user.role,
        user.email_verified,
        user.phone_verified,
        user.preferences,
        user.created_at,
    )
