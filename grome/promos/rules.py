"""Calculate a promo's discount on a visit. No I/O.

A percentage is rounded to the minor unit, half to even (IEEE 754's roundTiesToEven): over many visits it favours
neither side.
"""

from datetime import datetime

from grome.common.figures import percent_of
from grome.promos.models import PricedVisit, Promo, RejectionReason


def calculate_discount(promo: Promo, visit: PricedVisit, now: datetime) -> int | RejectionReason:
    """Return the discount in minor units: above 0, and at most the price of the eligible services.

    Conditions that depend on other uses and bookings are not checked here: limits, and whether a visit is the first.
    """
    eligible = [price for service_id, price in visit.services if _is_eligible(promo, service_id)]
    if obstacle := _find_rejection(promo, visit, now):
        return obstacle
    if not eligible:
        return RejectionReason.OTHER_SERVICES
    return _amount_off(promo, sum(eligible)) or RejectionReason.MINIMUM


def _find_rejection(promo: Promo, visit: PricedVisit, now: datetime) -> RejectionReason | None:
    if not promo.is_active or (promo.valid_until and promo.valid_until <= now):
        return RejectionReason.EXPIRED
    if promo.valid_from and now < promo.valid_from:
        return RejectionReason.NOT_YET
    if promo.barber_ids and visit.barber_id not in promo.barber_ids:
        return RejectionReason.NOT_HERE
    if promo.currency and promo.currency != visit.currency:
        return RejectionReason.CURRENCY
    if promo.minimum_price and visit.price < promo.minimum_price:
        return RejectionReason.MINIMUM
    return None


def _is_eligible(promo: Promo, service_id: object) -> bool:
    return not promo.service_ids or service_id in promo.service_ids


def _amount_off(promo: Promo, price: int) -> int:
    amount = promo.amount or percent_of(price, promo.percent or 0)
    return min(amount, price, promo.at_most or price)
