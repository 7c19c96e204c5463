"""The visit of a booking once more, for another time of it.

Durations, prices and the way are as they were booked. What the customer never sees is the barber's as it is now:
opening hours and rules, buffers, gaps for others. A service that is no longer offered has the barber's general rules
and no gap, and so has one whose gap has grown out of the time that was booked.
"""

from datetime import datetime

from grome.availability.calendars import NO_WAY, Way, lay_out
from grome.availability.models import OfferRules
from grome.availability.slots import Calendar
from grome.availability.visits import Visit
from grome.barbers.models import AddOn, Barber, ChosenService, OfferedService
from grome.bookings.models import BookedService, Booking


def lay_out_again(barber: Barber, booking: Booking, now: datetime) -> tuple[Calendar, Visit]:
    """What `obstacle` and the others want to know, as if nothing was taken."""
    call = booking.house_call
    way = Way(call.distance_m, call.travel_min) if call else NO_WAY
    return lay_out(barber, services_as_booked(barber, booking), now, frozenset(), way)


def services_as_booked(barber: Barber, booking: Booking) -> list[ChosenService]:
    offers = {offer.service_id: offer for offer in barber.services}
    return [_as_booked(one, offers.get(one.service_id)) for one in booking.services]


def _as_booked(booked: BookedService, offer: OfferedService | None) -> ChosenService:
    works = offer.processing if offer else None
    if works and works.after_min + works.duration_min >= booked.duration_min:
        works = None
    rules = offer.rules if offer else OfferRules()
    service = OfferedService(booked.service_id, booked.name, booked.price, booked.duration_min, rules, works)
    return ChosenService(service, [AddOn(one.id, one.name, one.price, one.duration_min) for one in booked.add_ons])
