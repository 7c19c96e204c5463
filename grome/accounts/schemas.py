"""Request and response bodies of accounts."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from grome.accounts.models import Email, PersonName, Preferences, QuietHours, ReminderHours, ShownPerson, Topic, User
from grome.codes.models import CODE_LIFE, RESEND_AFTER
from grome.common.actor import Role
from grome.common.field_faults import FAULT
from grome.common.languages import Language
from grome.common.text import EMAIL, END, NAME, NOT_ONE_LINE, ONE_LINE, PASSWORD, PHONE

NewPassword = Annotated[
    str,
    Meta(
        min_length=8,
        max_length=512,
        description="8 characters to 512 bytes; passwords that are easy to guess or known from breaches are refused.",
        examples=["lantern otter 58 plaza"],
    ),
    PASSWORD,
]
PhoneIn = Annotated[
    str,
    Meta(
        pattern=r"^\+[0-9][0-9 ()./-]{6,30}" + END,
        extra={FAULT: "is not a phone number in international form, such as +49301234567"},
        description="With the country code; spaces, hyphens and a trunk zero are left out.",
        examples=["+49 30 901820"],
    ),
]
GivenPassword = Annotated[str, Meta(min_length=1, max_length=512, examples=["lantern otter 58 plaza"])]
CodeDigits = Annotated[
    str, Meta(pattern="^[0-9]{8}" + END, extra={FAULT: "is not eight digits"}, max_length=8, examples=["04182736"])
]
DeviceName = Annotated[str, Meta(min_length=1, max_length=100, examples=["Amira's phone"]), NAME]
Platform = Annotated[str, Meta(min_length=1, max_length=100, examples=["ios"]), NAME]
ZoneName = Annotated[str, Meta(max_length=64, description="An IANA time zone.", examples=["Europe/Berlin"])]
RefreshTokenIn = Annotated[str, Meta(min_length=1, max_length=200, examples=["AZPyxC0Tfo2bqzLk0Gm7EQAAAAE.m2Zc"])]
CountryCode = Annotated[str, Meta(description="ISO 3166 code.", examples=["DE"])]
DeviceId = Annotated[
    str, Meta(min_length=1, max_length=100, pattern=ONE_LINE, extra=NOT_ONE_LINE, examples=["app-7f3c9a52"])
]


class DeviceIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Describes the device that signs in."""

    id: DeviceId
    """Stable id that the app makes for its installation; a later login with it replaces the session."""
    name: DeviceName | None = None
    """Shown to the account's owner in the list of sessions."""
    platform: Platform | None = None
    """Shown in the list of sessions, for example `ios`, `android` or `web`."""


class Register(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Describes a new account; `email` or `phone` is required."""

    email: Annotated[Email, EMAIL] | None = None
    """Name for signing in, and address of mail; without it, `phone` is required."""
    phone: Annotated[PhoneIn, PHONE] | None = None
    """Name for signing in, and number for SMS, with the country code; without it, `email` is required."""
    password: NewPassword
    name: PersonName
    """Shown to the other side of bookings."""
    role: Literal["customer", "barber"] = "customer"
    """Fixed for the life of the account."""
    language: Language | None = None
    """Language of messages; without it, the first supported language that `Accept-Language` names."""
    timezone: ZoneName | None = None
    """Zone of times in messages; UTC without it."""
    device: DeviceIn | None = None
    """Without it, the session belongs to no device and gets no push messages."""


class Login(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Holds exactly one of `email` and `phone`, with the password."""

    email: Email | None = None
    """Email address of the account, in any letter case."""
    phone: PhoneIn | None = None
    password: GivenPassword
    """Password of the account."""
    device: DeviceIn | None = None
    """A login that names a device ends the earlier session on the device."""


class PasswordChange(Struct, frozen=True, forbid_unknown_fields=True):
    """Replaces the password by a new password."""

    current: GivenPassword
    """Your present password; a wrong password answers 403 `wrong_password`."""
    new: NewPassword


class Forgotten(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Holds exactly one of `email` and `phone`."""

    email: Email | None = None
    """The code is sent to this address if it belongs to an account."""
    phone: PhoneIn | None = None
    """The code is sent to this number if it belongs to an account."""


class PasswordReset(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Holds exactly one of `email` and `phone`, with the code that was sent there."""

    code: CodeDigits
    """The eight digits of the message; valid for ten minutes and five tries."""
    email: Email | None = None
    """The address that the code was requested for."""
    phone: PhoneIn | None = None
    """The number that the code was requested for."""
    password: NewPassword


class EmailChange(Struct, frozen=True, forbid_unknown_fields=True):
    """Names a new email address, and proves that its owner asks for it."""

    email: Annotated[Email, EMAIL]
    """The new address, to which the code is sent."""
    password: GivenPassword
    """Your present password; a wrong password answers 403 `wrong_password`."""


class PhoneChange(Struct, frozen=True, forbid_unknown_fields=True):
    """Names a new phone number, and proves that its owner asks for it."""

    phone: Annotated[PhoneIn, PHONE]
    """The new number, with the country code; the code is sent to it."""
    password: GivenPassword
    """Your present password; a wrong password answers 403 `wrong_password`."""


class CodeIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Holds the code that was sent to the address."""

    code: CodeDigits
    """The eight digits of the message; valid once, for ten minutes and five tries."""


class CodeSignInRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for a code by SMS, in place of a password."""

    phone: PhoneIn
    """Verified number of an account without an email address."""


class CodeLogin(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Completes the request of a code."""

    request_id: UUID
    """The `request_id` that `POST /v1/auth/code` returned."""
    code: CodeDigits
    """The eight digits of the SMS; valid once, for ten minutes and five tries."""
    device: DeviceIn | None = None
    """A login that names a device ends the earlier session on the device."""


class CodeRequested(Struct, frozen=True, kw_only=True):
    """Says how long a code is valid, and when another code can be requested."""

    expires_in: int = int(CODE_LIFE.total_seconds())
    """Seconds for which the code is valid."""
    retry_in: int = int(RESEND_AFTER.total_seconds())
    """Seconds after which another request sends a new code; an earlier request sends nothing."""


class CodeSignInRequested(CodeRequested, frozen=True, kw_only=True):
    """Adds the id that completes the sign-in to the times of the code."""

    request_id: UUID
    """For `POST /v1/auth/code/login`, together with the code."""


class ProfilePatch(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Changes the profile. Omitted fields keep their values."""

    name: PersonName | UnsetType = UNSET
    """Shown to the other side of bookings."""
    language: Language | UnsetType = UNSET
    """Language of messages and receipts."""
    timezone: ZoneName | UnsetType = UNSET
    """Zone of quiet hours and of times in messages."""


class Refresh(Struct, frozen=True, forbid_unknown_fields=True):
    """Holds the newest refresh token of a session."""

    refresh_token: RefreshTokenIn
    """The `refresh_token` of the latest login or refresh; valid once."""


class NotificationsPatch(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Changes notification settings. Omitted fields keep their values."""

    email: bool | UnsetType = UNSET
    """Whether mail is sent; mail about the security of the account is sent in any case."""
    push: bool | UnsetType = UNSET
    """Whether push messages go to the devices that registered a push token."""
    sms: bool | UnsetType = UNSET
    """Whether texts are sent to the account's phone number."""
    no_mail_about: Annotated[list[Topic], Meta(max_length=len(Topic))] | UnsetType = UNSET
    """Topics without mail; replaces the earlier topics."""


class PreferencesPatch(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Changes preferences. Omitted fields keep their values."""

    notifications: NotificationsPatch | UnsetType = UNSET
    """Changes channels and topics; omitted fields of it keep their values too."""
    language: Language | UnsetType = UNSET
    """Language of messages and receipts."""
    timezone: ZoneName | UnsetType = UNSET
    """Zone of quiet hours and of times in messages."""
    quiet_hours: QuietHours | UnsetType | None = UNSET
    """Hours without push and SMS, except urgent messages; null removes them."""
    reminders: Annotated[list[ReminderHours], Meta(max_length=2)] | UnsetType = UNSET
    """Hours before a visit at which reminders are sent; empty for none."""
    show_last_seen: bool | UnsetType = UNSET
    """Whether the other side of an open booking sees when you were last online."""


class UserOut(Struct, frozen=True):
    """Describes your own account."""

    id: UUID
    """Id of the account; `customer_id` or `barber_id` in bookings."""
    email: Annotated[str, Meta(examples=["amira.haddad@example.com"])] | None
    """Null without an email address; an address counts as proved with `email_verified`."""
    phone: Annotated[str, Meta(examples=["+4930901820"])] | None
    """In E.164, such as `+4930123456`; null without a phone number."""
    name: ShownPerson
    """Shown to the other side of bookings."""
    role: Role
    """Decides which operations are open; never changes."""
    email_verified: bool
    """Whether a code has proved the email address; false without an address."""
    phone_verified: bool
    """Whether a code has proved the phone number; false without a number."""
    preferences: Preferences
    """The same as at `GET /v1/me/preferences`."""
    created_at: datetime
    """Time of the registration."""


class Tokens(Struct, frozen=True, kw_only=True):
    """Holds the new tokens of a session."""

    access_token: Annotated[str, Meta(examples=["eyJhbGciOiJFZERTQSJ9.eyJyb2xlIjoiY3VzdG9tZXIifQ.c2lnbmVk"])]
    """JWT for the header `Authorization: Bearer …`; opaque to apps."""
    refresh_token: Annotated[str, Meta(examples=["AZPyxC0Tfo2bqzLk0Gm7EQAAAAE.m2Zc"])]
    """For `POST /v1/auth/refresh`, once; store it safely, as it renews the session."""
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 -- the name of a scheme
    """Scheme of the `Authorization` header."""
    expires_in: int
    """Lifetime of the access token in seconds."""


class SessionDevice(Struct, frozen=True):
    """Describes the device of a session, as far as the login named it."""

    id: Annotated[str, Meta(examples=["app-7f3c9a52"])] | None
    """The `device.id` of the login; null if the login named no device."""
    name: Annotated[str, Meta(examples=["Amira's phone"])] | None
    """The `device.name` of the login; null if the login named none."""
    platform: Annotated[str, Meta(examples=["ios"])] | None
    """The `device.platform` of the login; null if the login named none."""
    user_agent: Annotated[str, Meta(examples=["Grome/3.2 (iOS 19)"])] | None
    """`User-Agent` header of the login; null without this header."""


class SessionOut(Struct, frozen=True, kw_only=True):
    """Describes a session: a login on a device."""

    id: UUID
    """Id of the session; the path parameter `session_id`."""
    device: SessionDevice
    """Device that the login came from."""
    country: CountryCode | None
    """ISO 3166 code of the country that the login came from; null if unknown."""
    created_at: datetime
    """Time of the login."""
    last_used_at: datetime
    """Time of the latest sign-in or refresh."""
    expires_at: datetime
    """End of the session without another refresh."""
    current: bool
    """Whether the request was made in this session."""


class SessionPage(Struct, frozen=True):
    """Lists all live sessions; there are no further pages."""

    items: list[SessionOut]
    """Newest login first."""


class SignedIn(Tokens, frozen=True, kw_only=True):
    """Holds the tokens of a new session, and the account."""

    user: UserOut
    """The account that is now signed in."""


class Jwk(Struct, frozen=True):
    """A public key after RFC 8037 (Ed25519)."""

    kty: Annotated[str, Meta(examples=["OKP"])]
    """Key type; always `OKP`."""
    crv: Annotated[str, Meta(examples=["Ed25519"])]
    """Curve of the key; always `Ed25519`."""
    alg: Annotated[str, Meta(examples=["EdDSA"])]
    """Algorithm of the signatures; always `EdDSA`."""
    use: Annotated[str, Meta(examples=["sig"])]
    """Use of the key; always `sig`, for signatures."""
    kid: Annotated[str, Meta(examples=["2027-03"])]
    """Id of the key; the `kid` in the header of each token that it signed."""
    x: Annotated[str, Meta(examples=["11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"])]
    """The public key in base64url without padding."""


class Jwks(Struct, frozen=True):
    """Holds the public keys that verify Grome's access tokens (RFC 7517)."""

    keys: list[Jwk]
    """All keys that may have signed a valid token; several during a rotation."""


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
