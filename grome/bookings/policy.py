"""What the end of a booking costs its customer, and until when things can be done: values in, values out.

Fees follow the terms that were copied onto the booking. A deposit is a part of the price that is due early and no fee
of its own: how much of it goes back is what the percentages of the terms say.
"""

from datetime import datetime, timedelta
from typing import Final

from msgspec import structs

from grome.bookings.models import (
    TRANSITIONS,
    Action,
    Booking,
    HistoryEntry,
    Party,
    Reason,
    Settlement,
    Status,
)
from grome.common.figures import percent_of

# A barber gives a customer who is late so long, and has so long after the visit's end to say that nobody came.
NO_SHOW_AFTER_START: Final = timedelta(minutes=5)
NO_SHOW_AFTER_END: Final = timedelta(hours=24)
TIP_AFTER_END: Final = timedelta(days=30)
_ALL: Final = 100
_ABOUT_PROPOSALS: Final = frozenset(
    {Action.PROPOSE, Action.RESCHEDULE, Action.REJECT, Action.WITHDRAW, Action.LAPSE, *TRANSITIONS}
)


def settle(booking: Booking, reason: Reason, now: datetime) -> Settlement:
    """What the booking's end for this reason costs its customer; the fee is the price less what goes back of it.

    Only customers who cancel late or do not come pay a fee, and not where the barber is late; whoever else ends a
    booking, it costs nothing.
    """
    fee, paid = booking.price - refunded(booking.price, _percent(booking, reason, now)), booking.payment.paid
    return Settlement(fee, refund=max(0, paid - fee), due=max(0, fee - paid))


def refunded(price: int, percent: int) -> int:
    """In minor units, rounded half to even."""
    return percent_of(price, percent)


def free_until(booking: Booking) -> datetime | None:
    """The last moment at which the customer may cancel at no cost, which may have passed; None where there is no last.

    There is none either where the terms know no fee.
    """
    return None if booking.terms.cancellation.late_refund_percent == _ALL else notice_until(booking)


def notice_until(booking: Booking) -> datetime | None:
    """Return the last moment at which the customer's cancellation is in time, or None if none is late.

    None is late while nobody has accepted the request, and where the barber is late. While the barber waits for the
    customer's word on another time, cancelling is one of the answers.
    """
    proposal = booking.proposal
    if booking.status is Status.REQUESTED or booking.late_min:
        return None
    last = booking.scheduled_at - timedelta(minutes=booking.terms.cancellation.cancel_notice_min)
    return max(last, proposal.answer_by) if proposal and proposal.awaits is Party.CUSTOMER else last


def is_late(booking: Booking, now: datetime) -> bool:
    """Return whether a cancellation by the customer is late now. Fees and promo codes follow this one definition."""
    last = notice_until(booking)
    return last is not None and now > last


def is_used(booking: Booking) -> bool:
    """Return whether a cancelled booking counts as one that its customer used up: late, or did not come.

    Judged as it was just before its end, from its history. Where the barber is late, the customer is not.
    """
    number = len(booking.history) - 1
    while number > 0 and booking.history[number - 1].status is Status.CANCELLED:
        number -= 1
    if booking.reason is Reason.NO_SHOW:
        return not booking.late_min
    if booking.reason is not Reason.CUSTOMER or number == 0:
        return False
    before = booking.history[:number]
    if _is_asked(before):  # cancelling was one of the answers, and in time: else the proposal had lapsed first
        return False
    there = structs.replace(booking, status=before[-1].status, proposal=None)
    return is_late(there, booking.history[number].at)


def _is_asked(history: list[HistoryEntry]) -> bool:
    """Return whether the last entries leave a proposal of the barber open."""
    newest = next((entry for entry in reversed(history) if entry.action in _ABOUT_PROPOSALS), None)
    return newest is not None and newest.action is Action.PROPOSE and newest.by is Party.BARBER


def reschedule_until(booking: Booking) -> datetime | None:
    """The last moment at which the customer may move an accepted visit; None where there is no last.

    There is none where it was the barber who was late, or who wants another time.
    """
    wanted_by_barber = booking.proposal is not None and booking.proposal.awaits is Party.CUSTOMER
    if booking.late_min or wanted_by_barber:
        return None
    return booking.scheduled_at - timedelta(minutes=booking.terms.cancellation.reschedule_notice_min)


def no_show_window(booking: Booking) -> tuple[datetime, datetime]:
    """From when until when, both included, a barber may say that the customer did not come."""
    return booking.scheduled_at + NO_SHOW_AFTER_START, booking.ends_at + NO_SHOW_AFTER_END


def tip_until(booking: Booking) -> datetime:
    """The last moment for a tip on a completed visit."""
    completed = next(entry for entry in reversed(booking.history) if entry.action is Action.COMPLETE)
    return completed.at + TIP_AFTER_END


def _percent(booking: Booking, reason: Reason, now: datetime) -> int:
    """How much of the price goes back to the customer."""
    policy = booking.terms.cancellation
    if reason is Reason.NO_SHOW and not booking.late_min:
        return policy.no_show_refund_percent
    return policy.late_refund_percent if reason is Reason.CUSTOMER and is_late(booking, now) else _ALL
