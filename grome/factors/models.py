"""Define the second factors of an account: an authenticator app, passkeys, and recovery codes."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct, field

from grome.common.origin import RequestOrigin
from grome.common.text import NAME
from grome.infrastructure.mongo.schema import stored_items
from grome.infrastructure.outbox.models import EventType

MAX_PASSKEYS: Final = 10
RECOVERY_CODES: Final = 10
MAX_TRANSPORTS: Final = 8
MAX_CREDENTIAL_ID: Final = 1023  # bytes, after the standard
MAX_EVENTS: Final = 20

PasskeyName = Annotated[str, Meta(min_length=1, max_length=100, examples=["Work laptop"]), NAME]


class FactorKind(StrEnum):
    """Names a proof of a second step. The values are the fields of the request that brings the proof."""

    TOTP = "totp"
    PASSKEY = "passkey"
    RECOVERY_CODE = "recovery_code"
    CODE = "code"


class FactorEvent(Struct, frozen=True):
    """Records a change of the factors in the same write. `factor` is the kind of factor that was changed or used.

    `actor_id` is the admin or the person; None if an operator used the command line.
    """

    id: UUID
    type: EventType
    at: datetime
    factor: str
    actor_id: UUID | None
    origin: RequestOrigin | None = None


class PendingTotp(Struct, frozen=True):
    """A secret that was shown and is not confirmed yet. `sealed` is the encrypted secret."""

    sealed: bytes
    created_at: datetime


class Totp(Struct, frozen=True):
    """An authenticator app. `last_step` is the number of the last accepted 30 seconds: each code is valid once."""

    sealed: bytes
    last_step: int
    confirmed_at: datetime


class Passkey(Struct, frozen=True, kw_only=True):
    """A public key of an authenticator. `synced` tells that the authenticator keeps copies on other devices."""

    id: UUID
    credential_id: Annotated[bytes, Meta(max_length=MAX_CREDENTIAL_ID)]
    public_key: bytes
    sign_count: int
    transports: Annotated[list[str], stored_items(at_most=MAX_TRANSPORTS)] = []
    name: PasskeyName
    synced: bool = False
    created_at: datetime
    last_used_at: datetime | None = None


class FactorSet(Struct, frozen=True, kw_only=True):
    """Holds all factors of one account, so that a rule about several factors is held by one guarded write.

    `recovery_codes` are the SHA-256 of the unused codes. The effects of a change are derived from its `outbox`.
    """

    user_id: UUID = field(name="_id")
    version: int = 0
    pending_totp: PendingTotp | None = None
    totp: Totp | None = None
    passkeys: Annotated[list[Passkey], stored_items(at_most=MAX_PASSKEYS)] = []
    recovery_codes: Annotated[list[bytes], stored_items(at_most=RECOVERY_CODES)] = []
    outbox: Annotated[list[FactorEvent], stored_items(at_most=MAX_EVENTS)] = []

    @property
    def is_active(self) -> bool:
        """Return whether a sign-in asks for a second factor."""
        return self.totp is not None or bool(self.passkeys)

    @property
    def kinds(self) -> tuple[FactorKind, ...]:
        """Return the proofs that a sign-in accepts; none without a factor."""
        offered = {
            FactorKind.PASSKEY: bool(self.passkeys),
            FactorKind.TOTP: self.totp is not None,
            FactorKind.RECOVERY_CODE: self.is_active and bool(self.recovery_codes),
        }
        return tuple(kind for kind, is_offered in offered.items() if is_offered)
