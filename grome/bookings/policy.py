"""What the end of a booking costs its customer, and until when things can be done: values in, values out.

Fees follow the terms that were copied onto the booking. A deposit is a part of the price that is due early and no fee
of its own: how much of it goes back is what the percentages of the terms say.
"""

from datetime import datetime, timedelta
from typing import Final

from grome.bookings.models import Action, Booking, Party, Reason, Settlement, Status
from grome.common.figures import percent_of

# A barber gives a customer who is late so long, and has so long after the visit's end to say that nobody came.
NO_SHOW_AFTER_START: Final = timedelta(minutes=5)
NO_SHOW_AFTER_END: Final = timedelta(hours=24)
TIP_AFTER_END: Final = timedelta(days=30)
_ALL: Final = 100


def settle(booking: Booking, reason: Reason, now: datetime) -> Settlement:
    """What the booking's end for this reason costs its customer; the fee is the price less what goes back of it.

    Only customers who cancel late or do not come pay a fee; whoever else ends a booking, it costs nothing.
    """
    fee, paid = booking.price - refunded(booking.price, _percent(booking, reason, now)), booking.payment.paid
    return Settlement(fee, refund=max(0, paid - fee), due=max(0, fee - paid))


def refunded(price: int, percent: int) -> int:
    """In minor units, rounded half to even."""
    return percent_of(price, percent)


def free_until(booking: Booking) -> datetime | None:
    """The last moment at which the customer may cancel at no cost, which may have passed; None where there is no last.

    There is none while nobody has accepted the request, where the barber is late, and where the terms know no fee.
    While the barber waits for the customer's word on another time, cancelling is one of the answers.
    """
    policy, proposal = booking.terms.cancellation, booking.proposal
    if booking.status is Status.REQUESTED or booking.late_min or policy.late_refund_percent == _ALL:
        return None
    last = booking.scheduled_at - timedelta(minutes=policy.cancel_notice_min)
    return max(last, proposal.answer_by) if proposal and proposal.awaits is Party.CUSTOMER else last


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
    if reason is Reason.NO_SHOW:
        return policy.no_show_refund_percent
    last = free_until(booking)
    is_late = reason is Reason.CUSTOMER and last is not None and now > last
    return policy.late_refund_percent if is_late else _ALL
