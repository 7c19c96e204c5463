"""Calculate a promo's discount on a visit, and decide when a use is given back. No I/O.

A percentage is rounded to the minor unit, half to even (IEEE 754's roundTiesToEven): over many visits it favours
neither side.
"""

from datetime import datetime

from grome.bookings.cancellation_policy import is_used
from grome.bookings.models import Booking, Status
from grome.common.figures import percent_of
from grome.promos.models import NotUsable, PricedVisit, Promo


def discount(promo: Promo, visit: PricedVisit, now: datetime) -> int | NotUsable:
    """Return the discount in minor units: above 0, and at most the price of the eligible services.

    Conditions that depend on other uses and bookings are not checked here: limits, and whether a visit is the first.
    """
    eligible = [price for service_id, price in visit.services if _is_for(promo, service_id)]
    if obstacle := _obstacle(promo, visit, now):
        return obstacle
    if not eligible:
        return NotUsable.OTHER_SERVICES
    return _taken_off(promo, sum(eligible)) or NotUsable.MINIMUM


def _obstacle(promo: Promo, visit: PricedVisit, now: datetime) -> NotUsable | None:
    if not promo.is_active or (promo.valid_until and promo.valid_until <= now):
        return NotUsable.EXPIRED
    if promo.valid_from and now < promo.valid_from:
        return NotUsable.NOT_YET
    if promo.barber_ids and visit.barber_id not in promo.barber_ids:
        return NotUsable.NOT_HERE
    if promo.currency and promo.currency != visit.currency:
        return NotUsable.CURRENCY
    if promo.minimum_price and visit.price < promo.minimum_price:
        return NotUsable.MINIMUM
    return None


def _is_for(promo: Promo, service_id: object) -> bool:
    return not promo.service_ids or service_id in promo.service_ids


def _taken_off(promo: Promo, price: int) -> int:
    wanted = promo.amount or percent_of(price, promo.percent or 0)
    return min(wanted, price, promo.at_most or price)


def is_given_back(booking: Booking) -> bool:
    """Return whether a booking's end gives the use of the code back to its customer.

    A customer that does not come, or cancels an accepted visit late, has used the code, by the same rule as for fees
    (`grome/bookings/cancellation_policy.py`). An end by the barber or by Grome, or of a request that was never
    accepted, gives the use back.
    """
    return booking.status is Status.CANCELLED and not is_used(booking)
