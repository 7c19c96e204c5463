"""What a change of a booking may have made bookable, and how it ends an offer. Values in, values out."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from grome.bookings.models import TIMED, Action, Booking, HistoryEntry, Party, Reason, Status
from grome.waitlist.models import Dates, Ended, Passed

_DAY: Final = timedelta(days=1)
# With these a booking gives up the time that it had, or some of it.
_GIVES_UP_TIME: Final = frozenset(
    {
        Action.DECLINE,
        Action.CANCEL,
        Action.EXPIRE,
        Action.NO_SHOW,
        Action.COMPLETE,
        Action.RESCHEDULE,
        Action.DELAY,
    }
)
_KEEPS_PROPOSAL: Final = frozenset({Action.DELAY, Action.TIP, Action.NOTE})
_CLOSES_PROPOSAL: Final = frozenset({Action.RESCHEDULE, Action.REJECT, Action.WITHDRAW, Action.LAPSE})
_AGREED: Final = frozenset({Status.ACCEPTED, Status.IN_PROGRESS, Status.COMPLETED})


def dates_freed(booking: Booking, version: int, zone: ZoneInfo) -> Dates | None:
    """The local dates on which something may be bookable since this version; None if it gave up no time.

    A visit keeps more than its own minutes from others: buffers, which may reach over midnight, the way to a house
    call, and a seat of its date's caps. So the dates beside it count too.
    """
    starts = _times_given_up(booking, version)
    if not starts:
        return None
    way = timedelta(minutes=booking.house_call.travel_min if booking.house_call else 0)
    end = max(starts) + (booking.ends_at - booking.scheduled_at)
    return Dates((min(starts) - way).astimezone(zone).date() - _DAY, (end + way).astimezone(zone).date() + _DAY)


def _times_given_up(booking: Booking, version: int) -> list[datetime]:
    """Where visits began that the booking held until this version, and has given up with it."""
    history = booking.history
    index = next((number for number, entry in enumerate(history) if entry.version == version), None)
    if index is None:  # the entry was merged into another one
        return [booking.scheduled_at]
    action, before = history[index].action, history[:index]
    starts: list[datetime] = []
    if action in _GIVES_UP_TIME:
        times = (entry.scheduled_at for entry in reversed(before) if entry.action in TIMED)
        starts.append(next((time for time in times if time), booking.scheduled_at))
    if action not in _KEEPS_PROPOSAL and (proposed := _open_proposal(before)):
        starts.append(proposed)
    return starts


def _open_proposal(history: Sequence[HistoryEntry]) -> datetime | None:
    """When the visit would be that is proposed after these entries; None if nothing is."""
    for number in range(len(history) - 1, -1, -1):
        entry = history[number]
        if entry.action is Action.PROPOSE:
            return entry.scheduled_at
        if entry.action in _CLOSES_PROPOSAL:
            return None
        if number and history[number - 1].status is not entry.status:
            return None  # another state closes what is proposed
    return None


def is_open(booking: Booking) -> bool:
    """Whether an offer still waits for the customer's word, or for the barber's behind it."""
    return booking.status is Status.REQUESTED


def is_agreed(booking: Booking) -> bool:
    """Whether both sides have agreed to the visit, whatever became of it since."""
    return booking.status in _AGREED or any(entry.status in _AGREED for entry in booking.history)


def ended_offer(booking: Booking) -> Ended:
    """How an offer ended that nobody agreed to. An answer that the barber owes does not count as the customer's."""
    ran_out = booking.reason is Reason.EXPIRED and not _has_customer_agreed(booking)
    return Ended(Passed(booking.barber_id, booking.scheduled_at), ran_out)


def is_refused_by_customer(booking: Booking) -> bool:
    """Whether an offer ended because its customer said no to it, or nothing."""
    return booking.status is Status.CANCELLED and not is_agreed(booking) and not _has_customer_agreed(booking)


def _has_customer_agreed(booking: Booking) -> bool:
    return any(entry.action is Action.ACCEPT and entry.by is Party.CUSTOMER for entry in booking.history)
