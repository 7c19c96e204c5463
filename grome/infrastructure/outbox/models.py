"""What has happened, as everything that follows from it hears of it."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from grome.infrastructure.mongo.client import Document

# The collections whose changes are followed.
BOOKINGS: Final = "bookings"
USERS: Final = "users"
SESSIONS: Final = "sessions"
BARBERS: Final = "barbers"
REVIEWS: Final = "reviews"
# Where each collection's documents keep what is to be handed on, each with a moment `at`.
OUTBOXES: Final = {BOOKINGS: "history", REVIEWS: "outbox", USERS: "outbox", SESSIONS: "notice"}


class EventType(StrEnum):
    """Stable: clients, webhook receivers and templates know them."""

    BOOKING_REQUESTED = "booking.requested"
    BOOKING_ACCEPTED = "booking.accepted"
    BOOKING_DECLINED = "booking.declined"
    BOOKING_STARTED = "booking.started"
    BOOKING_COMPLETED = "booking.completed"
    BOOKING_CANCELLED = "booking.cancelled"
    BOOKING_EXPIRED = "booking.expired"
    BOOKING_OFFERED = "booking.offered"
    BOOKING_NO_SHOW = "booking.no_show"
    BOOKING_RESCHEDULED = "booking.rescheduled"
    BOOKING_TIME_PROPOSED = "booking.time_proposed"
    BOOKING_PROPOSAL_REJECTED = "booking.proposal_rejected"
    BOOKING_PROPOSAL_WITHDRAWN = "booking.proposal_withdrawn"
    BOOKING_PROPOSAL_LAPSED = "booking.proposal_lapsed"
    BOOKING_DELAYED = "booking.delayed"
    BOOKING_START_UNDONE = "booking.start_undone"
    BOOKING_NO_SHOW_UNDONE = "booking.no_show_undone"
    BOOKING_TIPPED = "booking.tipped"
    BOOKING_NOTED = "booking.noted"
    REVIEW_POSTED = "review.posted"
    REVIEW_ANSWERED = "review.answered"
    REVIEW_REMOVED = "review.removed"
    ACCOUNT_REGISTERED = "account.registered"
    ACCOUNT_NEW_DEVICE = "account.new_device"
    ACCOUNT_SESSION_REUSED = "account.session_reused"


class Event(Struct, frozen=True, kw_only=True):
    """`subject_id` is a booking's or a user's id; a review's is that of its booking.

    Of one subject, `version` grows from event to event whose types begin alike. `people` are those whom it concerns:
    customer, unless a guest, and barber of a booking, or the user. `actor_id` is who did it, None for Grome itself.
    """

    id: UUID
    type: EventType
    at: datetime
    subject_id: UUID
    version: int
    people: tuple[UUID, ...]
    actor_id: UUID | None = None

    @property
    def family(self) -> str:
        """How its type begins: `booking`, `review` or `account`."""
        return self.type.partition(".")[0]


class ChangeRecord(Struct, frozen=True):
    """A document after a write to it, at `at` by the server's clock.

    `updated` are the fields that the write set, by their paths; None where the whole document was written.
    """

    collection: str
    document: Document
    updated: Mapping[str, Any] | None
    at: datetime

    @property
    def id(self) -> str:
        """For log lines."""
        return f"{self.collection} {self.document.get('_id')}"


class RelayStats(Struct, frozen=True):
    """How far the relay is, as its leader stored it `silent_s` ago: `lag_s` is the age of the oldest change in hand."""

    lag_s: float
    silent_s: float
    position_at: datetime | None
    handed_on: int
