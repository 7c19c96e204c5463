"""Define the bodies of requests and responses about messages."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from grome.common.field_faults import FAULT
from grome.common.text import END
from grome.infrastructure.http import NextCursor
from grome.notifications.models import Channel, LogEntry, MessageKind, State, Why


class PushTokenIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Holds the token that the push service issued to the device."""

    token: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=2048,
            pattern="^[!-~]+" + END,
            extra={FAULT: "is not printable ASCII without spaces"},
            examples=["fQ1x9Tq0R3mD:APA91bExample"],
        ),
    ]
    """Registration token that Firebase Cloud Messaging gave the app on this device."""


class NotificationOut(Struct, frozen=True):
    """Describes one message on one channel."""

    id: UUID
    """Identifies the message on this channel; use it as the key of a list."""
    kind: MessageKind
    """Decides the text and the screen to open."""
    channel: Channel
    """The channel of this delivery; a message on two channels has two entries."""
    state: State
    """A `failed` message may be retried and become `sent`."""
    why: Why | None
    """The reason for which a `suppressed` message was not sent; null in any other state."""
    subject_id: UUID
    """Id of the booking, user or webhook endpoint that the message is about."""
    at: datetime
    """Time at which this state was recorded."""


class NotificationPage(Struct, frozen=True):
    """Holds a page of messages, newest first."""

    items: list[NotificationOut]
    """Your messages of the last 90 days, newest first."""
    next_cursor: NextCursor


def notification_out(entry: LogEntry) -> NotificationOut:
    return NotificationOut(entry.id, entry.kind, entry.channel, entry.state, entry.why, entry.subject_id, entry.at)
