"""Reviews by customers, and barbers' answers."""

from datetime import datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct, field

from grome.barbers.models import Stars
from grome.bookings.models import Idempotency
from grome.common.origin import RequestOrigin
from grome.infrastructure.mongo.schema import stored_items
from grome.infrastructure.outbox.models import EventType

EDIT_WINDOW: Final = timedelta(days=14)
MAX_TEXT_LENGTH: Final = 2000


class Answer(Struct, frozen=True):
    """A barber's answer to a review. `edited_at` is null until the first edit."""

    text: str
    created_at: datetime
    edited_at: datetime | None = None


class ReviewEvent(Struct, frozen=True):
    """An event of a review: posted, answered for the first time, or removed. `version` counts from 1."""

    id: UUID
    version: int
    type: EventType
    actor_id: UUID
    at: datetime
    origin: RequestOrigin | None = None


class Review(Struct, frozen=True, kw_only=True):
    """A review, stored under the id of its booking, so that a booking has at most one review.

    A removed review stays stored without its text and with `shown` false, so that the same visit cannot be reviewed
    again. Third parties see a review's `public_id`, since the booking's id is private; later ids sort later. The
    effects of a change are derived from the `outbox`, which has each type of event at most once. `first_answer` is
    loaded for a repeat of the request only, and is removed with the text.
    """

    id: UUID = field(name="_id")
    public_id: UUID
    customer_id: UUID
    barber_id: UUID
    rating: Stars
    text: Annotated[str, Meta(max_length=MAX_TEXT_LENGTH)]
    answer: Answer | None = None
    shown: bool = True
    idempotency: Idempotency | None = None
    first_answer: bytes | None = None
    outbox: Annotated[list[ReviewEvent], stored_items(at_most=10)]
    created_at: datetime
    edited_at: datetime | None = None

    @property
    def editable_until(self) -> datetime:
        return self.created_at + EDIT_WINDOW


def public_name(name: str) -> str:
    """Return the name that third parties see: the first name, and the initial of the last name."""
    first, *others = name.split() or [""]
    return f"{first} {others[-1][0].upper()}." if others else first


def build_answer(before: Answer | None, text: str, now: datetime) -> Answer:
    return Answer(text, before.created_at, now) if before else Answer(text, now)
