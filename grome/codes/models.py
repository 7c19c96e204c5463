"""Codes that are sent to an address and typed by its owner, once."""

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct, field

from grome.infrastructure.mongo.schema import stored_items
from grome.infrastructure.outbox.models import EventType

CODE_LIFE: Final = timedelta(minutes=10)
MAX_TRIES: Final = 5
# A repeated request within this time sends nothing, and the code before stays valid.
RESEND_AFTER: Final = timedelta(seconds=60)


class CodePurpose(StrEnum):
    """Names the purpose of a code; a code for one purpose is refused for any other."""

    VERIFY_EMAIL = "verify_email"
    VERIFY_PHONE = "verify_phone"
    RESET_PASSWORD = "reset_password"  # noqa: S105 -- the name of a purpose
    SIGN_IN = "sign_in"
    SECOND_FACTOR = "second_factor"


class AddressKind(StrEnum):
    EMAIL = "email"
    PHONE = "phone"


class CodeTarget(Struct, frozen=True, kw_only=True):
    """Names the purpose, the address and the account that a code is bound to.

    `user_id` is None if no account may use the code: then nothing is sent, and all else is done as for an account.
    """

    purpose: CodePurpose
    kind: AddressKind
    address: str
    user_id: UUID | None

    @property
    def slot(self) -> str:
        """Return the name of the target's only live code.

        A signed-in user has one code for a purpose, anybody else one for a purpose and address.
        """
        if self.purpose in {CodePurpose.VERIFY_EMAIL, CodePurpose.VERIFY_PHONE}:
            return f"{self.purpose}:{self.user_id}"
        return address_slot(self.purpose, self.address)


class CodeEvent(Struct, frozen=True):
    """Records the request of a code, in the same atomic write as the code."""

    id: UUID
    type: EventType
    at: datetime
    code_id: UUID
    purpose: CodePurpose


class OneTimeCode(Struct, frozen=True, kw_only=True):
    """Describes a code. The digits are derived from its `code_id`, target and a key of the server, and never stored.

    `id` is the slot of its target, or the code's own id for codes that are bound to their request.
    """

    id: str = field(name="_id")
    code_id: UUID
    purpose: CodePurpose
    kind: AddressKind
    address: Annotated[str, Meta(max_length=254)]
    user_id: UUID | None
    tries: int = 0
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    outbox: Annotated[list[CodeEvent], stored_items(at_most=1)] = []


def address_slot(purpose: CodePurpose, address: str) -> str:
    """Return the slot of a code that is found by its address."""
    return f"{purpose}:{hashlib.sha256(address.encode()).hexdigest()[:32]}"


def user_slot(purpose: CodePurpose, user_id: UUID) -> str:
    """Return the slot of a code that is found by its account."""
    return f"{purpose}:{user_id}"
