"""Compute the time window of each action on a booking, without I/O.

| action                                | from                           | until                                   |
|---------------------------------------|--------------------------------|-----------------------------------------|
| accept, decline                       | the request                    | its deadline, or a proposal's deadline  |
| start                                 | 2 hours before the start       | 24 hours after the end                  |
| complete                              | the `start` entry              | 24 hours after the end or a later start |
| no-show                               | 5 minutes after the start      | 24 hours after the end                  |
| undo of a start or a no-show          | the undone entry               | 15 minutes after it                     |
| cancel, by the customer               | the booking                    | the start                               |
| cancel, by the barber                 | the booking                    | 24 hours after the end                  |
| cancel, by an admin                   | the booking                    | its end                                 |
| reschedule, by the customer           | the booking                    | the reschedule notice of its terms      |
| reschedule by others, propose         | the booking                    | the start                               |
| accept, reject or withdraw a proposal | the proposal                   | its deadline                            |
| running late                          | the day of the visit           | 24 hours after the end                  |
| tip                                   | the `complete` entry           | 30 days after it                        |
| note, by the customer                 | the booking                    | 24 hours after the end                  |
| note, by the barber                   | the booking                    | ever                                    |
| review                                | the `complete` entry           | 90 days after it                        |
| setting out to a house call           | 3 hours before the start       | the end                                 |
| turning back, arriving                | setting out                    | ever                                    |
| seating a walk-in                     | joining the queue              | 24 hours after joining                  |

A window that begins with an entry has no `opens_at`: the state of the booking implies the entry, and the clocks of two
processes may differ. Start and end are the present times of the booking, so a delay shifts all windows. Grome closes an
open booking when its windows have passed (`find_overdue_action`).
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from grome.bookings.cancellation_policy import INSTANT, UNDO_AFTER_MOVE, no_show_window, reschedule_until, tip_until
from grome.bookings.errors import OutsideWindow
from grome.bookings.models import Action, Booking, Party, Status, find_newest_entry

# A visit may start early; a start with a longer lead is taken for a mistake.
START_BEFORE: Final = timedelta(hours=2)
# A barber may set out early; what lasts longer than this is no single trip.
SET_OUT_BEFORE: Final = timedelta(hours=3)
# A busy barber may still record afterwards that a visit took place.
RECORD_AFTER_END: Final = timedelta(hours=24)
# An open visit is closed this long after its end, when all of its windows have passed.
CLOSE_AFTER_END: Final = 2 * RECORD_AFTER_END
REVIEW_AFTER_COMPLETION: Final = timedelta(days=90)
SEAT_AFTER_JOINING: Final = timedelta(hours=24)


class Window(NamedTuple):
    """Holds the span of time in which an action is allowed. Both ends are included; None is an open end."""

    opens_at: datetime | None = None
    closes_at: datetime | None = None

    def contains(self, now: datetime) -> bool:
        return not self.is_before(now) and not self.is_after(now)

    def is_before(self, now: datetime) -> bool:
        """Return whether the window opens after `now`."""
        return self.opens_at is not None and now < self.opens_at

    def is_after(self, now: datetime) -> bool:
        """Return whether the window closed before `now`."""
        return self.closes_at is not None and now > self.closes_at

    def check(self, now: datetime) -> None:
        """Check that the window contains `now`. Raises OutsideWindow."""
        if self.opens_at is not None and now < self.opens_at:
            raise OutsideWindow(f"This is possible from {self.opens_at.isoformat()}.")
        if self.closes_at is not None and now > self.closes_at:
            raise OutsideWindow(f"This was possible until {self.closes_at.isoformat()}.")


ALWAYS: Final = Window()


def window_of(booking: Booking, action: Action, party: Party) -> Window:
    """Return the window of an action. The state of the booking and the rights of the party are checked elsewhere."""
    by_party = _WINDOWS[action]
    window = by_party.get(party) if isinstance(by_party, Mapping) else by_party
    return window(booking) if window else ALWAYS


def review_window(booking: Booking) -> Window:
    """Return when the customer may write the review of a completed visit."""
    completed_at = _moved_at(booking, Action.COMPLETE) or booking.ends_at
    return Window(None, completed_at + REVIEW_AFTER_COMPLETION)


def seat_window(joined_at: datetime) -> Window:
    """Return the window for seating a walk-in: 24 hours, since an opening over midnight ends within this time."""
    return Window(None, joined_at + SEAT_AFTER_JOINING)


def find_overdue_action(booking: Booking, now: datetime) -> Action | None:
    """Return the action that closes a booking after its last window: CANCEL or COMPLETE; None before that.

    A visit that was not started is cancelled at no cost to the customer. A started visit counts as completed.
    """
    if booking.status is Status.ACCEPTED and now > booking.ends_at + CLOSE_AFTER_END:
        return Action.CANCEL
    if booking.status is Status.IN_PROGRESS and _complete(booking).is_after(now):
        return Action.COMPLETE
    return None


def _start(booking: Booking) -> Window:
    return Window(booking.scheduled_at - START_BEFORE, _record_until(booking))


def _complete(booking: Booking) -> Window:
    started_at = _moved_at(booking, Action.START)
    return Window(None, max(booking.ends_at, started_at or booking.ends_at) + RECORD_AFTER_END)


def _no_show(booking: Booking) -> Window:
    return Window(*no_show_window(booking))


def _undo(booking: Booking) -> Window:
    entry = find_newest_entry(booking, Action.START, Action.NO_SHOW)
    return Window(None, entry.at + UNDO_AFTER_MOVE) if entry else ALWAYS


def _tip(booking: Booking) -> Window:
    return Window(None, tip_until(booking))


def _until_start(booking: Booking) -> Window:
    return Window(None, booking.scheduled_at - INSTANT)


def _until_notice(booking: Booking) -> Window:
    last, start = reschedule_until(booking), booking.scheduled_at - INSTANT
    return Window(None, min(last, start) if last and booking.status is Status.ACCEPTED else start)


def _until_answer(booking: Booking) -> Window:
    """Return the window up to the deadline of the open proposal, or else of the request."""
    deadline = booking.proposal.answer_by if booking.proposal else booking.answer_by
    return Window(None, deadline - INSTANT) if deadline else ALWAYS


def _set_out(booking: Booking) -> Window:
    return Window(booking.scheduled_at - SET_OUT_BEFORE, booking.ends_at)


def _until_recorded(booking: Booking) -> Window:
    return Window(None, _record_until(booking))


def _late(booking: Booking) -> Window:
    """Return the window of a delay: the window of completion for a visit in progress, else of the start."""
    return Window(None, (_complete(booking) if booking.status is Status.IN_PROGRESS else _start(booking)).closes_at)


def _record_until(booking: Booking) -> datetime:
    return booking.ends_at + RECORD_AFTER_END


def _moved_at(booking: Booking, action: Action) -> datetime | None:
    entry = find_newest_entry(booking, action)
    return entry.at if entry else None


_WindowRule = Callable[[Booking], Window]
# An action has a rule for all parties, or a mapping with rules of single parties; parties left out have no limits.
# CREATE and OFFER depend on availability, EXPIRE and LAPSE on deadlines, PAY on the payments.
_WINDOWS: Final[Mapping[Action, _WindowRule | Mapping[Party, _WindowRule]]] = {
    Action.CREATE: {},
    Action.OFFER: {},
    Action.ACCEPT: _until_answer,
    Action.DECLINE: _until_answer,
    Action.START: _start,
    Action.COMPLETE: _complete,
    Action.CANCEL: {Party.CUSTOMER: _until_start, Party.BARBER: _until_recorded},
    Action.EXPIRE: {},
    Action.NO_SHOW: _no_show,
    Action.UNDO: _undo,
    Action.RESCHEDULE: {Party.CUSTOMER: _until_notice, Party.BARBER: _until_start, Party.ADMIN: _until_start},
    Action.PROPOSE: _until_start,
    Action.REJECT: _until_answer,
    Action.WITHDRAW: _until_answer,
    Action.LAPSE: {},
    Action.DELAY: _late,
    Action.TIP: _tip,
    Action.NOTE: {Party.CUSTOMER: _until_recorded},
    Action.PAY: {},
    Action.SET_OUT: _set_out,
    Action.TURN_BACK: {},
    Action.ARRIVE: {},
}
