"""The promises of the API to clients: the fields that clients read, and their invariants.

It stands apart from the product's own schemas on purpose: a change that breaks clients shows here, and the machine that
makes the load needs neither Grome nor its settings. Fields that are not named here may come and go.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Annotated, Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct
from msgspec.structs import replace

EARTH_M: Final = 6_378_100  # the sphere that distances are measured on
ROUNDING_M: Final = 0.1  # `distance_m` comes with one digit
TOLERANCE_M: Final = 1.0  # between two ways to work out the same distance

Price = Annotated[int, Meta(ge=0)]
Instant = Annotated[datetime, Meta(tz=True)]


class Broken(Exception):
    """A promise that an answer does not keep.

    `sentence` is constant, because Locust counts failures by it; `seen` is the part of the response at fault.
    """

    def __init__(self, sentence: str, seen: object = "") -> None:
        super().__init__(sentence)
        self.seen = seen


def hold(fact: bool, sentence: str, seen: object = "") -> None:  # noqa: FBT001 -- reads as the promise itself
    """Raise Broken where `fact` is not so."""
    if not fact:
        raise Broken(sentence, seen)


class Problem(Struct, frozen=True):
    status: int
    code: str
    title: str
    request_id: str
    detail: str = ""


class User(Struct, frozen=True):
    id: UUID
    role: Literal["customer", "barber", "admin"]


class Tokens(Struct, frozen=True):
    access_token: str
    refresh_token: str
    expires_in: Annotated[int, Meta(gt=0)]
    token_type: Literal["Bearer"]


class SignedIn(Tokens, frozen=True):
    user: User


class Point(Struct, frozen=True):
    lat: Annotated[float, Meta(ge=-90, le=90)]
    lng: Annotated[float, Meta(ge=-180, le=180)]


class Offer(Struct, frozen=True):
    service_id: UUID
    name: str
    price: Price
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")]
    duration_min: Annotated[int, Meta(gt=0)]


class NearbyBarber(Struct, frozen=True):
    id: UUID
    name: str
    location: Point
    distance_m: Annotated[float, Meta(ge=0)]
    rating: Annotated[float, Meta(ge=0, le=5)] | None
    reviews_count: Annotated[int, Meta(ge=0)]
    is_online: bool
    services: list[Offer]


class NearbyPage(Struct, frozen=True):
    items: list[NearbyBarber]
    next_cursor: str | None


class Profile(Struct, frozen=True):
    id: UUID
    name: str
    location: Point
    timezone: str
    currency: str
    is_online: bool
    services: list[Offer]


class Slot(Struct, frozen=True):
    start: Instant
    end: Instant


class Day(Struct, frozen=True):
    date: date
    slots: list[Slot]


class Slots(Struct, frozen=True):
    timezone: str
    days: list[Day]


class BookedService(Struct, frozen=True):
    service_id: UUID
    name: str
    price: Price
    duration_min: int


class Payment(Struct, frozen=True):
    status: str
    amount: Price
    currency: str


class Booking(Struct, frozen=True):
    id: UUID
    status: Literal["requested", "accepted", "in_progress", "completed", "cancelled"]
    customer_id: UUID
    barber_id: UUID
    services: list[BookedService]
    scheduled_at: Instant
    ends_at: Instant
    price: Price
    currency: str
    payment: Payment
    version: Annotated[int, Meta(ge=1)]


class BookingPage(Struct, frozen=True):
    items: list[Booking]
    next_cursor: str | None


class Change(Struct, frozen=True):
    version: int
    status: str


class History(Struct, frozen=True):
    items: list[Change]


class Search(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A search of a client. Without `sort` the nearest come first."""

    lat: float
    lng: float
    radius_km: float
    limit: int = 20
    sort: Literal["distance", "rating", "price"] = "distance"
    service_id: UUID | None = None
    price_max: int | None = None
    rating_min: float | None = None
    online: Literal["true"] | None = None
    cursor: str | None = None

    def fits(self, barber: NearbyBarber) -> bool:
        """Whether a barber is one that the filters leave."""
        priced = self.priced(barber)
        return (
            (self.service_id is None or bool(priced))
            and (self.price_max is None or any(price <= self.price_max for price in priced))
            and (self.rating_min is None or (barber.rating or 0) >= self.rating_min)
            and (self.online is None or barber.is_online)
        )

    def priced(self, barber: NearbyBarber) -> list[int]:
        """The prices that count: those of the wanted service, or all."""
        return [offer.price for offer in barber.services if self.service_id in (None, offer.service_id)]

    def rank(self, barber: NearbyBarber) -> tuple[float, float]:
        """Return the sort keys of the page, ascending."""
        match self.sort:
            case "rating":
                return -(barber.rating or 0), barber.distance_m
            case "price":
                return min(self.priced(barber), default=math.inf), barber.distance_m
            case "distance":
                return 0, barber.distance_m


def check_page(search: Search, page: NearbyPage) -> None:
    """Check one page: its barbers, their distances and their order."""
    barbers = page.items
    hold(len(barbers) <= search.limit, "the page is longer than its limit", len(barbers))
    hold(page.next_cursor is None or len(barbers) == search.limit, "a page with a next one is not full", len(barbers))
    for barber in barbers:
        apart = metres_between(search.lat, search.lng, barber.location)
        told = barber.distance_m
        hold(abs(apart - told) <= TOLERANCE_M, "distance_m is not the distance to the location", (apart, barber))
        hold(told <= search.radius_km * 1000 + ROUNDING_M, "a barber lies outside the radius", barber)
        hold(search.fits(barber), "a barber does not fit the filters", barber)
    ranks = [search.rank(barber) for barber in barbers]
    hold(ranks == sorted(ranks), f"the page does not ascend by {search.sort}", ranks)
    hold(len({barber.id for barber in barbers}) == len(barbers), "a barber comes twice on a page")


def check_next_page(search: Search, before: NearbyPage, page: NearbyPage) -> None:
    """A page that the cursor of `before` led to goes on where that one ended."""
    repeated = {barber.id for barber in before.items} & {barber.id for barber in page.items}
    hold(not repeated, "the next page repeats a barber", repeated)
    if page.items:
        last, first = search.rank(before.items[-1]), search.rank(page.items[0])
        hold(last <= first, "the next page begins before the last one ended", (last, first))


def check_nobody_lost(search: Search, seen: Iterable[NearbyBarber], page: NearbyPage) -> None:
    """Check that barbers in `seen`, from the same point, that match the narrower `search` are on its first page.

    Barbers beyond the end of a full page are not checked. `search` must not filter by online, which changes.
    """
    found = {barber.id for barber in page.items}
    end = search.rank(page.items[-1]) if page.next_cursor else (math.inf, math.inf)
    lost = [one for one in seen if search.fits(one) and search.rank(one) < end and one.id not in found]
    hold(not lost, "a barber who fits the filters is missing", lost)


def metres_between(lat: float, lng: float, place: Point) -> float:
    """Over the ground, by the haversine formula."""
    north, east = math.radians(place.lat - lat) / 2, math.radians(place.lng - lng) / 2
    across = math.cos(math.radians(lat)) * math.cos(math.radians(place.lat)) * math.sin(east) ** 2
    return 2 * EARTH_M * math.asin(math.sqrt(min(1.0, math.sin(north) ** 2 + across)))


def check_slots(first: date, last: date, chosen: Sequence[Offer], slots: Slots) -> None:
    """Every date once, each with its own starts in order, each slot as long as the services take."""
    wanted = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    hold([day.date for day in slots.days] == wanted, "the dates are not those that were asked for", slots.days)
    duration = timedelta(minutes=sum(offer.duration_min for offer in chosen))
    zone = ZoneInfo(slots.timezone)
    for day in slots.days:
        for slot in day.slots:
            hold(slot.end - slot.start == duration, "a slot is not as long as its services", slot)
            hold(slot.start.astimezone(zone).date() == day.date, "a slot stands under another date", (day.date, slot))
    starts = [slot.start for day in slots.days for slot in day.slots]
    hold(all(one < other for one, other in pairwise(starts)), "the slots do not ascend", starts)


def check_booked(barber_id: UUID, chosen: Sequence[Offer], slot: Slot, customer_id: UUID, booking: Booking) -> None:
    """Check that a new booking matches its request."""
    asked = [(offer.service_id, offer.price, offer.duration_min) for offer in chosen]
    got = [(service.service_id, service.price, service.duration_min) for service in booking.services]
    hold(booking.customer_id == customer_id, "the booking is another customer's", booking)
    hold(booking.barber_id == barber_id, "the booking is with another barber", booking)
    hold(got == asked, "the booking is for other services", booking)
    hold(Slot(booking.scheduled_at, booking.ends_at) == slot, "the booking is for another time", booking)
    hold(booking.price == sum(offer.price for offer in chosen), "the price is not the sum of its services", booking)
    hold(booking.payment.amount == booking.price, "the payment is not over the price", booking)
    hold(booking.status in {"requested", "accepted"}, "a new booking is neither requested nor accepted", booking)
    hold(booking.version == 1, "a new booking is not version 1", booking)


def check_same_booking(known: Booking, booking: Booking) -> None:
    """Check that the agreed terms are unchanged; status and payment may have changed."""
    payment = replace(known.payment, status=booking.payment.status)
    moved = replace(known, status=booking.status, version=booking.version, payment=payment)
    hold(booking == moved, "the booking is not the one that was made", (known, booking))
    hold(booking.version >= known.version, "the booking's version went back", (known, booking))


def check_moved(known: Booking, status: str, booking: Booking) -> None:
    """By one step, which nobody else can take between reading a booking and moving it: that would be refused."""
    check_same_booking(known, booking)
    hold(booking.status == status, f"the booking is not {status} after that", booking)
    hold(booking.version == known.version + 1, "one step is not one version", (known, booking))


def check_cancelled(known: Booking, booking: Booking) -> None:
    """Its barber may have accepted it since it was `known`."""
    check_same_booking(known, booking)
    hold(booking.status == "cancelled", "the booking is not cancelled after that", booking)
    hold(booking.version > known.version, "a cancellation is no new version", (known, booking))


def check_listed(booking: Booking, page: BookingPage) -> None:
    """On the first page of its customer's bookings, latest start first, unless it lies behind the page's end."""
    starts = [one.scheduled_at for one in page.items]
    hold(starts == sorted(starts, reverse=True), "the list does not begin with the latest", starts)
    same = [one for one in page.items if one.id == booking.id]
    beyond = page.next_cursor is not None and booking.scheduled_at <= starts[-1]
    hold(bool(same) or beyond, "a booking is missing in its customer's list", booking)
    for one in same:
        check_same_booking(booking, one)


def check_history(booking: Booking, history: History) -> None:
    """One entry a version, and the last is how the booking stands."""
    versions = [change.version for change in history.items]
    hold(versions == list(range(1, booking.version + 1)), "the history does not count the versions", history)
    hold(history.items[-1].status == booking.status, "the history does not end in the status", history)
