"""Compute the figures of a booking for reports, messages and calendar entries, without I/O.

`Booking.price` is the net price: the list price of the services with their add-ons, less the discount. A tip comes on
top and is part of no other figure.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import NamedTuple

from grome.bookings.models import BookedService, Booking
from grome.common.figures import price_of, split
from grome.common.money import MOST_AMOUNT


class ServiceFigures(NamedTuple):
    """Holds the list price of a service with its add-ons, its share of the discount, and the difference."""

    service: BookedService
    gross: int
    discount: int
    net: int


class PriceLine(NamedTuple):
    """Holds one line of a bill at its list price."""

    name: str
    amount: int
    is_add_on: bool


def gross_price(booking: Booking) -> int:
    """Return the list price of the services with their add-ons."""
    return price_of(booking.services)


def service_figures(booking: Booking) -> list[ServiceFigures]:
    """Return the figures of each service; the net prices add up to the price of the booking.

    A discount is split over all services in proportion to their list prices, by largest remainder.
    """
    gross = [service.total_price for service in booking.services]
    discounts = split(sum(gross) - booking.price, gross)
    return [
        ServiceFigures(service, whole, less, whole - less)
        for service, whole, less in zip(booking.services, gross, discounts, strict=True)
    ]


def price_lines(services: Iterable[BookedService]) -> Iterator[PriceLine]:
    """Iterate the lines of a bill: each service, followed by its add-ons."""
    for service in services:
        yield PriceLine(service.name, service.price, is_add_on=False)
        yield from (PriceLine(add_on.name, add_on.price, is_add_on=True) for add_on in service.add_ons)


def visible_min(booking: Booking) -> int:
    """Return the minutes from start to end that the customer sees.

    A walk-in may be planned shorter or longer than its services.
    """
    return (booking.ends_at - booking.scheduled_at) // timedelta(minutes=1)


def max_tip(booking: Booking) -> int:
    """Return the highest tip with which price and tip together can still be stored."""
    return MOST_AMOUNT - booking.price
