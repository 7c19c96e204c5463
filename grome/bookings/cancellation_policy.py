"""Compute the cost of a cancellation and the deadlines of actions, without I/O.

Fees follow the terms that were copied onto the booking. A deposit is the part of the price that is due early, not a
separate fee: the percentages in the terms determine its refund.
"""

from datetime import datetime, timedelta
from typing import Final

from msgspec import structs

from grome.bookings.models import (
    ENDED,
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

# A barber waits this long for a late customer, and can record a no-show this long after the end of the visit.
NO_SHOW_AFTER_START: Final = timedelta(minutes=5)
NO_SHOW_AFTER_END: Final = timedelta(hours=24)
TIP_AFTER_END: Final = timedelta(days=30)
UNDO_AFTER_MOVE: Final = timedelta(minutes=15)
# The resolution of stored moments; adding or subtracting it gives the moment after or before a moment.
INSTANT: Final = timedelta(milliseconds=1)
_FULL_PERCENT: Final = 100
_PROPOSAL_ACTIONS: Final = frozenset(
    {Action.PROPOSE, Action.RESCHEDULE, Action.REJECT, Action.WITHDRAW, Action.LAPSE, *TRANSITIONS}
)


def settlement_for(booking: Booking, reason: Reason, now: datetime) -> Settlement:
    """Compute the customer's cost if the booking ends for this reason.

    The fee is the price less the refunded part. Only a late cancellation by the customer or a no-show costs a fee, and
    not if the barber is late; an end by any other party costs nothing.
    """
    fee, paid = (
        booking.price - refund_amount(booking.price, _refund_percent(booking, reason, now)),
        booking.payment.paid - booking.payment.refunded,
    )
    return Settlement(fee, refund=max(0, paid - fee), due=max(0, fee - paid))


def settles_at(booking: Booking) -> datetime | None:
    """Return the moment from which the end of a booking is final; None while it has not ended.

    Payments act on the settlement only from then on, because an undone no-show costs nothing.
    """
    if booking.status not in ENDED:
        return None
    entry = next((each for each in reversed(booking.history) if each.action in TRANSITIONS), None)
    if entry is None:
        return booking.ends_at
    return entry.at + UNDO_AFTER_MOVE + INSTANT if entry.action is Action.NO_SHOW else entry.at


def refund_amount(price: int, percent: int) -> int:
    """Return the part of the price in minor units, rounded half to even."""
    return percent_of(price, percent)


def free_until(booking: Booking) -> datetime | None:
    """Return the last moment of free cancellation by the customer, which may have passed; None if it is always free."""
    return None if booking.terms.cancellation.late_refund_percent == _FULL_PERCENT else notice_until(booking)


def notice_until(booking: Booking) -> datetime | None:
    """Return the last moment at which the customer's cancellation is in time, or None if it is never late.

    A cancellation is never late while the request is not accepted or the deposit is not paid, or if the barber is late.
    While a proposal awaits
    the customer, the customer may also cancel in time until the deadline of the proposal.
    """
    proposal = booking.proposal
    if booking.status is Status.REQUESTED or booking.payment.pay_by or booking.late_min:
        return None
    last = booking.scheduled_at - timedelta(minutes=booking.terms.cancellation.cancel_notice_min)
    return max(last, proposal.answer_by) if proposal and proposal.awaits is Party.CUSTOMER else last


def is_late(booking: Booking, now: datetime) -> bool:
    """Return whether a cancellation by the customer is late now. Fees and promo codes follow this one definition."""
    last = notice_until(booking)
    return last is not None and now > last


def uses_up_promo_code(booking: Booking) -> bool:
    """Return whether a cancelled booking uses up its promo code: after a late cancellation or a no-show.

    The history tells the state just before the cancellation. If the barber was late, the code is not used up.
    """
    number = len(booking.history) - 1
    while number > 0 and booking.history[number - 1].status is Status.CANCELLED:
        number -= 1
    if booking.reason is Reason.NO_SHOW:
        return not booking.late_min
    if booking.reason is not Reason.CUSTOMER or number == 0:
        return False
    before = booking.history[:number]
    if _awaits_customer(before):  # in time, since the proposal had not lapsed yet
        return False
    earlier = structs.replace(booking, status=before[-1].status, proposal=None)
    return is_late(earlier, booking.history[number].at)


def gives_promo_use_back(booking: Booking) -> bool:
    """Return whether a booking's end gives the use of its promo code back to its customer.

    A customer that does not come, or cancels an accepted visit late, has used the code, by the same rule as for fees.
    An end by the barber or by Grome, or of a request that was never accepted, gives the use back.
    """
    return booking.status is Status.CANCELLED and not uses_up_promo_code(booking)


def _awaits_customer(history: list[HistoryEntry]) -> bool:
    """Return whether the last entries leave a proposal of the barber open."""
    newest = next((entry for entry in reversed(history) if entry.action in _PROPOSAL_ACTIONS), None)
    return newest is not None and newest.action is Action.PROPOSE and newest.by is Party.BARBER


def reschedule_until(booking: Booking) -> datetime | None:
    """Return the last moment at which the customer may reschedule an accepted visit, or None.

    Returns None if the barber was late or wants another time.
    """
    wanted_by_barber = booking.proposal is not None and booking.proposal.awaits is Party.CUSTOMER
    if booking.late_min or wanted_by_barber:
        return None
    return booking.scheduled_at - timedelta(minutes=booking.terms.cancellation.reschedule_notice_min)


def no_show_window(booking: Booking) -> tuple[datetime, datetime]:
    """Return the first and the last moment at which a barber may record a no-show, both included."""
    return booking.scheduled_at + NO_SHOW_AFTER_START, booking.ends_at + NO_SHOW_AFTER_END


def tip_until(booking: Booking) -> datetime:
    """Return the last moment for a tip on a completed visit."""
    completed = next(entry for entry in reversed(booking.history) if entry.action is Action.COMPLETE)
    return completed.at + TIP_AFTER_END


def _refund_percent(booking: Booking, reason: Reason, now: datetime) -> int:
    """Return the percentage of the price that goes back to the customer."""
    policy = booking.terms.cancellation
    if reason is Reason.NO_SHOW and not booking.late_min:
        return policy.no_show_refund_percent
    return policy.late_refund_percent if reason is Reason.CUSTOMER and is_late(booking, now) else _FULL_PERCENT
