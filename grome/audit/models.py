"""Define the audit trail: the events, their authors and the accounts concerned. Records are never removed."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct, field

from grome.infrastructure.mongo.schema import stored_items
from grome.infrastructure.outbox.models import MAX_CHANGES, Change, EventType, MovedMoney

# Under the key of the actor, and under the key of the account that the event is about.
MAX_SEALED: Final = 2


class RecordedOrigin(Struct, frozen=True):
    """Names the request that caused an event. `country` is the ISO 3166 code of the client's address, if known.

    The address itself is among the sealed values of the actor.
    """

    request_id: str
    session_id: UUID | None
    country: str | None


class PersonalValues(Struct, frozen=True):
    """Holds the values of a record that are stored only under the key of their person.

    `dated_address` is the address, sealed once more under the key of its month. Records from before these keys have the
    address as `address`.
    """

    address: str | None = None
    dated_address: bytes | None = None
    reason: str = ""
    changes: Annotated[list[Change], stored_items(at_most=MAX_CHANGES)] = []


class SealedValues(Struct, frozen=True):
    """Holds the encrypted `PersonalValues` of a person. They are unreadable once the person's key was destroyed."""

    person_id: UUID
    values: bytes


class StoredAddressKey(Struct, frozen=True, kw_only=True):
    """Holds the key of a month, e.g. "2026-11", sealed by the secrets keys."""

    month: str = field(name="_id")
    sealed: bytes
    created_at: datetime


class AuditRecord(Struct, frozen=True, kw_only=True):
    """Records an event under its own id. `actor_id` is None for an action of Grome itself.

    `reason` is given by the actor or the bank. Of a payment or a payout, `money` is the amount that the event is about.
    `kept_before` and `kept_after` are the money of the payment that was collected and not given back. `changes` are
    fields that are not personal, with their values before and after. `recorded_at` is the time at which the record was
    made, and None for a record from before the chain.
    """

    id: UUID = field(name="_id")
    type: EventType
    subject_id: UUID
    version: int
    people: Annotated[list[UUID], stored_items(at_most=10)]
    actor_id: UUID | None
    at: datetime
    reason: Annotated[str, Meta(max_length=1_000)] = ""
    money: MovedMoney | None = None
    kept_before: int | None = None
    kept_after: int | None = None
    origin: RecordedOrigin | None = None
    changes: Annotated[list[Change], stored_items(at_most=MAX_CHANGES)] = []
    sealed: Annotated[list[SealedValues], stored_items(at_most=MAX_SEALED)] = []
    recorded_at: datetime | None = None


# The number of the last head whose `earlier` can grow: a deploy can last over midnight.
LAST_SETTLING_HEAD: Final = 2


class EarlierRecords(Struct, frozen=True):
    """Describes the records from before the chain: their number, and a SHA-256 of their bytes in the order of ids."""

    count: int
    digest: bytes


class AuditHead(Struct, frozen=True, kw_only=True):
    """States where the chain of records ended on a day, and is signed.

    `number` counts the days with a head, without gaps. `seq` and `hash` are those of the last record. `earlier` is
    computed for the heads of the first days, in which old processes may still append, and then repeated in all heads.
    `key_id` names the key of the signature.
    """

    day: str = field(name="_id")
    number: int
    seq: int
    hash: bytes
    earlier: EarlierRecords
    signed_at: datetime
    key_id: str = ""
    signature: bytes = b""
