"""Request and response bodies of the chat."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

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
from grome.common.text import NOTE
from grome.infrastructure.http import PageQuery

ClientKey = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_KEY_LENGTH,
        pattern=r"^[\x21-\x7e]+$(?!\n)",
        description="New for each message. A repeat with the same content gets the first message again.",
    ),
]
MessageText = Annotated[str, Meta(max_length=MAX_TEXT_LENGTH), NOTE]


class MessageIn(Struct, frozen=True, forbid_unknown_fields=True):
    """A message has a text, photos, or both. `photos` are ids of your uploads with the purpose `message`."""

    key: ClientKey
    text: MessageText = ""
    photos: Annotated[list[UUID], Meta(max_length=MAX_PHOTOS)] = []


class MessageEdit(Struct, frozen=True, forbid_unknown_fields=True):
    """The new text of a message; its photos stay."""

    text: MessageText


class MarkIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Names the newest message that was read or received; all messages before it count too."""

    message: UUID


class MessageReportIn(Struct, frozen=True, forbid_unknown_fields=True):
    reason: Annotated[str, Meta(min_length=1, max_length=MAX_REASON_LENGTH), NOTE]


class ReportDecisionIn(Struct, frozen=True, forbid_unknown_fields=True):
    """`removed` deletes the message for both sides; `note` goes to the audit trail."""

    decision: Decision
    note: Annotated[str, Meta(min_length=1, max_length=MAX_REASON_LENGTH), NOTE]


class PhotoOut(Struct, frozen=True):
    """A photo; `url` is a signed link that works for a few minutes."""

    id: UUID
    url: str


class MessageOut(Struct, frozen=True):
    """A message as both sides see it.

    `number` counts the messages of the conversation from 1 without gaps. A deleted message has no text and no photos.
    `version` grows with each change of the message.
    """

    id: UUID
    booking_id: UUID
    sender_id: UUID
    number: int
    text: str
    photos: list[PhotoOut]
    version: int
    created_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None


class MarksOut(Struct, frozen=True):
    """The numbers of the newest messages that a side has received and read; 0 if none."""

    delivered: int
    read: int


class ConversationState(Struct, frozen=True):
    """The state of a conversation for its reader.

    `unread` counts the other side's messages after your mark. `blocked` says that one side has blocked the other. You
    can write until `open_until` if `can_write` is true.
    """

    unread: int
    you: MarksOut
    other: MarksOut
    can_write: bool
    blocked: bool
    open_until: datetime


class MessagePage(Struct, frozen=True):
    """`conversation` is the state of the whole conversation."""

    conversation: ConversationState
    items: list[MessageOut]
    next_cursor: str | None


class MarkOut(Struct, frozen=True):
    """Your marks and your unread messages after the request."""

    delivered: int
    read: int
    unread: int


class ConversationOut(Struct, frozen=True):
    """A conversation in a list, with its newest message. `name` is the name of the other side."""

    booking_id: UUID
    other_id: UUID
    name: str
    unread: int
    you: MarksOut
    other: MarksOut
    latest: MessageOut


class ConversationPage(Struct, frozen=True):
    items: list[ConversationOut]
    next_cursor: str | None


class UnreadOut(Struct, frozen=True):
    """Counts your unread messages, and the conversations that they are in."""

    messages: int
    conversations: int


class BlockOut(Struct, frozen=True):
    """A blocked account. `name` is empty if the account is gone."""

    account_id: UUID
    name: str
    since: datetime


class BlockPage(Struct, frozen=True):
    items: list[BlockOut]
    next_cursor: str | None


class MessageReportReceipt(Struct, frozen=True):
    """Confirms a report to its author."""

    id: UUID
    created_at: datetime


class MessageReportOut(Struct, frozen=True):
    """A report for admins. `text` and `photos` are of the message when it was reported."""

    id: UUID
    booking_id: UUID
    message_id: UUID
    reporter_id: UUID
    sender_id: UUID
    reason: str
    text: str
    photos: list[PhotoOut]
    decision: Decision | None
    note: str
    resolved_by: UUID | None
    resolved_at: datetime | None
    created_at: datetime


class MessageReportQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    resolved: Annotated[bool, Meta(description="Only reports with a decision, or only reports without.")] = False


class MessageReportPage(Struct, frozen=True):
    items: list[MessageReportOut]
    next_cursor: str | None


class ReportedMessages(Struct, frozen=True):
    """A page of the conversation that a report is about."""

    items: list[MessageOut]
    next_cursor: str | None


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
