"""Messages on the wire."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from grome.common.text import END
from grome.notifications.models import Channel, LogEntry, MessageKind, State, Why


class PushTokenIn(Struct, frozen=True, forbid_unknown_fields=True):
    """What the device's push service has given it."""

    token: Annotated[str, Meta(min_length=1, max_length=2048, pattern="^[!-~]+" + END)]


class NotificationOut(Struct, frozen=True):
    """One message on one channel. `subject_id` is the booking or the user that it is about.

    `why` says of a suppressed one why it was not sent. A failed one may be tried again and become sent.
    """

    id: UUID
    kind: MessageKind
    channel: Channel
    state: State
    why: Why | None
    subject_id: UUID
    at: datetime


class NotificationPage(Struct, frozen=True):
    items: list[NotificationOut]
    next_cursor: str | None


def notification_out(entry: LogEntry) -> NotificationOut:
    return NotificationOut(entry.id, entry.kind, entry.channel, entry.state, entry.why, entry.subject_id, entry.at)
