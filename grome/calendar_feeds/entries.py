"""Build the calendar event of a booking or of time off, in the reader's language, without I/O."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct, toml

from grome.barbers.models import Barber
from grome.bookings.figures import price_lines
from grome.bookings.models import Booking, Status
from grome.calendar_feeds.models import Entry, EventStatus
from grome.common.formats import wall_time
from grome.common.geo import GeoPoint
from grome.common.ids import created_at_of
from grome.common.languages import Language
from grome.notifications.localizer import Reader
from grome.scheduling.models import TimeOff


class CalendarWords(Struct, frozen=True, forbid_unknown_fields=True):
    requested: str
    proposed: str
    time_off: str


WORDS: Final = toml.decode(
    files("grome.calendar_feeds").joinpath("words.toml").read_bytes(), type=dict[Language, CalendarWords]
)
_STATUS: Final = {Status.REQUESTED: EventStatus.TENTATIVE, Status.CANCELLED: EventStatus.CANCELLED}
_DIGITS: Final = 6  # of a degree: a tenth of a metre
_REMEMBERED: Final = 1_000


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


def customers_entry(booking: Booking, shop: Shop, reader: Reader, link: str) -> Entry:
    return _visit(booking, shop, reader, link, shop.name, to_barber=False)


def barbers_entry(booking: Booking, shop: Shop, reader: Reader, link: str, customer: str) -> Entry:
    """`customer` is the customer's or the guest's name."""
    return _visit(booking, shop, reader, link, first_name(customer), to_barber=True)


def time_off_entry(off: TimeOff, reader: Reader) -> Entry:
    """It never changes under its id."""
    return Entry(
        uid=f"{off.id}@grome",
        sequence=0,
        changed_at=created_at_of(off.id),
        starts_at=off.starts_at,
        ends_at=off.ends_at,
        status=EventStatus.CONFIRMED,
        summary=WORDS[reader.language].time_off,
        description=_line(off.note, reader),
    )


def _visit(booking: Booking, shop: Shop, reader: Reader, link: str, other: str, *, to_barber: bool) -> Entry:
    location, point = _place(booking, shop, reader, to_barber=to_barber)
    services = ", ".join(_line(service.name, reader) for service in booking.services)
    return Entry(
        uid=f"{booking.id}@grome",
        sequence=booking.version - 1,
        changed_at=booking.history[-1].at if booking.history else booking.created_at,
        starts_at=booking.scheduled_at,
        ends_at=booking.ends_at,
        status=_STATUS.get(booking.status, EventStatus.CONFIRMED),
        summary=" · ".join(part for part in (_line(other, reader), services) if part),
        description="\n".join([*_told(booking, ZoneInfo(shop.timezone), reader, to_barber=to_barber), link]),
        location=location,
        geo=_geo(point) if point else None,
        url=link,
    )


def _place(booking: Booking, shop: Shop, reader: Reader, *, to_barber: bool) -> tuple[str, GeoPoint | None]:
    """Where one has to go; barbers know where their own chair is."""
    if booking.house_call:
        return _line(booking.house_call.address, reader), booking.house_call.location
    if to_barber:
        return "", None
    return ", ".join(_line(part, reader) for part in (shop.name, shop.neighbourhood) if part), shop.point


def _geo(point: GeoPoint) -> tuple[float, float]:
    longitude, latitude = point.coordinates
    return round(latitude, _DIGITS), round(longitude, _DIGITS)


def _told(booking: Booking, zone: ZoneInfo, reader: Reader, *, to_barber: bool) -> Iterator[str]:
    """The lines of the description."""
    words, own = reader.wording.words, WORDS[reader.language]
    if booking.status is Status.REQUESTED:
        yield own.requested
    if booking.reason:
        reasons = reader.wording.reasons
        yield (reasons.barber if to_barber else reasons.customer)[booking.reason.value]
    if booking.proposal:
        starts, ends = booking.proposal.scheduled_at, booking.proposal.ends_at
        yield words.line.format(label=own.proposed, value=_time(starts, ends, zone, reader))
    for line in price_lines(booking.services):
        label = f"{'+ ' if line.is_add_on else ''}{reader.typed(line.name)}"
        yield words.line.format(label=label, value=_price(line.amount, booking.currency, reader))
    if booking.discount:
        less = _price(booking.discount.amount, booking.currency, reader)
        yield words.line.format(label=reader.typed(booking.discount.code), value=f"\N{MINUS SIGN}{less}")
    yield words.line.format(label=words.total, value=_price(booking.price, booking.currency, reader))


def _time(starts: datetime, ends: datetime, zone: ZoneInfo, reader: Reader) -> str:
    start, end = wall_time(starts, zone), wall_time(ends, zone)
    return f"{reader.day(start)}, {reader.times(start, end)}"


# The visits of one calendar have few prices, services and shops between them.


@lru_cache(_REMEMBERED)
def _price(amount: int, currency: str, reader: Reader) -> str:
    return reader.price(amount, currency)


@lru_cache(_REMEMBERED)
def _line(text: str, reader: Reader) -> str:
    """Return user text on one line and without links; empty if there is no text."""
    return reader.typed(text).text if text.strip() else ""
