"""Work out the time that a change of a booking frees, and the end of an offer. No I/O."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from grome.bookings.models import ANNOTATIONS, TIME_CHANGING, Action, Booking, HistoryEntry, Party, Reason, Status
from grome.waitlist.models import DateRange, DeclinedSlot, OfferEnd

_DAY: Final = timedelta(days=1)
# Actions by which a booking gives up all or part of its time.
_TIME_RELEASING: Final = frozenset(
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
_PROPOSAL_KEEPING: Final = frozenset({Action.DELAY, *ANNOTATIONS})
_PROPOSAL_CLOSING: Final = frozenset({Action.RESCHEDULE, Action.REJECT, Action.WITHDRAW, Action.LAPSE})
_AGREED_STATUSES: Final = frozenset({Status.ACCEPTED, Status.IN_PROGRESS, Status.COMPLETED})


def freed_dates(booking: Booking, version: int, zone: ZoneInfo) -> DateRange | None:
    """Return the local dates on which time may be bookable since this version; None if none was freed.

    A visit blocks more than its own minutes: buffers, which may reach over midnight, the travel to a house call, and a
    seat of its date's caps. So the dates beside it count too.
    """
    starts = _released_starts(booking, version)
    if not starts:
        return None
    way = timedelta(minutes=booking.house_call.travel_min if booking.house_call else 0)
    end = max(starts) + (booking.ends_at - booking.scheduled_at)
    return DateRange((min(starts) - way).astimezone(zone).date() - _DAY, (end + way).astimezone(zone).date() + _DAY)


def _released_starts(booking: Booking, version: int) -> list[datetime]:
    """Return the starts of the visits that the booking held before this version and gave up with it."""
    history = booking.history
    index = next((number for number, entry in enumerate(history) if entry.version == version), None)
    if index is None:  # the entry was merged into another one
        return [booking.scheduled_at]
    action, before = history[index].action, history[:index]
    starts: list[datetime] = []
    if action in _TIME_RELEASING:
        times = (entry.scheduled_at for entry in reversed(before) if entry.action in TIME_CHANGING)
        starts.append(next((time for time in times if time), booking.scheduled_at))
    if action not in _PROPOSAL_KEEPING and (proposed := _open_proposal(before)):
        starts.append(proposed)
    return starts


def _open_proposal(history: Sequence[HistoryEntry]) -> datetime | None:
    """Return the start of the proposal that is open after these entries; None if no proposal is open."""
    for number in range(len(history) - 1, -1, -1):
        entry = history[number]
        if entry.action is Action.PROPOSE:
            return entry.scheduled_at
        if entry.action in _PROPOSAL_CLOSING:
            return None
        if number and history[number - 1].status is not entry.status:
            return None  # a change of state closes the proposal
    return None


def is_offer_open(booking: Booking) -> bool:
    """Return whether an offer still awaits the answer of the customer, or then of the barber."""
    return booking.status is Status.REQUESTED


def is_agreed(booking: Booking) -> bool:
    """Return whether both sides have ever agreed to the visit, regardless of later changes."""
    return booking.status in _AGREED_STATUSES or any(entry.status in _AGREED_STATUSES for entry in booking.history)


def offer_end_of(booking: Booking) -> OfferEnd:
    """Return the end of an offer without agreement. A missing answer of the barber does not count as the customer's."""
    ran_out = booking.reason is Reason.EXPIRED and not _has_customer_agreed(booking)
    return OfferEnd(DeclinedSlot(booking.barber_id, booking.scheduled_at), ran_out)


def is_declined_by_customer(booking: Booking) -> bool:
    """Return whether an offer ended because its customer declined it or did not answer."""
    return booking.status is Status.CANCELLED and not is_agreed(booking) and not _has_customer_agreed(booking)


def _has_customer_agreed(booking: Booking) -> bool:
    return any(entry.action is Action.ACCEPT and entry.by is Party.CUSTOMER for entry in booking.history)
