"""Figures of a booking. Reports, messages and calendar entries take each from here. No I/O.

`Booking.price` is the net price: the list price of the services with their add-ons, less the discount. A tip is on top
of it and part of no other figure.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import NamedTuple

from grome.bookings.models import BookedService, Booking
from grome.common.figures import price_of, split
from grome.common.money import MOST_AMOUNT


class ServiceFigures(NamedTuple):
    """One service of a booking with its add-ons: its list price, its share of the discount, and the difference."""

    service: BookedService
    gross: int
    discount: int
    net: int


class PriceLine(NamedTuple):
    """One line of a bill at its list price."""

    name: str
    amount: int
    is_add_on: bool


def gross_price(booking: Booking) -> int:
    """The list price of the services with their add-ons."""
    return price_of(booking.services)


def service_figures(booking: Booking) -> list[ServiceFigures]:
    """The figures of each service; their net prices add up to the booking's price.

    A discount is split over all services in proportion to their list prices, by largest remainder.
    """
    gross = [service.total_price for service in booking.services]
    discounts = split(sum(gross) - booking.price, gross)
    return [
        ServiceFigures(service, whole, less, whole - less)
        for service, whole, less in zip(booking.services, gross, discounts, strict=True)
    ]


def price_lines(services: Iterable[BookedService]) -> Iterator[PriceLine]:
    """The lines of a bill: each service, followed by its add-ons."""
    for service in services:
        yield PriceLine(service.name, service.price, is_add_on=False)
        yield from (PriceLine(add_on.name, add_on.price, is_add_on=True) for add_on in service.add_ons)


def visible_min(booking: Booking) -> int:
    """The minutes that the customer sees, from start to end. A walk-in may be planned shorter or longer than its
    services.
    """
    return (booking.ends_at - booking.scheduled_at) // timedelta(minutes=1)


def max_tip(booking: Booking) -> int:
    """The highest tip with which price and tip together are still an amount that can be stored."""
    return MOST_AMOUNT - booking.price
