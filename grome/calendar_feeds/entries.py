"""Build the calendar event of a booking or of time off, in the localizer's language, without I/O."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from grome.barbers.models import Barber
from grome.bookings.figures import price_lines
from grome.bookings.models import Booking, Status
from grome.calendar_feeds.models import CalendarEntry, EventStatus
from grome.common.formats import wall_time
from grome.common.geo import GeoPoint
from grome.common.ids import created_at_of
from grome.common.languages import Texts
from grome.notifications.localizer import Localizer
from grome.scheduling.models import TimeOff


class CalendarWords(Struct, frozen=True, forbid_unknown_fields=True):
    requested: str
    proposed: str
    time_off: str


WORDS: Final = Texts("calendar", CalendarWords)
_STATUS: Final = {Status.REQUESTED: EventStatus.TENTATIVE, Status.CANCELLED: EventStatus.CANCELLED}
_DIGITS: Final = 6  # of a degree: a tenth of a metre
_CACHE_SIZE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Shop:
    """Describes a barber's shop. `timezone` is its zone; a barber without a profile has no `point`."""

    name: str
    timezone: str
    neighbourhood: str = ""
    point: GeoPoint | None = None


def shop_of(barber: Barber) -> Shop:
    return Shop(barber.display_name, barber.timezone, barber.neighbourhood, barber.location)


def first_name(name: str) -> str:
    """Return the first name.

    A barber's calendar shows no more of a customer, because it may be hosted by third parties.
    """
    return next(iter(name.split()), "")


def build_customer_entry(booking: Booking, shop: Shop, localizer: Localizer, link: str) -> CalendarEntry:
    return _build_visit_entry(booking, shop, localizer, link, shop.name, to_barber=False)


def build_barber_entry(booking: Booking, shop: Shop, localizer: Localizer, link: str, customer: str) -> CalendarEntry:
    """Build the barber's event of a booking. `customer` is the customer's or the guest's name."""
    return _build_visit_entry(booking, shop, localizer, link, first_name(customer), to_barber=True)


def build_time_off_entry(off: TimeOff, localizer: Localizer) -> CalendarEntry:
    """Build the event of time off, which never changes under its id."""
    return CalendarEntry(
        uid=f"{off.id}@grome",
        sequence=0,
        changed_at=created_at_of(off.id),
        starts_at=off.starts_at,
        ends_at=off.ends_at,
        status=EventStatus.CONFIRMED,
        summary=WORDS[localizer.language].time_off,
        description=_line(off.note, localizer),
    )


def _build_visit_entry(
    booking: Booking, shop: Shop, localizer: Localizer, link: str, other: str, *, to_barber: bool
) -> CalendarEntry:
    location, point = _location(booking, shop, localizer, to_barber=to_barber)
    services = ", ".join(_line(service.name, localizer) for service in booking.services)
    return CalendarEntry(
        uid=f"{booking.id}@grome",
        sequence=booking.version - 1,
        changed_at=booking.history[-1].at if booking.history else booking.created_at,
        starts_at=booking.scheduled_at,
        ends_at=booking.ends_at,
        status=_STATUS.get(booking.status, EventStatus.CONFIRMED),
        summary=" · ".join(part for part in (_line(other, localizer), services) if part),
        description="\n".join(
            [*_description_lines(booking, ZoneInfo(shop.timezone), localizer, to_barber=to_barber), link]
        ),
        location=location,
        geo=_geo(point) if point else None,
        url=link,
    )


def _location(booking: Booking, shop: Shop, localizer: Localizer, *, to_barber: bool) -> tuple[str, GeoPoint | None]:
    """Return the place that the reader has to go to; empty for barbers in their own shop."""
    if booking.house_call:
        return _line(booking.house_call.address, localizer), booking.house_call.location
    if to_barber:
        return "", None
    return ", ".join(_line(part, localizer) for part in (shop.name, shop.neighbourhood) if part), shop.point


def _geo(point: GeoPoint) -> tuple[float, float]:
    longitude, latitude = point.coordinates
    return round(latitude, _DIGITS), round(longitude, _DIGITS)


def _description_lines(booking: Booking, zone: ZoneInfo, localizer: Localizer, *, to_barber: bool) -> Iterator[str]:
    """Yield the lines of the description."""
    words, own = localizer.translations.words, WORDS[localizer.language]
    if booking.status is Status.REQUESTED:
        yield own.requested
    if booking.reason:
        reasons = localizer.translations.reasons
        yield (reasons.barber if to_barber else reasons.customer)[booking.reason.value]
    if booking.proposal:
        starts, ends = booking.proposal.scheduled_at, booking.proposal.ends_at
        yield words.line.format(label=own.proposed, value=_time_range(starts, ends, zone, localizer))
    for line in price_lines(booking.services):
        label = f"{'+ ' if line.is_add_on else ''}{localizer.user_text(line.name)}"
        yield words.line.format(label=label, value=_price(line.amount, booking.currency, localizer))
    if booking.discount:
        less = _price(booking.discount.amount, booking.currency, localizer)
        yield words.line.format(label=localizer.user_text(booking.discount.code), value=f"\N{MINUS SIGN}{less}")
    yield words.line.format(label=words.total, value=_price(booking.price, booking.currency, localizer))


def _time_range(starts: datetime, ends: datetime, zone: ZoneInfo, localizer: Localizer) -> str:
    start, end = wall_time(starts, zone), wall_time(ends, zone)
    return f"{localizer.day(start)}, {localizer.time_range(start, end)}"


# The visits of one calendar share few prices, services and shops.


@lru_cache(_CACHE_SIZE)
def _price(amount: int, currency: str, localizer: Localizer) -> str:
    return localizer.price(amount, currency)


@lru_cache(_CACHE_SIZE)
def _line(text: str, localizer: Localizer) -> str:
    """Return user text on one line and without links; empty if there is no text."""
    return localizer.user_text(text).text if text.strip() else ""
