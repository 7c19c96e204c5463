"""Make the options of passkey ceremonies (WebAuthn level 2), and verify the answers of authenticators."""

from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import msgspec
import webauthn
from msgspec import Struct
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from config.settings import Settings
from grome.accounts.models import User
from grome.factors.errors import PasskeyNotAdded, PasskeyRefused
from grome.factors.models import MAX_CREDENTIAL_ID, Passkey
from grome.factors.schemas import AssertionCredential, RegistrationCredential

_CEREMONY_MS: Final = 300_000
# A 4096-bit RSA key has about 530 bytes; verifying a larger key would take long.
_MAX_PUBLIC_KEY: Final = 600
_LOCALHOST: Final = "localhost"
_T = TypeVar("_T")


class NewPasskey(Struct, frozen=True):
    """The verified part of a registration."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    synced: bool
    transports: list[str]


class RelyingParty:
    """Names this Grome to authenticators. Their answers name the origin of the page, which must be an expected one.

    User verification (a PIN, a finger, a face) is required in every ceremony: a passkey alone then is two factors, and
    a stolen authenticator opens no account.
    """

    def __init__(self, host: str, origins: Sequence[str]) -> None:
        self.host, self._origins = host, list(origins)

    @classmethod
    def of(cls, settings: Settings) -> "RelyingParty":
        """Build the relying party of the settings. Browsers refuse addresses of numbers, so these become localhost."""
        pages = dict.fromkeys(_by_name(page) for page in (settings.http.api_base, settings.http.app_base))
        host = settings.accounts.passkey_host or urlsplit(next(iter(pages))).hostname or _LOCALHOST
        return cls(host, list(pages))

    def creation_options(self, user: User, challenge: bytes, present: Sequence[Passkey]) -> dict[str, Any]:
        """Return the options for a new passkey. An authenticator with one of the passkeys in `present` makes none."""
        options = webauthn.generate_registration_options(
            rp_id=self.host,
            rp_name="Grome",
            user_id=user.id.bytes,
            user_name=user.named_email or user.named_phone or user.name,
            user_display_name=user.name,
            challenge=challenge,
            timeout=_CEREMONY_MS,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=_descriptors(present),
        )
        return _plain(webauthn.options_to_json(options))

    def request_options(self, challenge: bytes, allowed: Sequence[Passkey]) -> dict[str, Any]:
        """Return the options for an assertion by one of the `allowed` passkeys, or by any passkey if there are none."""
        options = webauthn.generate_authentication_options(
            rp_id=self.host,
            challenge=challenge,
            timeout=_CEREMONY_MS,
            allow_credentials=_descriptors(allowed),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return _plain(webauthn.options_to_json(options))

    def verify_registration(self, credential: RegistrationCredential, challenge: bytes) -> NewPasskey:
        """Return the new passkey. Raises PasskeyNotAdded."""
        made = _verified(
            lambda: webauthn.verify_registration_response(
                credential=msgspec.to_builtins(credential),
                expected_challenge=challenge,
                expected_rp_id=self.host,
                expected_origin=self._origins,
                require_user_verification=True,
            )
        )
        if (
            made is None
            or len(made.credential_id) > MAX_CREDENTIAL_ID
            or len(made.credential_public_key) > _MAX_PUBLIC_KEY
        ):
            raise PasskeyNotAdded
        return NewPasskey(
            credential_id=made.credential_id,
            public_key=made.credential_public_key,
            sign_count=made.sign_count,
            synced=made.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
            transports=_known_transports(credential.response.transports),
        )

    def verify_assertion(self, credential: AssertionCredential, challenge: bytes, passkey: Passkey) -> int:
        """Return the authenticator's count of signatures, which the caller compares. Raises PasskeyRefused."""
        verified = _verified(
            lambda: webauthn.verify_authentication_response(
                credential=msgspec.to_builtins(credential),
                expected_challenge=challenge,
                expected_rp_id=self.host,
                expected_origin=self._origins,
                credential_public_key=passkey.public_key,
                credential_current_sign_count=0,
                require_user_verification=True,
            )
        )
        if verified is None or verified.credential_id != passkey.credential_id:
            raise PasskeyRefused
        return verified.new_sign_count


def _verified(verify: Callable[[], _T]) -> _T | None:
    """Return None for an answer that is not accepted, for whichever reason."""
    try:
        return verify()
    except Exception:  # noqa: BLE001 -- the bytes come from anybody, and parsers of CBOR, ASN.1 and keys read them
        return None


def _by_name(page: str) -> str:
    """Return the origin of a page, with the name of this machine in the place of its number."""
    parts = urlsplit(page)
    try:
        is_number = bool(ip_address(parts.hostname or ""))
    except ValueError:
        is_number = False
    host = _LOCALHOST if is_number else parts.hostname
    return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}"


def _descriptors(passkeys: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=passkey.credential_id,
            transports=[AuthenticatorTransport(transport) for transport in passkey.transports],
        )
        for passkey in passkeys
    ]


def _known_transports(named: Sequence[str]) -> list[str]:
    """Return the transports without names that the standard does not know."""
    return sorted({transport.value for transport in AuthenticatorTransport}.intersection(named))


def _plain(options: str) -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(options)
    return decoded
