"""Decide whether an event of a booking is still news to its reader, without I/O."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from grome.bookings.models import (
    ANNOTATIONS,
    Action,
    Booking,
    HistoryEntry,
    OnTheWay,
    Origin,
    Party,
    Status,
    snapshot_at_version,
)
from grome.notifications.channel_rules import MIN_LEAD_TIME
from grome.notifications.models import MessageKind, Notification

# A message that is later than this may be contradicted by messages sent since.
STALE_AFTER: Final = timedelta(minutes=30)
# Grome closes a forgotten visit a day after its end. A closing that comes later than this is a clean-up of old data.
_MAX_CLOSING_AGE: Final = timedelta(days=7)
# Kinds of which every message is news, even if it states the same as an earlier message.
_REPEATABLE: Final = frozenset(
    {
        MessageKind.BOOKING_CHANGED,
        MessageKind.BOOKING_DELAYED,
        MessageKind.BOOKING_ON_THE_WAY,
        MessageKind.BOOKING_ARRIVED,
        MessageKind.BOOKING_TIME_PROPOSED,
        MessageKind.BOOKING_TIME_KEPT,
        MessageKind.BOOKING_TIPPED,
    }
)


@dataclass(frozen=True, slots=True)
class BookingNotice:
    """Combines a notification to the customer or the barber with the booking as stored at `now`."""

    notification: Notification
    booking: Booking
    now: datetime

    @property
    def reader_party(self) -> Party:
        return Party.BARBER if self.notification.user_id == self.booking.barber_id else Party.CUSTOMER

    @property
    def entry(self) -> HistoryEntry | None:
        """Return the history entry of the notification; None for a reminder."""
        return next((entry for entry in self.booking.history if entry.version == self.notification.version), None)

    @property
    def booking_then(self) -> Booking:
        """Return the booking as it was right after the change."""
        return snapshot_at_version(self.booking, self.notification.version) or self.booking

    @property
    def booking_before(self) -> Booking | None:
        return snapshot_at_version(self.booking, self.notification.version - 1)

    @property
    def starts_at(self) -> datetime:
        """Return the start of the visit, or the proposed start if the message is about a proposal."""
        is_proposed = self.notification.kind is MessageKind.BOOKING_TIME_PROPOSED
        proposed = self.entry.scheduled_at if self.entry and is_proposed else None
        return proposed or self.booking_then.scheduled_at

    @property
    def other_time(self) -> datetime | None:
        """Return `BookingFacts.other_time`."""
        match self.notification.kind:
            case MessageKind.BOOKING_CHANGED:
                return self.booking_before.scheduled_at if self.booking_before else None
            case MessageKind.BOOKING_DELAYED:
                return self.booking_then.scheduled_at - timedelta(minutes=self.booking.late_min)
            case MessageKind.BOOKING_TIME_PROPOSED:
                return self.booking_then.scheduled_at
            case MessageKind.BOOKING_TIME_KEPT:
                return self.entry.scheduled_at if self.entry else None
            case _:
                return None

    @property
    def answer_by(self) -> datetime | None:
        """Return the time until which the reader can answer; None for messages that need no answer."""
        match self.notification.kind:
            case MessageKind.BOOKING_TIME_PROPOSED:
                return self.booking.proposal.answer_by if self.booking.proposal else None
            case MessageKind.BOOKING_OFFERED:
                return self.booking.answer_by
            case _:
                return None

    @property
    def needed_by(self) -> datetime | None:
        """Return the time after which the message is useless; None for a change after the start."""
        is_past = self.entry is not None and self.entry.at >= self.starts_at
        return None if is_past else self.answer_by or self.starts_at

    @property
    def dedupe_key(self) -> str:
        """Return a key that is equal for two messages of a kind with the same content."""
        content = f"{self.booking.id}@{self.starts_at.isoformat()}"
        is_undone = self.entry is not None and self.entry.action is Action.UNDO
        return (
            f"{content}#{self.notification.version}" if is_undone or self.notification.kind in _REPEATABLE else content
        )

    @property
    def is_stale(self) -> bool:
        """Return True if the message is late and the booking has changed since."""
        is_late = self.entry is not None and self.now > self.notification.at + STALE_AFTER
        return is_late and any(entry.action not in ANNOTATIONS for entry in self.later_entries)

    @property
    def later_entries(self) -> list[HistoryEntry]:
        return self.booking.history[self.notification.version :]


def effective_kind(notice: BookingNotice) -> MessageKind:
    """Return the kind of message that the change amounts to for its reader.

    A booking with automatic acceptance is announced as accepted. A rescheduled request is a new request to the barber,
    and a request that is accepted with another time is a confirmation.
    """
    planned, status = notice.notification.kind, notice.entry.status if notice.entry else None
    if planned is MessageKind.BOOKING_REQUESTED and status is Status.ACCEPTED:
        return MessageKind.BOOKING_ACCEPTED
    if planned is MessageKind.BOOKING_CHANGED and notice.booking_before:
        was_request = notice.booking_before.status is Status.REQUESTED
        if was_request and status is Status.ACCEPTED:
            return MessageKind.BOOKING_ACCEPTED
        if was_request and notice.reader_party is Party.BARBER:
            return MessageKind.BOOKING_REQUESTED
    return planned


def is_still_relevant(notice: BookingNotice) -> bool:
    """Return whether the message is still true, and news to its reader."""
    entry = notice.entry
    if entry and entry.by is Party.SYSTEM and entry.at > notice.booking_then.ends_at + _MAX_CLOSING_AGE:
        return False
    still_so = _RELEVANCE_CHECKS.get(notice.notification.kind)
    return still_so is None or still_so(notice)


def _is_reminder_due(notice: BookingNotice) -> bool:
    """Return whether the visit still has the planned start, and the reminder's minimum lead time is left."""
    notification, booking = notice.notification, notice.booking
    if notification.hours_before is None or booking.status is not Status.ACCEPTED:
        return False
    left = booking.scheduled_at - notice.now
    return booking.scheduled_at == notification.starts_at and left > MIN_LEAD_TIME[notification.hours_before]


def _is_end_news(notice: BookingNotice) -> bool:
    """Return whether the end of the booking is news to the reader.

    The barber never got a message about an offer that expired, and the customer's message about it stated its end.
    """
    entry, history = notice.entry, notice.booking.history
    if entry is None or notice.booking.status is not Status.CANCELLED:  # the no-show was undone since
        return False
    if history[0].action is Action.OFFER and all(one.action is not Action.ACCEPT for one in history):
        return notice.reader_party is Party.CUSTOMER and entry.by in {Party.BARBER, Party.ADMIN}
    settlement = notice.booking.settlement
    return entry.actor_id != notice.notification.user_id or (settlement is not None and settlement.fee > 0)


def _is_offer_open(notice: BookingNotice) -> bool:
    return notice.booking.status is Status.REQUESTED and notice.booking.awaits is Party.CUSTOMER


def _is_proposal_open(notice: BookingNotice) -> bool:
    proposal = notice.booking.proposal
    return proposal is not None and proposal.scheduled_at == notice.starts_at


def _is_start_unchanged(notice: BookingNotice) -> bool:
    """Return whether the start is the same. A later change of the start has a message of its own."""
    return notice.booking.scheduled_at == notice.booking_then.scheduled_at


def _is_delay_relevant(notice: BookingNotice) -> bool:
    """Return whether the visit is still to come: after its start, the customer knows about the delay."""
    is_ahead = notice.booking.status in {Status.REQUESTED, Status.ACCEPTED}
    return is_ahead and _is_start_unchanged(notice)


def _is_on_the_way(notice: BookingNotice) -> bool:
    """Return whether the barber is still on the way since this entry, and has not arrived."""
    trip, entry = notice.booking.on_the_way, notice.entry
    return trip is not None and entry is not None and trip == OnTheWay(entry.at)


def _is_at_the_door(notice: BookingNotice) -> bool:
    """Return whether the arrival is still news: the visit has not begun, and the barber has not turned back."""
    trip, entry = notice.booking.on_the_way, notice.entry
    return trip is not None and entry is not None and trip.arrived_at == entry.at


def _is_unchanged(notice: BookingNotice) -> bool:
    return notice.booking.status is notice.booking_then.status and _is_start_unchanged(notice)


def _is_last_tip(notice: BookingNotice) -> bool:
    return notice.booking.payment.tip > 0 and all(entry.action is not Action.TIP for entry in notice.later_entries)


_RELEVANCE_CHECKS: Final[dict[MessageKind, Callable[[BookingNotice], bool]]] = {
    MessageKind.BOOKING_REMINDER: _is_reminder_due,
    MessageKind.BOOKING_REQUESTED: lambda notice: notice.booking.origin is not Origin.WALK_IN,
    MessageKind.BOOKING_OFFERED: _is_offer_open,
    MessageKind.BOOKING_CHANGED: _is_start_unchanged,
    MessageKind.BOOKING_DELAYED: _is_delay_relevant,
    MessageKind.BOOKING_ON_THE_WAY: _is_on_the_way,
    MessageKind.BOOKING_ARRIVED: _is_at_the_door,
    MessageKind.BOOKING_TIME_PROPOSED: _is_proposal_open,
    MessageKind.BOOKING_TIME_KEPT: _is_unchanged,
    MessageKind.BOOKING_TIPPED: _is_last_tip,
    MessageKind.BOOKING_CANCELLED: _is_end_news,
}
