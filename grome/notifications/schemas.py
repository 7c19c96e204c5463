"""Define the bodies of requests and responses about messages."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from grome.common.text import END
from grome.notifications.models import Channel, LogEntry, MessageKind, State, Why


class PushTokenIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Holds the token that the push service issued to the device."""

    token: Annotated[str, Meta(min_length=1, max_length=2048, pattern="^[!-~]+" + END)]


class NotificationOut(Struct, frozen=True):
    """Describes one message on one channel. `subject_id` is the id of its booking, user or webhook endpoint.

    `why` is the reason if the message was suppressed. A failed message may be retried and become sent.
    """

    id: UUID
    kind: MessageKind
    channel: Channel
    state: State
    why: Why | None
    subject_id: UUID
    at: datetime


class NotificationPage(Struct, frozen=True):
    """Holds a page of messages, newest first."""

    items: list[NotificationOut]
    next_cursor: str | None


def notification_out(entry: LogEntry) -> NotificationOut:
    return NotificationOut(entry.id, entry.kind, entry.channel, entry.state, entry.why, entry.subject_id, entry.at)
