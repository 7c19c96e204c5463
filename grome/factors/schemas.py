"""Second factors on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, field

from grome.accounts.schemas import DeviceIn, GivenPassword, Tokens
from grome.common.text import ONE_LINE
from grome.factors.models import FactorSet, Passkey, PasskeyName

ChallengeToken = Annotated[str, Meta(min_length=1, max_length=100, pattern=ONE_LINE)]
TotpCode = Annotated[str, Meta(min_length=6, max_length=6, pattern=r"^[0-9]{6}$(?!\n)", examples=["492039"])]
SentCode = Annotated[
    str, Meta(pattern=r"^[0-9]{8}$(?!\n)", description="The eight digits of a message.", examples=["04920391"])
]
RecoveryCode = Annotated[
    str,
    Meta(min_length=1, max_length=60, pattern=ONE_LINE, description="Spaces, hyphens and letter case do not matter."),
]
Base64Url = Annotated[str, Meta(max_length=30_000, pattern=r"^[A-Za-z0-9_-]+={0,2}$(?!\n)")]
CredentialId = Annotated[str, Meta(max_length=1_368, pattern=r"^[A-Za-z0-9_-]+={0,2}$(?!\n)")]
PasskeyOptions = Annotated[
    dict[str, Any],
    Meta(description="For the browser's `parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`."),
]


class RegistrationResponse(Struct, frozen=True, kw_only=True):
    """Holds the part of a new credential that is verified. Fields that browsers add are ignored."""

    client_data: Base64Url = field(name="clientDataJSON")
    attestation_object: Base64Url = field(name="attestationObject")
    transports: Annotated[list[Annotated[str, Meta(max_length=50)]], Meta(max_length=20)] = []


class RegistrationCredential(Struct, frozen=True, kw_only=True):
    """Holds the browser's new `PublicKeyCredential`, by its method `toJSON` (WebAuthn level 3)."""

    id: CredentialId
    raw_id: CredentialId = field(name="rawId")
    type: Literal["public-key"]
    response: RegistrationResponse


class AssertionResponse(Struct, frozen=True, kw_only=True):
    """Holds the signed part of an answer. Fields that browsers add are ignored."""

    client_data: Base64Url = field(name="clientDataJSON")
    authenticator_data: Base64Url = field(name="authenticatorData")
    signature: Base64Url
    user_handle: Annotated[str, Meta(max_length=100, pattern=r"^[A-Za-z0-9_-]*={0,2}$(?!\n)")] | None = field(
        name="userHandle", default=None
    )


class AssertionCredential(Struct, frozen=True, kw_only=True):
    """Holds the browser's `PublicKeyCredential` of an answer, by its method `toJSON` (WebAuthn level 3)."""

    id: CredentialId
    raw_id: CredentialId = field(name="rawId")
    type: Literal["public-key"]
    response: AssertionResponse


class FactorsOut(Struct, frozen=True):
    """Lists your second factors. `required` tells that your role cannot do without a factor."""

    totp_since: datetime | None
    passkeys: int
    recovery_codes_left: int
    required: bool


class NewTotp(Struct, frozen=True):
    """Holds the secret in base32, and the address of a QR code for authenticator apps."""

    secret: str
    otpauth_url: str


class TotpIn(Struct, frozen=True, forbid_unknown_fields=True):
    code: TotpCode


class FactorAdded(Struct, frozen=True):
    """Holds new tokens of this session, which now counts as signed in with the factor.

    `recovery_codes` are shown once; null if the codes that you have stay valid.
    """

    recovery_codes: list[str] | None
    tokens: Tokens


class RecoveryCodesOut(Struct, frozen=True):
    """Shows new recovery codes, each of which is valid once. Earlier codes are not valid any more."""

    recovery_codes: list[str]


class PasskeyOut(Struct, frozen=True):
    """Describes a passkey. `synced` tells that its authenticator keeps copies on other devices."""

    id: UUID
    name: str
    synced: bool
    created_at: datetime
    last_used_at: datetime | None


class PasskeyList(Struct, frozen=True):
    items: list[PasskeyOut]


class PasskeyCeremony(Struct, frozen=True):
    """Starts a ceremony of five minutes: give `options` to the browser, and send its answer with `ceremony`."""

    ceremony: str
    options: PasskeyOptions


class PasskeyAnswer(Struct, frozen=True, forbid_unknown_fields=True):
    """Holds the answer of an authenticator to the options of a ceremony."""

    ceremony: ChallengeToken
    credential: AssertionCredential


class PasskeyIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Holds a new passkey, and the name under which you will find it in the list."""

    ceremony: ChallengeToken
    credential: RegistrationCredential
    name: PasskeyName


class PasskeyPatch(Struct, frozen=True, forbid_unknown_fields=True):
    name: PasskeyName


class PasskeyAdded(Struct, frozen=True):
    """Holds the passkey, and new tokens of this session, which now counts as signed in with it.

    `recovery_codes` are shown once; null if the codes that you have stay valid.
    """

    passkey: PasskeyOut
    recovery_codes: list[str] | None
    tokens: Tokens


class PasskeyBegin(Struct, frozen=True, forbid_unknown_fields=True):
    """Begins a sign-in with any passkey or, with the `challenge` of a login, the second step of this login."""

    challenge: ChallengeToken | None = None


class PasskeySignIn(PasskeyAnswer, frozen=True, forbid_unknown_fields=True):
    """Holds the answer of a passkey that the person chose. `device` is the same as at a login with a password."""

    device: DeviceIn | None = None


class FactorProof(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Holds exactly one proof."""

    totp: TotpCode | UnsetType = UNSET
    recovery_code: RecoveryCode | UnsetType = UNSET
    passkey: PasskeyAnswer | UnsetType = UNSET


class StepUp(FactorProof, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Holds the password of an account without a second factor, or exactly one proof of a factor."""

    password: GivenPassword | UnsetType = UNSET


class SecondFactor(FactorProof, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Holds the `challenge` of a login, and exactly one proof of a kind that the challenge names."""

    challenge: ChallengeToken
    code: SentCode | UnsetType = UNSET


def passkey_out(passkey: Passkey) -> PasskeyOut:
    return PasskeyOut(passkey.id, passkey.name, passkey.synced, passkey.created_at, passkey.last_used_at)


def factors_out(factors: FactorSet | None, *, required: bool) -> FactorsOut:
    if factors is None:
        return FactorsOut(None, 0, 0, required)
    since = factors.totp.confirmed_at if factors.totp else None
    return FactorsOut(since, len(factors.passkeys), len(factors.recovery_codes), required)
