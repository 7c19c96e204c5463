"""Serve `/v1/barbers`: the search, and a barber's own settings under `me`."""

from datetime import date
from uuid import UUID

from sanic import Request

from grome.barbers.commissions import Commissions
from grome.barbers.errors import CurrencyDiffers, CurrencyInUse, ProfileMissing, TooManyScheduleExceptions
from grome.barbers.models import DepositRules, HouseCallRules
from grome.barbers.schedule_exceptions import ScheduleExceptionService
from grome.barbers.schemas import (
    BarberOut,
    CommissionDetails,
    CommissionIn,
    CommissionOut,
    HolidaysIn,
    OffersIn,
    OnlineIn,
    OpeningsOut,
    OverrideIn,
    ProfileIn,
    SearchPage,
    SearchQuery,
    TermsIn,
    TimeOffIn,
    terms_of,
)
from grome.barbers.search import BarberSearch
from grome.barbers.service import BarberService
from grome.common.actor import ADMINS, ANYONE, BARBERS, Actor
from grome.common.errors import NotFound
from grome.infrastructure.http import LimitClass, Routes, resolve
from grome.infrastructure.http.caching import REVALIDATED, kept_for
from grome.scheduling.models import BookingRules, TimeOff, WeeklyHours

barbers = Routes(
    "barbers",
    "/v1/barbers",
    about="Public profiles of barbers, and everything that a barber sets: services, hours, rules, terms and time off.",
)
commissions = Routes(
    "commissions", "/v1/admin/barbers", about="The share of the platform in a barber's new bookings, set by admins."
)


@barbers.get("", who=ANYONE, limit=LimitClass.SEARCH, cache=kept_for(10))
async def search_barbers(request: Request, query: SearchQuery) -> SearchPage:
    """Search barbers by words in name, services and part of town.

    All words must match: each as the beginning of a word or, in scripts without spaces, as a part of it. The best match
    comes first. Equal matches are sorted by distance or, without a position, by rating.
    """
    return await resolve(request, BarberSearch).page(query)


@barbers.get("/{barber_id}", who=ANYONE, refusals=(NotFound,), cache=REVALIDATED)
async def read_barber(request: Request, barber_id: UUID) -> BarberOut:
    """Return a barber's public profile.

    404 also stands for a barber that is not approved.
    """
    return await resolve(request, BarberService).read(barber_id)


@barbers.get("/me", who=BARBERS, refusals=(NotFound,))
async def read_own_profile(request: Request, actor: Actor) -> BarberOut:
    """Return your own profile, also before it is approved."""
    return await resolve(request, BarberService).read_own(actor)


@barbers.put("/me", who=BARBERS, refusals=(CurrencyInUse,))
async def put_profile(request: Request, actor: Actor, body: ProfileIn) -> BarberOut:
    """Create or change your profile.

    A new profile is offline, and has no services and no hours. Customers find and book it once an admin has approved
    you; see your verification.

    The currency cannot change while there are prices (409 `currency_in_use`): remove the services and the minimum
    deposit first.
    """
    return await resolve(request, BarberService).put_profile(actor, body)


@barbers.delete("/me", who=BARBERS, status=204, refusals=(NotFound,))
async def remove_profile(request: Request, actor: Actor) -> None:
    """Remove your profile.

    Customers can no longer find or book you. Existing bookings stay.
    """
    await resolve(request, BarberService).remove(actor)


@barbers.put("/me/services", who=BARBERS, refusals=(ProfileMissing, CurrencyDiffers))
async def put_offers(request: Request, actor: Actor, body: OffersIn) -> BarberOut:
    """Replace the services that you offer.

    Existing bookings keep their prices. 409 `profile_missing` means that you have no profile yet, here and in all
    settings below `/v1/barbers/me`.
    """
    return await resolve(request, BarberService).put_offers(actor, body)


@barbers.put("/me/hours", who=BARBERS, refusals=(ProfileMissing,))
async def put_hours(request: Request, actor: Actor, body: WeeklyHours) -> BarberOut:
    """Replace your weekly hours, in wall-clock time of your zone.

    Existing bookings stay. 422 names each break that leaves its day's hours or overlaps another.
    """
    return await resolve(request, BarberService).put_hours(actor, body)


@barbers.put("/me/rules", who=BARBERS, refusals=(ProfileMissing,))
async def put_rules(request: Request, actor: Actor, body: BookingRules) -> BarberOut:
    """Replace your rules for bookings.

    They apply to new bookings of all services; a service can have rules of its own.
    """
    return await resolve(request, BarberService).put_rules(actor, body)


@barbers.put("/me/house-calls", who=BARBERS, refusals=(ProfileMissing,))
async def put_house_calls(request: Request, actor: Actor, body: HouseCallRules) -> BarberOut:
    """Replace the rules for your travel times to customers.

    Your service radius, which decides about house calls at all, is part of your profile.
    """
    return await resolve(request, BarberService).put_house_calls(actor, body)


@barbers.put("/me/terms", who=BARBERS, refusals=(ProfileMissing,))
async def put_terms(request: Request, actor: Actor, body: TermsIn) -> BarberOut:
    """Replace your cancellation policy and deposit.

    Existing bookings keep their terms. Without `reschedule_notice_min`, the notice for rescheduling equals the notice
    for free cancellation: else a customer could reschedule a visit after its notice and then cancel it free of charge.
    """
    return await resolve(request, BarberService).put_terms(actor, terms_of(body))


@barbers.put("/me/deposit-rules", who=BARBERS, refusals=(ProfileMissing,))
async def put_deposit_rules(request: Request, actor: Actor, body: DepositRules) -> BarberOut:
    """Replace your deposits for single services and by risk.

    They add to the deposit in your terms, and the highest deposit is due. Existing bookings and quotes keep theirs.
    """
    return await resolve(request, BarberService).put_deposit_rules(actor, body)


@barbers.get("/me/commission", who=BARBERS)
async def read_own_commission(request: Request, actor: Actor) -> CommissionOut:
    """Return the commission on your new bookings.

    Existing bookings keep the rate of the day they were made.
    """
    return await resolve(request, Commissions).read_own(actor)


@commissions.get("/{barber_id}/commission", who=ADMINS, refusals=(NotFound,))
async def read_commission(request: Request, barber_id: UUID) -> CommissionDetails:
    """Return a barber's commission and its changes."""
    return await resolve(request, Commissions).read(barber_id)


@commissions.put("/{barber_id}/commission", who=ADMINS, refusals=(NotFound,))
async def put_commission(request: Request, actor: Actor, barber_id: UUID, body: CommissionIn) -> CommissionDetails:
    """Set the commission on a barber's new bookings.

    Null restores the ordinary rate. Existing bookings and quotes keep their rates. The present rate again changes
    nothing.
    """
    return await resolve(request, Commissions).put(actor, barber_id, body)


@barbers.get("/me/openings", who=BARBERS, refusals=(ProfileMissing,))
async def read_openings(request: Request, actor: Actor) -> OpeningsOut:
    """Return the exceptions to your weekly hours."""
    return await resolve(request, ScheduleExceptionService).read(actor)


@barbers.put("/me/overrides/{day}", who=BARBERS, refusals=(ProfileMissing, TooManyScheduleExceptions))
async def put_override(request: Request, actor: Actor, day: date, body: OverrideIn) -> OpeningsOut:
    """Set the hours of one date, or close it.

    They replace the hours of the weekday and any holiday. Existing bookings stay. 409 `too_many_openings` after 366
    dates.
    """
    return await resolve(request, ScheduleExceptionService).put_override(actor, day, body.hours)


@barbers.delete("/me/overrides/{day}", who=BARBERS, refusals=(NotFound, ProfileMissing))
async def remove_override(request: Request, actor: Actor, day: date) -> OpeningsOut:
    """Restore the ordinary hours of a date.

    404 if the date has no hours of its own.
    """
    return await resolve(request, ScheduleExceptionService).remove_override(actor, day)


@barbers.post("/me/time-off", who=BARBERS, status=201, refusals=(ProfileMissing, TooManyScheduleExceptions))
async def add_time_off(request: Request, actor: Actor, body: TimeOffIn) -> TimeOff:
    """Add time off.

    Existing bookings stay: reschedule or cancel them. 409 `too_many_openings` after 100 absences.
    """
    return await resolve(request, ScheduleExceptionService).add_time_off(actor, body)


@barbers.delete("/me/time-off/{time_off_id}", who=BARBERS, status=204, refusals=(NotFound, ProfileMissing))
async def remove_time_off(request: Request, actor: Actor, time_off_id: UUID) -> None:
    """Remove time off.

    The time can be booked again, by the hours of its dates.
    """
    await resolve(request, ScheduleExceptionService).remove_time_off(actor, time_off_id)


@barbers.put("/me/holidays", who=BARBERS, refusals=(ProfileMissing,))
async def put_holidays(request: Request, actor: Actor, body: HolidaysIn) -> OpeningsOut:
    """Close on the public holidays of a country or of one of its subdivisions.

    Hours set for a date take precedence over a holiday. Existing bookings stay.
    """
    return await resolve(request, ScheduleExceptionService).put_holidays(actor, body.holidays)


@barbers.put("/me/online", who=BARBERS, refusals=(ProfileMissing,))
async def put_online(request: Request, actor: Actor, body: OnlineIn) -> BarberOut:
    """Go online or offline.

    Customers see it on the map; bookings are possible either way. Repeating the request changes nothing.
    """
    return await resolve(request, BarberService).put_online(actor, is_online=body.is_online)
