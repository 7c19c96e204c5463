"""Plan the visit of an existing booking again, for another time.

Durations, prices and travel are as booked. Opening hours, rules, buffers and processing gaps follow the barber's
current settings. A service that is no longer offered follows the barber's general rules and has no gap; a gap that does
not fit the booked duration is dropped.
"""

from datetime import datetime

from grome.barbers.calendar_builder import NO_TRAVEL, Travel, build_calendar_and_visit
from grome.barbers.models import Barber
from grome.bookings.models import BookedService, Booking
from grome.scheduling.models import OfferRules
from grome.scheduling.offers import AddOn, ChosenService, OfferedService
from grome.scheduling.slots import Calendar
from grome.scheduling.visit_plan import VisitPlan


def rebuild_calendar_and_visit(barber: Barber, booking: Booking, now: datetime) -> tuple[Calendar, VisitPlan]:
    """Build the calendar and the visit for `reason_unavailable` and the other rules, without occupied time."""
    call = booking.house_call
    way = Travel(call.distance_m, call.travel_min) if call else NO_TRAVEL
    return build_calendar_and_visit(barber, services_as_booked(barber, booking), now, frozenset(), way)


def services_as_booked(barber: Barber, booking: Booking) -> list[ChosenService]:
    offers = {offer.service_id: offer for offer in barber.services}
    return [_as_booked(service, offers.get(service.service_id)) for service in booking.services]


def _as_booked(booked: BookedService, offer: OfferedService | None) -> ChosenService:
    gap = offer.processing if offer else None
    if gap and gap.after_min + gap.duration_min >= booked.duration_min:
        gap = None
    rules = offer.rules if offer else OfferRules()
    service = OfferedService(booked.service_id, booked.name, booked.price, booked.duration_min, rules, gap)
    add_ons = [AddOn(extra.id, extra.name, extra.price, extra.duration_min) for extra in booked.add_ons]
    return ChosenService(service, add_ons)
