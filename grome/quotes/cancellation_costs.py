"""Calculate in advance the costs of ending a booking, by the rules of `grome/bookings/cancellation_policy.py`."""

from datetime import datetime

import msgspec

from grome.bookings.cancellation_policy import free_until, settlement_for
from grome.bookings.models import Booking, Reason, Status
from grome.quotes.models import CancellingCost, Costs


def cancellation_costs(booking: Booking, now: datetime) -> Costs:
    """Calculate the costs of a booking created `now`, as if it were accepted and its deposit paid at once."""
    payment = msgspec.structs.replace(booking.payment, pay_by=None)
    accepted = msgspec.structs.replace(booking, status=Status.ACCEPTED, payment=payment)
    no_show = settlement_for(accepted, Reason.NO_SHOW, now).fee
    last = free_until(accepted)
    if last is None:
        return Costs([CancellingCost(None, 0)], no_show)
    late = settlement_for(accepted, Reason.CUSTOMER, last + datetime.resolution).fee
    free = [CancellingCost(last, 0)] if now <= last and late else []
    return Costs([*free, CancellingCost(None, late)], no_show)
