"""Request and response bodies of the chat."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from grome.accounts.models import ShownPerson
from grome.chat.models import (
    MAX_KEY_LENGTH,
    MAX_PHOTOS,
    MAX_REASON_LENGTH,
    MAX_TEXT_LENGTH,
    Decision,
    Message,
    MessageReport,
    Side,
)
from grome.common.field_faults import FAULT
from grome.common.text import NOTE
from grome.infrastructure.http import NextCursor, PageQuery

ClientKey = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_KEY_LENGTH,
        pattern=r"^[\x21-\x7e]+$(?!\n)",
        extra={FAULT: "is not printable ASCII without spaces"},
        examples=["msg-0193f2c4"],
    ),
]
MessageText = Annotated[str, Meta(max_length=MAX_TEXT_LENGTH, examples=["I am five minutes late, sorry!"]), NOTE]

# In answers, where no rule for new texts applies.
ShownMessage = Annotated[str, Meta(examples=["I am five minutes late, sorry!"])]


class MessageIn(Struct, frozen=True, forbid_unknown_fields=True):
    """A message has a text, photos, or both."""

    key: ClientKey
    """Made by the client for each message; a repeat with the same content returns the first message."""
    text: MessageText = ""
    """Line breaks included; may be empty with photos."""
    photos: Annotated[list[UUID], Meta(max_length=MAX_PHOTOS)] = []
    """Ids of your uploads with the purpose `message`, each once."""


class MessageEdit(Struct, frozen=True, forbid_unknown_fields=True):
    """The new text of a message; its photos stay."""

    text: MessageText
    """Replaces the text; may be empty if the message has photos."""


class MarkIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Names the newest message that was read or received."""

    message: UUID
    """Id of the message; all messages before it count too."""


class MessageReportIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Reports a message to admins."""

    reason: Annotated[
        str, Meta(min_length=1, max_length=MAX_REASON_LENGTH, examples=["Asks for money outside the app."]), NOTE
    ]
    """Read by admins only."""


class ReportDecisionIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Decides about a reported message."""

    decision: Decision
    """`removed` deletes the message for both sides; `dismissed` keeps it."""
    note: Annotated[
        str, Meta(min_length=1, max_length=MAX_REASON_LENGTH, examples=["Breaks the rules about payments."]), NOTE
    ]
    """Explains the decision in the audit trail; neither side sees it."""


class PhotoOut(Struct, frozen=True):
    """A photo of a message."""

    id: UUID
    """Id of the upload."""
    url: Annotated[str, Meta(examples=["https://api.example.com/files/photo.webp?token=c2lnbmVk"])]
    """Signed link that works for ten minutes without a token; read the message again for another."""


class MessageOut(Struct, frozen=True):
    """A message as both sides see it."""

    id: UUID
    """Id of the message; the path parameter `message_id`."""
    booking_id: UUID
    """Booking that the conversation belongs to."""
    sender_id: UUID
    """Account of the side that wrote it."""
    number: int
    """Place in the conversation, counted from 1 without gaps."""
    text: ShownMessage
    """Empty for a message of photos only, and for a deleted message."""
    photos: list[PhotoOut]
    """Photos that still exist; empty for a deleted message."""
    version: int
    """Starts at 1, and grows with each change of the message."""
    created_at: datetime
    """Time at which the message was stored."""
    edited_at: datetime | None
    """Time of the latest edit; null for none."""
    deleted_at: datetime | None
    """Time of the deletion, by the sender or an admin; null for none."""


class MarksOut(Struct, frozen=True):
    """The marks of a side in a conversation."""

    delivered: int
    """Number of the newest message that the side has received; 0 for none."""
    read: int
    """Number of the newest message that the side has read; 0 for none."""


class ConversationState(Struct, frozen=True):
    """The state of a conversation for its reader."""

    unread: int
    """Messages of the other side after your read mark."""
    you: MarksOut
    """Your own marks."""
    other: MarksOut
    """Marks of the other side, for the ticks beside your messages."""
    can_write: bool
    """Whether both sides can write now."""
    blocked: bool
    """Whether one side has blocked the other."""
    open_until: datetime
    """Seven days after the visit or its cancellation; later, nobody can write."""


class MessagePage(Struct, frozen=True):
    """A page of messages, with the state of the whole conversation."""

    conversation: ConversationState
    """The same on each page, as of the request."""
    items: list[MessageOut]
    """Newest message first."""
    next_cursor: NextCursor


class MarkOut(Struct, frozen=True):
    """Your marks and your unread messages after the request."""

    delivered: int
    """Number of the newest message that you have received; 0 for none."""
    read: int
    """Number of the newest message that you have read; 0 for none."""
    unread: int
    """Messages of the other side after your read mark."""


class ConversationOut(Struct, frozen=True):
    """A conversation in a list, with its newest message."""

    booking_id: UUID
    """Booking that the conversation belongs to."""
    other_id: UUID
    """Account of the other side."""
    name: ShownPerson
    """Name of the other side: of the shop, or of the customer; empty if it is gone."""
    unread: int
    """Messages of the other side after your read mark."""
    you: MarksOut
    """Your own marks."""
    other: MarksOut
    """Marks of the other side."""
    latest: MessageOut
    """Newest message of either side."""


class ConversationPage(Struct, frozen=True):
    """A page of your conversations."""

    items: list[ConversationOut]
    """Conversation with the newest message first."""
    next_cursor: NextCursor


class UnreadOut(Struct, frozen=True):
    """Counts your unread messages, for a badge."""

    messages: int
    """Unread messages in all conversations."""
    conversations: int
    """Conversations with unread messages."""


class BlockOut(Struct, frozen=True):
    """A blocked account."""

    account_id: UUID
    """Id of the account; the path parameter `account_id`."""
    name: ShownPerson
    """Name of the account; empty if it is gone."""
    since: datetime
    """Time of the block."""


class BlockPage(Struct, frozen=True):
    """A page of the accounts that you have blocked."""

    items: list[BlockOut]
    """Newest block first."""
    next_cursor: NextCursor


class MessageReportReceipt(Struct, frozen=True):
    """Confirms a report to its author."""

    id: UUID
    """Id of the report."""
    created_at: datetime
    """Time of the first report of this message."""


class MessageReportOut(Struct, frozen=True):
    """A report for admins."""

    id: UUID
    """Id of the report; the path parameter `message_report_id`."""
    booking_id: UUID
    """Booking that the conversation belongs to."""
    message_id: UUID
    """Id of the reported message."""
    reporter_id: UUID
    """Account that received and reported the message."""
    sender_id: UUID
    """Account that wrote the message."""
    reason: Annotated[str, Meta(examples=["Asks for money outside the app."])]
    """As given by the reporter."""
    text: ShownMessage
    """Text of the message when it was reported."""
    photos: list[PhotoOut]
    """Photos of the message when it was reported, if they still exist."""
    decision: Decision | None
    """Null until an admin has decided."""
    note: Annotated[str, Meta(examples=["Breaks the rules about payments."])]
    """Explanation of the decision; empty until then."""
    resolved_by: UUID | None
    """Id of the admin's account; null until the decision."""
    resolved_at: datetime | None
    """Time of the decision; null until then."""
    created_at: datetime
    """Time of the report."""


class MessageReportQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Selects open or decided reports."""

    resolved: bool = False
    """`true` for reports with a decision, `false` for reports that await a decision."""


class MessageReportPage(Struct, frozen=True):
    """A page of reports."""

    items: list[MessageReportOut]
    """Newest report first."""
    next_cursor: NextCursor


class ReportedMessages(Struct, frozen=True):
    """A page of the conversation that a report is about."""

    items: list[MessageOut]
    """Newest message first."""
    next_cursor: NextCursor


Links = Mapping[UUID, str]


def message_out(message: Message, links: Links) -> MessageOut:
    """Return the message; `links` are the signed links of photos by their ids."""
    return MessageOut(
        id=message.id,
        booking_id=message.booking_id,
        sender_id=message.sender_id,
        number=message.number,
        text=message.text,
        photos=_photos_out(message.photos, links),
        version=message.version,
        created_at=message.created_at,
        edited_at=message.edited_at,
        deleted_at=message.deleted_at,
    )


def marks_out(side: Side) -> MarksOut:
    return MarksOut(side.delivered, side.read)


def report_out(report: MessageReport, links: Links) -> MessageReportOut:
    return MessageReportOut(
        id=report.id,
        booking_id=report.booking_id,
        message_id=report.message_id,
        reporter_id=report.reporter_id,
        sender_id=report.sender_id,
        reason=report.reason,
        text=report.text,
        photos=_photos_out(report.photos, links),
        decision=report.decision,
        note=report.note,
        resolved_by=report.resolved_by,
        resolved_at=report.resolved_at,
        created_at=report.created_at,
    )


def _photos_out(photos: Sequence[UUID], links: Links) -> list[PhotoOut]:
    """Return the photos that still exist."""
    return [PhotoOut(photo, links[photo]) for photo in photos if photo in links]
