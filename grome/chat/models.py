"""Define messages between the two sides of a booking, their conversation, blocks and reports."""

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct, field

from grome.bookings.models import Party
from grome.common.origin import RequestOrigin
from grome.infrastructure.mongo.schema import stored_items
from grome.infrastructure.outbox.models import EventType

MAX_TEXT_LENGTH: Final = 2_000
MAX_PHOTOS: Final = 4
MAX_KEY_LENGTH: Final = 100
MAX_MESSAGES: Final = 10_000  # of a conversation
MAX_EDITS: Final = 20  # of a message
EDIT_WINDOW: Final = timedelta(minutes=15)
# After the end of the booking, the conversation stays open for this time.
OPEN_AFTER_END: Final = timedelta(days=7)
# Messages of one sender in one conversation.
BURST_WINDOW: Final = timedelta(minutes=1)
MAX_BURST: Final = 30
MAX_BLOCKS: Final = 500  # of an account
MAX_REASON_LENGTH: Final = 1_000

Count = Annotated[int, Meta(ge=0)]
MessageNumber = Annotated[int, Meta(ge=1, le=MAX_MESSAGES)]
StoredText = Annotated[str, Meta(max_length=MAX_TEXT_LENGTH)]
StoredPhotos = Annotated[list[UUID], stored_items(at_most=MAX_PHOTOS)]


class MessageEvent(Struct, frozen=True):
    """An event of a message: sent, edited or deleted. `version` is the version of the conversation after the event."""

    id: UUID
    version: int
    type: EventType
    actor_id: UUID
    at: datetime


class Message(Struct, frozen=True, kw_only=True):
    """A message of a conversation; its id follows from the sender and the client's key, so a repeat finds it.

    `number` counts the messages of the conversation, and `number_of_sender` the messages of the sender in it, both from
    1 without gaps. `fingerprint` is of the request, for a repeat. A deleted message keeps its place without text and
    photos. `version` grows with each change.
    """

    id: UUID = field(name="_id")
    booking_id: UUID
    customer_id: UUID
    barber_id: UUID
    sender_id: UUID
    number: MessageNumber
    number_of_sender: MessageNumber
    fingerprint: bytes
    text: StoredText
    photos: StoredPhotos = []
    version: Annotated[int, Meta(ge=1)] = 1
    created_at: datetime
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    outbox: Annotated[list[MessageEvent], stored_items(at_most=MAX_EDITS + 2)]

    @property
    def editable_until(self) -> datetime:
        return self.created_at + EDIT_WINDOW


class Side(Struct, frozen=True):
    """The state of one side of a conversation.

    `delivered` and `read` are numbers of messages; both only grow. `read_of_other` counts the messages of the other
    side up to `read`, and `unread` those after it. The side has sent `burst` messages since `burst_from`.
    """

    sent: Count = 0
    delivered: Count = 0
    read: Count = 0
    read_of_other: Count = 0
    unread: Count = 0
    burst: Count = 0
    burst_from: datetime | None = None


class Mark(Struct, frozen=True):
    """The newest move of a mark, from which its event is derived.

    The actor has received or read the messages up to `message_id`.
    """

    id: UUID
    version: int
    type: EventType
    actor_id: UUID
    message_id: UUID
    at: datetime


class Conversation(Struct, frozen=True, kw_only=True):
    """The conversation of a booking, stored under the booking's id since its first message.

    `last_number` is the number of its newest message. `version` grows with each event, so that the events of the
    conversation have one order.
    """

    id: UUID = field(name="_id")
    customer_id: UUID
    barber_id: UUID
    last_number: MessageNumber
    latest_id: UUID
    latest_at: datetime
    version: Annotated[int, Meta(ge=1)]
    customer: Side = Side()
    barber: Side = Side()
    notice: Mark | None = None
    created_at: datetime

    def side(self, party: Party) -> Side:
        return self.customer if party is Party.CUSTOMER else self.barber


class Block(Struct, frozen=True, kw_only=True):
    """Keeps two accounts from writing to each other. A unique index on `slot` bounds the blocks of an owner."""

    id: UUID = field(name="_id")
    owner_id: UUID
    blocked_id: UUID
    slot: Annotated[int, Meta(ge=0, le=MAX_BLOCKS - 1)]
    created_at: datetime


class Decision(StrEnum):
    """Names the end of a report: the message stays, or an admin has deleted it."""

    DISMISSED = "dismissed"
    REMOVED = "removed"


class ReportEvent(Struct, frozen=True):
    """The event of a resolved report, for the audit trail."""

    id: UUID
    version: int
    type: EventType
    actor_id: UUID
    reason: str
    at: datetime
    origin: RequestOrigin | None = None


class MessageReport(Struct, frozen=True, kw_only=True):
    """A report of a message by its receiver, at most one for each message.

    `text` and `photos` are a copy of the message as it was. `note` explains the decision of the admin.
    """

    id: UUID = field(name="_id")
    booking_id: UUID
    message_id: UUID
    reporter_id: UUID
    sender_id: UUID
    reason: Annotated[str, Meta(max_length=MAX_REASON_LENGTH)]
    text: StoredText
    photos: StoredPhotos = []
    decision: Decision | None = None
    note: Annotated[str, Meta(max_length=MAX_REASON_LENGTH)] = ""
    resolved_by: UUID | None = None
    resolved_at: datetime | None = None
    outbox: Annotated[list[ReportEvent], stored_items(at_most=1)] = []
    created_at: datetime


def message_id_of(sender_id: UUID, key: str) -> UUID:
    """Derive the id of a message from its sender and the client's key: a UUID of version 8 (RFC 9562)."""
    return _derived_id(b"message", sender_id.bytes, key.encode())


def report_id_of(message_id: UUID) -> UUID:
    """Derive the id of the report of a message; only its receiver can report it."""
    return _derived_id(b"report", message_id.bytes)


def _derived_id(*parts: bytes) -> UUID:
    digest = int.from_bytes(hashlib.sha256(b"\0".join(parts)).digest()[:16])
    return UUID(int=digest & ~(0xF << 76 | 0x3 << 62) | 0x8 << 76 | 0x2 << 62)
