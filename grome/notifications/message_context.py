"""The data of one message, as loaded when it is sent."""

from dataclasses import dataclass
from datetime import datetime

from grome.notifications.models import Facts, MessageKind
from grome.notifications.recipients import Recipient


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageContext:
    """Holds the data of one message.

    `dedupe_key` is equal for two messages of a kind with the same content; None if every message is news. After
    `needed_by`, the message is useless. `is_stale` is true if it is late and the booking has changed since.
    """

    recipient: Recipient
    kind: MessageKind
    facts: Facts
    dedupe_key: str | None
    needed_by: datetime | None = None
    is_stale: bool = False
