"""What an event of a booking is to customer or barber at the moment when it is told: values in, values out."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from grome.bookings.models import ANNOTATIONS, Action, Booking, HistoryEntry, Origin, Party, Status, snapshot_at_version
from grome.notifications.channel_rules import LEAST_LEFT
from grome.notifications.models import MessageKind, Notice

# What comes so late may have been overtaken by what was told since.
LATE: Final = timedelta(minutes=30)
# Grome closes a visit that nobody ended a day after it. A closing so much later is a clean-up of old data, and no news.
_CLOSING_IS_NEWS: Final = timedelta(days=7)
# What a booking can go through again and come out as it was: each time is news.
_AGAIN: Final = frozenset(
    {
        MessageKind.BOOKING_CHANGED,
        MessageKind.BOOKING_DELAYED,
        MessageKind.BOOKING_TIME_PROPOSED,
        MessageKind.BOOKING_TIME_KEPT,
        MessageKind.BOOKING_TIPPED,
    }
)


@dataclass(frozen=True, slots=True)
class Happening:
    """A notice to the customer or the barber of a booking, which is `now` so by the clock at `at`."""

    notice: Notice
    now: Booking
    at: datetime

    @property
    def reader(self) -> Party:
        return Party.BARBER if self.notice.user_id == self.now.barber_id else Party.CUSTOMER

    @property
    def entry(self) -> HistoryEntry | None:
        """The change that is told; a reminder tells of none."""
        return next((entry for entry in self.now.history if entry.version == self.notice.version), None)

    @property
    def then(self) -> Booking:
        """The booking right after the change."""
        return snapshot_at_version(self.now, self.notice.version) or self.now

    @property
    def before(self) -> Booking | None:
        return snapshot_at_version(self.now, self.notice.version - 1)

    @property
    def starts_at(self) -> datetime:
        """Of the visit, or as it is proposed."""
        is_proposed = self.notice.kind is MessageKind.BOOKING_TIME_PROPOSED
        proposed = self.entry.scheduled_at if self.entry and is_proposed else None
        return proposed or self.then.scheduled_at

    @property
    def other_time(self) -> datetime | None:
        """See `BookingFacts`."""
        match self.notice.kind:
            case MessageKind.BOOKING_CHANGED:
                return self.before.scheduled_at if self.before else None
            case MessageKind.BOOKING_DELAYED:
                return self.then.scheduled_at - timedelta(minutes=self.now.late_min)
            case MessageKind.BOOKING_TIME_PROPOSED:
                return self.then.scheduled_at
            case MessageKind.BOOKING_TIME_KEPT:
                return self.entry.scheduled_at if self.entry else None
            case _:
                return None

    @property
    def answer_by(self) -> datetime | None:
        """Until when the reader's answer is waited for, where that is what is told."""
        match self.notice.kind:
            case MessageKind.BOOKING_TIME_PROPOSED:
                return self.now.proposal.answer_by if self.now.proposal else None
            case MessageKind.BOOKING_OFFERED:
                return self.now.answer_by
            case _:
                return None

    @property
    def needed_by(self) -> datetime | None:
        """When it comes too late; None for a change after the start, where nobody has to hurry any more."""
        is_past = self.entry is not None and self.entry.at >= self.starts_at
        return None if is_past else self.answer_by or self.starts_at

    @property
    def about(self) -> str:
        """The same of two messages of a kind that say the same."""
        told = f"{self.now.id}@{self.starts_at.isoformat()}"
        is_undone = self.entry is not None and self.entry.action is Action.UNDO
        return f"{told}#{self.notice.version}" if is_undone or self.notice.kind in _AGAIN else told

    @property
    def is_overtaken(self) -> bool:
        """It is told late, and the booking has changed since."""
        is_late = self.entry is not None and self.at > self.notice.at + LATE
        return is_late and any(entry.action not in ANNOTATIONS for entry in self.later)

    @property
    def later(self) -> list[HistoryEntry]:
        return self.now.history[self.notice.version :]


def kind_told(happening: Happening) -> MessageKind:
    """A booking that its barber takes unasked begins as accepted: nobody waits for an answer. A request with another
    time waits for one anew, and one that is accepted with another time is confirmed.
    """
    planned, status = happening.notice.kind, happening.entry.status if happening.entry else None
    if planned is MessageKind.BOOKING_REQUESTED and status is Status.ACCEPTED:
        return MessageKind.BOOKING_ACCEPTED
    if planned is MessageKind.BOOKING_CHANGED and happening.before:
        was_request = happening.before.status is Status.REQUESTED
        if was_request and status is Status.ACCEPTED:
            return MessageKind.BOOKING_ACCEPTED
        if was_request and happening.reader is Party.BARBER:
            return MessageKind.BOOKING_REQUESTED
    return planned


def is_to_be_told(happening: Happening) -> bool:
    """Whether it still is so, and is news to its reader."""
    entry = happening.entry
    if entry and entry.by is Party.SYSTEM and entry.at > happening.then.ends_at + _CLOSING_IS_NEWS:
        return False
    still_so = _STILL_SO.get(happening.notice.kind)
    return still_so is None or still_so(happening)


def _has_reason(happening: Happening) -> bool:
    """The visit is still to come, at the time for which it was planned, and not too near for this reminder."""
    notice, booking = happening.notice, happening.now
    if notice.hours_before is None or booking.status is not Status.ACCEPTED:
        return False
    left = booking.scheduled_at - happening.at
    return booking.scheduled_at == notice.starts_at and left > LEAST_LEFT[notice.hours_before]


def _is_news_of_the_end(happening: Happening) -> bool:
    """A barber never heard of an offer that nobody took, and whoever let it run out was told until when it is held."""
    entry, history = happening.entry, happening.now.history
    if entry is None or happening.now.status is not Status.CANCELLED:  # a no-show that was undone since
        return False
    if history[0].action is Action.OFFER and all(one.action is not Action.ACCEPT for one in history):
        return happening.reader is Party.CUSTOMER and entry.by in {Party.BARBER, Party.ADMIN}
    settlement = happening.now.settlement
    return entry.actor_id != happening.notice.user_id or (settlement is not None and settlement.fee > 0)


def _is_held(happening: Happening) -> bool:
    return happening.now.status is Status.REQUESTED and happening.now.awaits is Party.CUSTOMER


def _is_proposed(happening: Happening) -> bool:
    proposal = happening.now.proposal
    return proposal is not None and proposal.scheduled_at == happening.starts_at


def _has_this_time(happening: Happening) -> bool:
    """What moved it again has its own message."""
    return happening.now.scheduled_at == happening.then.scheduled_at


def _is_awaited(happening: Happening) -> bool:
    """Who is in the chair knows how late it was."""
    is_ahead = happening.now.status in {Status.REQUESTED, Status.ACCEPTED}
    return is_ahead and _has_this_time(happening)


def _is_as_it_was(happening: Happening) -> bool:
    return happening.now.status is happening.then.status and _has_this_time(happening)


def _is_last_tip(happening: Happening) -> bool:
    return happening.now.payment.tip > 0 and all(entry.action is not Action.TIP for entry in happening.later)


_STILL_SO: Final[dict[MessageKind, Callable[[Happening], bool]]] = {
    MessageKind.BOOKING_REMINDER: _has_reason,
    MessageKind.BOOKING_REQUESTED: lambda happening: happening.now.origin is not Origin.WALK_IN,
    MessageKind.BOOKING_OFFERED: _is_held,
    MessageKind.BOOKING_CHANGED: _has_this_time,
    MessageKind.BOOKING_DELAYED: _is_awaited,
    MessageKind.BOOKING_TIME_PROPOSED: _is_proposed,
    MessageKind.BOOKING_TIME_KEPT: _is_as_it_was,
    MessageKind.BOOKING_TIPPED: _is_last_tip,
    MessageKind.BOOKING_CANCELLED: _is_news_of_the_end,
}
