"""The data of one message, as loaded when it is sent."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from grome.notifications.models import Facts, MessageKind
from grome.notifications.recipients import Recipient

# Time within which an equal message to the same reader is a duplicate.
DEDUPE_WINDOW: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageContext:
    """Holds the data of one message.

    `dedupe_key` is equal for two messages of a kind with the same content; None if every message is news. After
    `needed_by`, the message is useless. `is_stale` is true if it is late and the booking has changed since. Within
    `dedupe_window` after a message, another message with its key is a duplicate.
    """

    recipient: Recipient
    kind: MessageKind
    facts: Facts
    dedupe_key: str | None
    needed_by: datetime | None = None
    is_stale: bool = False
    dedupe_window: timedelta = DEDUPE_WINDOW
