"""Build mails to send."""

from datetime import UTC, datetime
from typing import Any

from grome.common.ids import new_id
from grome.notifications.email.message import Mail
from grome.notifications.models import MessageKind
from tests.builders.messages import Sample, booking_facts


def mail(**changes: Any) -> Mail:
    """Build a confirmation in English with a new id; `sample` and `language` select another message."""
    sample = changes.pop("sample", Sample(MessageKind.BOOKING_ACCEPTED, "", booking_facts()))
    language = changes.get("language", "en")
    fields: dict[str, Any] = {
        "message_id": f"{new_id()}:mail:7",
        "to": "sam@example.com",
        "language": language,
        "rendered": sample.render(language),
        "at": datetime(2026, 7, 14, 8, 0, tzinfo=UTC),
    }
    return Mail(**{**fields, **changes})
