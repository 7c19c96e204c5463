"""Steps of customers in the app, each with its checks.

The scenarios define which customers take which steps, and how often.
"""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from people import Ask, Person
from places import CITY_KM
from promises import (
    Booking,
    BookingPage,
    NearbyBarber,
    NearbyPage,
    Offer,
    Point,
    Search,
    Slot,
    Slots,
    check_booked,
    check_cancelled,
    check_listed,
    check_next_page,
    check_nobody_lost,
    check_page,
    check_same_booking,
    check_slots,
    hold,
)

RADII_KM: Final = (1, 2, 5, 10)  # the zoom levels of a map, from a quarter to a whole city
MOST: Final = 100  # rows that a page may have
DAYS: Final = 7  # a week of free times; one that begins in six days still lies within the shortest demo horizon


class Wish(Struct, frozen=True):
    """A time of a barber that was offered for these services."""

    barber_id: UUID
    offers: list[Offer]
    slot: Slot


class Customer(Person):
    """`known` is the result of the first search."""

    abstract = True
    role = "customer"
    known: list[NearbyBarber]

    def arrive(self) -> None:
        self.known = first_look(self)

    def look_around(self, point: Point, why: str) -> tuple[Search, NearbyPage]:
        """Half of them search without filters; the others search for barbers that are online, or for the cheapest."""
        search = Search(lat=point.lat, lng=point.lng, radius_km=random.choice(RADII_KM))
        search = random.choice((search, search, replace(search, online="true"), replace(search, sort="price")))
        with self.asking(search_ask(search, why), NearbyPage) as page:
            check_page(search, page)
        return search, page

    def scroll(self, search: Search, page: NearbyPage) -> NearbyPage:
        """The page after `page`, which has one."""
        further = replace(search, cursor=page.next_cursor)
        with self.asking(search_ask(further, "next page"), NearbyPage) as following:
            check_page(further, following)
            check_next_page(search, page, following)
        return following

    def narrow(self, search: Search, seen: Sequence[NearbyBarber]) -> None:
        """Search for a service of a barber on the page, and expect all barbers that offer it."""
        model = random.choice(seen)
        offer = random.choice(model.services)
        narrowed = replace(
            search,
            sort=random.choice(("distance", "rating", "price")),
            service_id=random.choice((None, offer.service_id)),
            price_max=offer.price,
            rating_min=random.choice((None, model.rating)),
            online=None,
        )
        with self.asking(search_ask(narrowed, "narrowed"), NearbyPage) as page:
            check_page(narrowed, page)
            check_nobody_lost(narrowed, seen, page)

    def free_times(self, barber: NearbyBarber, begin_in: int) -> list[Wish]:
        """In the week that begins in so many days, for one of the barber's services or two.

        Without the first of them, which may come too close to be booked while the customer thinks.
        """
        offers = random.sample(barber.services, min(len(barber.services), random.choice((1, 1, 2))))
        first = datetime.now(UTC).date() + timedelta(days=begin_in)
        last = first + timedelta(days=DAYS - 1)
        services = ",".join(str(offer.service_id) for offer in offers)
        query = urlencode({"from": first, "to": last, "service_ids": services})
        ask = Ask("GET", f"/v1/barbers/{barber.id}/slots?{query}", "/v1/barbers/{id}/slots")
        with self.asking(ask, Slots) as slots:
            check_slots(first, last, offers, slots)
        return [Wish(barber.id, offers, slot) for day in slots.days for slot in day.slots][1:]

    def book(self, wish: Wish, key: str) -> Booking:
        """Book a listed time, which succeeds unless another customer was faster."""
        with self.asking(booking_ask(wish, key, "/v1/bookings"), Booking) as booking:
            check_booked(wish.barber_id, wish.offers, wish.slot, self.id, booking)
        return booking

    def read(self, booking: Booking) -> None:
        ask = Ask("GET", f"/v1/bookings/{booking.id}", "/v1/bookings/{id}")
        with self.asking(ask, Booking) as found:
            check_same_booking(booking, found)

    def find_in_list(self, booking: Booking) -> None:
        with self.asking(Ask("GET", "/v1/bookings", "/v1/bookings"), BookingPage) as page:
            check_listed(booking, page)

    def cancel(self, booking: Booking) -> Booking:
        """Unless its barber has begun or ended it meanwhile."""
        ask = Ask("POST", f"/v1/bookings/{booking.id}/cancel", "/v1/bookings/{id}/cancel", {}, lost="wrong_state")
        with self.asking(ask, Booking) as ended:
            check_cancelled(booking, ended)
        return ended


def first_look(person: Person) -> list[NearbyBarber]:
    """The barbers with offers around the centre of the city, nearest first; all that follows needs some."""
    around = Search(lat=person.centre.lat, lng=person.centre.lng, radius_km=CITY_KM, limit=MOST)
    with person.asking(search_ask(around, "first look"), NearbyPage) as page:
        check_page(around, page)
        offering = [barber for barber in page.items if barber.services]
        hold(bool(offering), "nobody in this city offers anything: --lat and --lng choose another", around)
    return offering


def search_ask(search: Search, why: str) -> Ask:
    """Counted apart by `why`, so that the rows of one table can be compared."""
    query = urlencode(msgspec.to_builtins(search))
    return Ask("GET", f"/v1/barbers/nearby?{query}", f"/v1/barbers/nearby ({why})")


def booking_ask(wish: Wish, key: str, name: str) -> Ask:
    wanted = {
        "barber_id": wish.barber_id,
        "service_ids": [offer.service_id for offer in wish.offers],
        "scheduled_at": wish.slot.start,
    }
    return Ask("POST", "/v1/bookings", name, wanted, key, HTTPStatus.CREATED, "slot_taken")
