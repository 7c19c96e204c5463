"""Calculate a promo's discount on a visit. No I/O.

A percentage is rounded to the minor unit, half to even (IEEE 754's roundTiesToEven): over many visits it favours
neither side.
"""

from datetime import datetime

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
