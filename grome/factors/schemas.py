"""Second factors on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, field

from grome.accounts.schemas import DeviceIn, GivenPassword, Tokens
from grome.common.field_faults import FAULT
from grome.common.text import NOT_ONE_LINE, ONE_LINE
from grome.factors.models import FactorSet, Passkey, PasskeyName

ChallengeToken = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=100,
        pattern=ONE_LINE,
        extra=NOT_ONE_LINE,
        examples=["q3JmXo4nT0y8bVvR2sWc1kZp6dLh9uEa"],
    ),
]
TotpCode = Annotated[
    str,
    Meta(
        min_length=6, max_length=6, pattern=r"^[0-9]{6}$(?!\n)", extra={FAULT: "is not six digits"}, examples=["492039"]
    ),
]
SentCode = Annotated[
    str, Meta(pattern=r"^[0-9]{8}$(?!\n)", extra={FAULT: "is not eight digits"}, examples=["04920391"])
]
RecoveryCode = Annotated[
    str,
    Meta(
        min_length=1, max_length=60, pattern=ONE_LINE, extra=NOT_ONE_LINE, examples=["k5wz2-3bqa7-mf6xo-p4hdu-tj2lr-y"]
    ),
]
_NOT_BASE64URL = {FAULT: "is not base64url (RFC 4648, section 5)"}
Base64Url = Annotated[
    str,
    Meta(max_length=30_000, pattern=r"^[A-Za-z0-9_-]+={0,2}$(?!\n)", extra=_NOT_BASE64URL, examples=["o2NmbXRkbm9uZQ"]),
]
CredentialId = Annotated[
    str,
    Meta(
        max_length=1_368, pattern=r"^[A-Za-z0-9_-]+={0,2}$(?!\n)", extra=_NOT_BASE64URL, examples=["zQ5fVd8mT1WnKc0s"]
    ),
]

ShownRecoveryCode = Annotated[str, Meta(examples=["k5wz2-3bqa7-mf6xo-p4hdu-tj2lr-y"])]


class RegistrationResponse(Struct, frozen=True, kw_only=True):
    """Holds the part of a new credential that is verified. Fields that browsers add are ignored."""

    client_data: Base64Url = field(name="clientDataJSON")
    """The browser's `clientDataJSON`, in base64url."""
    attestation_object: Base64Url = field(name="attestationObject")
    """The browser's `attestationObject`, in base64url."""
    transports: Annotated[list[Annotated[str, Meta(max_length=50, examples=["internal"])]], Meta(max_length=20)] = []
    """Ways to reach the authenticator, such as `internal` or `usb`; unknown names are ignored."""


class RegistrationCredential(Struct, frozen=True, kw_only=True):
    """Holds the browser's new `PublicKeyCredential`, by its method `toJSON` (WebAuthn level 3)."""

    id: CredentialId
    """Id of the credential, in base64url."""
    raw_id: CredentialId = field(name="rawId")
    """The same id, in base64url."""
    type: Literal["public-key"]
    """Always `public-key`."""
    response: RegistrationResponse
    """Answer of the authenticator."""


class AssertionResponse(Struct, frozen=True, kw_only=True):
    """Holds the signed part of an answer. Fields that browsers add are ignored."""

    client_data: Base64Url = field(name="clientDataJSON")
    """The browser's `clientDataJSON`, in base64url."""
    authenticator_data: Base64Url = field(name="authenticatorData")
    """The browser's `authenticatorData`, in base64url."""
    signature: Base64Url
    """Signature of the authenticator, in base64url."""
    user_handle: (
        Annotated[
            str,
            Meta(
                max_length=100,
                pattern=r"^[A-Za-z0-9_-]*={0,2}$(?!\n)",
                extra=_NOT_BASE64URL,
                examples=["AZPyxC0Tfo2bqzLk0Gm7EQ"],
            ),
        ]
        | None
    ) = field(name="userHandle", default=None)
    """The account that the passkey belongs to, in base64url; null if the authenticator sends none."""


class AssertionCredential(Struct, frozen=True, kw_only=True):
    """Holds the browser's `PublicKeyCredential` of an answer, by its method `toJSON` (WebAuthn level 3)."""

    id: CredentialId
    """Id of the credential, in base64url."""
    raw_id: CredentialId = field(name="rawId")
    """The same id, in base64url."""
    type: Literal["public-key"]
    """Always `public-key`."""
    response: AssertionResponse
    """Answer of the authenticator."""


class FactorsOut(Struct, frozen=True):
    """Lists your second factors."""

    totp_since: datetime | None
    """Time since which the authenticator app counts; null without an app."""
    passkeys: int
    """Number of your passkeys, at most ten."""
    recovery_codes_left: int
    """Number of recovery codes that are not used yet."""
    required: bool
    """Whether your role needs a second factor, so that the last factor cannot be removed."""


class NewTotp(Struct, frozen=True):
    """Holds the secret of an authenticator app."""

    secret: Annotated[str, Meta(examples=["JBSWY3DPEHPK3PXP"])]
    """In base32, for typing into the app."""
    otpauth_url: Annotated[
        str, Meta(examples=["otpauth://totp/Grome:amira.haddad%40example.com?secret=JBSWY3DPEHPK3PXP&issuer=Grome"])
    ]
    """Content of the QR code, with the secret and the name of the account."""


class TotpIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Holds a code of the new app."""

    code: TotpCode
    """The six digits that the app shows now."""


class FactorAdded(Struct, frozen=True):
    """Holds new tokens of this session, which now counts as signed in with the factor."""

    recovery_codes: list[ShownRecoveryCode] | None
    """Ten codes, shown once; null if the codes that you have stay valid."""
    tokens: Tokens
    """In place of the tokens that the session had."""


class RecoveryCodesOut(Struct, frozen=True):
    """Shows new recovery codes; earlier codes are not valid any more."""

    recovery_codes: list[ShownRecoveryCode]
    """Ten codes, each valid once, shown this time only."""


class PasskeyOut(Struct, frozen=True):
    """Describes a passkey."""

    id: UUID
    """Id of the passkey; the path parameter `passkey_id`."""
    name: Annotated[str, Meta(examples=["Work laptop"])]
    """Name that you gave it."""
    synced: bool
    """Whether the authenticator keeps copies on other devices."""
    created_at: datetime
    """Time of the registration."""
    last_used_at: datetime | None
    """Time of the latest use; null before the first use."""


class PasskeyList(Struct, frozen=True):
    """Lists all of your passkeys; there are no further pages."""

    items: list[PasskeyOut]
    """Oldest passkey first."""


class PasskeyCeremony(Struct, frozen=True):
    """Starts a ceremony of five minutes: give `options` to the browser, and send its answer with `ceremony`."""

    ceremony: Annotated[str, Meta(examples=["q3JmXo4nT0y8bVvR2sWc1kZp6dLh9uEa"])]
    """Token of the ceremony, for the request with the browser's answer."""
    options: Annotated[dict[str, Any], Meta(examples=[{"challenge": "o2NmbXRkbm9uZQ", "rpId": "example.com"}])]
    """For `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON` of the browser."""


class PasskeyAnswer(Struct, frozen=True, forbid_unknown_fields=True):
    """Holds the answer of an authenticator to the options of a ceremony."""

    ceremony: ChallengeToken
    """The `ceremony` that came with the options."""
    credential: AssertionCredential
    """The browser's `PublicKeyCredential`, by its method `toJSON`."""


class PasskeyIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Holds a new passkey."""

    ceremony: ChallengeToken
    """The `ceremony` that came with the options."""
    credential: RegistrationCredential
    """The browser's new `PublicKeyCredential`, by its method `toJSON`."""
    name: PasskeyName
    """Name under which you find it in the list."""


class PasskeyPatch(Struct, frozen=True, forbid_unknown_fields=True):
    """Renames a passkey."""

    name: PasskeyName
    """Name under which you find it in the list."""


class PasskeyAdded(Struct, frozen=True):
    """Holds the passkey, and new tokens of this session, which now counts as signed in with it."""

    passkey: PasskeyOut
    """The passkey as the list shows it."""
    recovery_codes: list[ShownRecoveryCode] | None
    """Ten codes, shown once; null if the codes that you have stay valid."""
    tokens: Tokens
    """In place of the tokens that the session had."""


class PasskeyBegin(Struct, frozen=True, forbid_unknown_fields=True):
    """Begins a sign-in with any passkey or, with the `challenge` of a login, the second step of this login."""

    challenge: ChallengeToken | None = None
    """The `challenge` of a login for its second step; null to sign in with the passkey alone."""


class PasskeySignIn(PasskeyAnswer, frozen=True, forbid_unknown_fields=True):
    """Holds the answer of a passkey that the person chose."""

    device: DeviceIn | None = None
    """The same as at a login with a password."""


class FactorProof(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Holds exactly one proof."""

    totp: TotpCode | UnsetType = UNSET
    """The six digits that the authenticator app shows now; valid once."""
    recovery_code: RecoveryCode | UnsetType = UNSET
    """A recovery code that was not used yet; spaces, hyphens and letter case do not matter."""
    passkey: PasskeyAnswer | UnsetType = UNSET
    """Answer of a passkey to the options of a ceremony."""


class StepUp(FactorProof, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Holds the password of an account without a second factor, or exactly one proof of a factor."""

    password: GivenPassword | UnsetType = UNSET
    """Password of an account without a second factor; any other account is refused."""


class SecondFactor(FactorProof, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Holds the challenge of a login, and exactly one proof of a kind that the challenge names."""

    challenge: ChallengeToken
    """The `challenge` of the 401 `second_factor_required`; five proofs are checked at most."""
    code: SentCode | UnsetType = UNSET
    """The eight digits of the message, for a challenge of the kind `code`."""


def passkey_out(passkey: Passkey) -> PasskeyOut:
    return PasskeyOut(passkey.id, passkey.name, passkey.synced, passkey.created_at, passkey.last_used_at)


def factors_out(factors: FactorSet | None, *, required: bool) -> FactorsOut:
    if factors is None:
        return FactorsOut(None, 0, 0, required)
    since = factors.totp.confirmed_at if factors.totp else None
    return FactorsOut(since, len(factors.passkeys), len(factors.recovery_codes), required)
