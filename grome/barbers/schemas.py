"""Define the wire format of barbers."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from grome.barbers.models import (
    MAX_REASON_LENGTH,
    Approval,
    Barber,
    BasisPoints,
    CancellationPolicy,
    DepositRule,
    DepositRules,
    HouseCallRules,
    Notice,
    Percent,
    ServiceRadiusKm,
    Terms,
)
from grome.common.clock import Instant
from grome.common.geo import Latitude, LatLng, Longitude, to_lat_lng
from grome.common.money import Amount, Currency
from grome.common.text import NAME, NOTE, OPTIONAL_NAME, SEARCH
from grome.infrastructure.http import PageQuery
from grome.scheduling.models import (
    BookingRules,
    DateOverride,
    DayHours,
    HolidayCalendar,
    OfferRules,
    Processing,
    TimeOff,
    WeeklyHours,
)
from grome.scheduling.offers import AddOn, AddOnMin, DurationMin

DisplayName = Annotated[str, Meta(min_length=1, max_length=80), NAME]
Neighbourhood = Annotated[
    str,
    Meta(
        max_length=80,
        description="Local name of the part of town.",
        examples=["Mitte"],
    ),
    OPTIONAL_NAME,
]
Bio = Annotated[str, Meta(max_length=2000), NOTE]
ZoneName = Annotated[str, Meta(max_length=64, description="IANA time zone.", examples=["Europe/Berlin"])]


class ProfileIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Describes a barber and the shop's location to customers.

    `currency` applies to all prices of the barber. It can change only while the barber has no prices: no service or
    add-on with a price, and no minimum deposit.
    """

    display_name: DisplayName
    location: LatLng
    timezone: ZoneName
    currency: Currency
    bio: Bio = ""
    neighbourhood: Neighbourhood = ""
    service_radius_km: ServiceRadiusKm = 0.0


class CancellationIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Sets the notice for free cancellation and for rescheduling, and the refunds for late cancellation and no-show.

    `reschedule_notice_min` defaults to `cancel_notice_min`. Otherwise a customer could reschedule a visit after its
    cancellation notice has passed, and then cancel it free of charge.
    """

    cancel_notice_min: Notice = 0
    reschedule_notice_min: Notice | UnsetType = UNSET
    late_refund_percent: Percent = 100
    no_show_refund_percent: Percent = 0


class TermsIn(Struct, frozen=True, forbid_unknown_fields=True):
    cancellation: CancellationIn = CancellationIn()
    deposit: DepositRule = DepositRule()


class AddOnIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Describes an add-on to a service. The id identifies the add-on; without an id, a new id is assigned."""

    name: Annotated[str, Meta(min_length=1, max_length=80), NAME]
    price: Amount
    duration_min: AddOnMin = 0
    id: UUID | None = None


class OfferIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Offers a service of the catalogue at the barber's own price and duration, optionally with its own rules."""

    service_id: UUID
    price: Amount
    duration_min: DurationMin
    rules: OfferRules = OfferRules()
    processing: Processing | None = None
    add_ons: Annotated[list[AddOnIn], Meta(max_length=20)] = []


class OffersIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Replaces all services that the barber offers.

    If `currency` is given, the prices are stored only if the profile has the same currency.
    """

    services: Annotated[list[OfferIn], Meta(max_length=50)]
    currency: Currency | None = None


class OverrideIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Sets the hours of one date in place of its weekday's; null closes the date."""

    hours: DayHours | None


class TimeOffIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Describes an absence from `starts_at` up to `ends_at`, at any moments. Only the barber sees the note."""

    starts_at: Instant
    ends_at: Instant
    note: Annotated[str, Meta(max_length=200), OPTIONAL_NAME] = ""


class HolidaysIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Closes the shop on the public holidays of this calendar; null for no holidays."""

    holidays: HolidayCalendar | None


class OnlineIn(Struct, frozen=True, forbid_unknown_fields=True):
    is_online: bool


class OfferOut(Struct, frozen=True):
    service_id: UUID
    name: str
    price: int
    currency: str
    duration_min: int


class WholeOfferOut(Struct, frozen=True):
    """Describes an offer with the rules for its bookings. `add_ons` are chosen by their ids."""

    service_id: UUID
    name: str
    price: int
    currency: str
    duration_min: int
    rules: OfferRules
    processing: Processing | None
    add_ons: list[AddOn]


class OpeningsOut(Struct, frozen=True):
    """Shows the exceptions to the weekly hours, for the barber only."""

    overrides: list[DateOverride]
    time_off: list[TimeOff]
    holidays: HolidayCalendar | None


class BarberOut(Struct, frozen=True):
    """Shows a barber's public profile. Only approved barbers can be found and booked."""

    id: UUID
    name: str
    bio: str
    neighbourhood: str
    location: LatLng
    service_radius_km: float
    timezone: str
    currency: str
    rating: float
    reviews_count: int
    is_online: bool
    services: list[WholeOfferOut]
    availability: WeeklyHours
    rules: BookingRules
    house_calls: HouseCallRules
    terms: Terms
    deposit_rules: DepositRules
    approval: Approval


class NearbyBarber(Struct, frozen=True):
    """Shows a barber near a point.

    `distance_m` is the distance over the ground in metres, on a sphere of 6,378,100 m.
    """

    id: UUID
    name: str
    location: LatLng
    distance_m: float
    rating: float
    reviews_count: int
    is_online: bool
    services: list[OfferOut]


class SearchQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    q: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=100,
            description="Up to ten words or beginnings of words; in scripts without spaces, parts of words. All must "
            "match; case and accents are ignored.",
            examples=["haircut mitte"],
        ),
        SEARCH,
    ]
    lat: Latitude | None = None
    lng: Longitude | None = None
    radius_km: Annotated[float, Meta(gt=0, le=50, description="Only with a position; 20 by default.")] | None = None


class FoundBarber(Struct, frozen=True):
    """Shows a `NearbyBarber` with the part of town; `distance_m` is null for a search without a position."""

    id: UUID
    name: str
    neighbourhood: str
    location: LatLng
    distance_m: float | None
    rating: float
    reviews_count: int
    is_online: bool
    services: list[OfferOut]


class SearchPage(Struct, frozen=True):
    items: list[FoundBarber]
    next_cursor: str | None


class CommissionIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Sets a barber's commission; null is the ordinary rate. The reason is kept for the audit."""

    basis_points: BasisPoints | None
    reason: Annotated[str, Meta(min_length=1, max_length=MAX_REASON_LENGTH), NOTE]


class CommissionOut(Struct, frozen=True):
    """Describes the commission on your new bookings. `is_ordinary` is false if a rate was agreed with you."""

    basis_points: int
    is_ordinary: bool


class CommissionChangeOut(Struct, frozen=True):
    """Describes a change of a commission; null is the ordinary rate."""

    basis_points: int | None
    before: int | None
    reason: str
    by: UUID
    at: datetime


class CommissionDetails(Struct, frozen=True):
    """Describes a barber's commission to admins, with its latest 100 changes, newest first."""

    barber_id: UUID
    basis_points: int
    is_ordinary: bool
    changes: list[CommissionChangeOut]


def offers_out(barber: Barber) -> list[OfferOut]:
    return [
        OfferOut(offer.service_id, offer.name, offer.price, barber.currency, offer.duration_min)
        for offer in barber.services
    ]


def barber_out(barber: Barber) -> BarberOut:
    return BarberOut(
        id=barber.id,
        name=barber.display_name,
        bio=barber.bio,
        neighbourhood=barber.neighbourhood,
        location=to_lat_lng(barber.location),
        service_radius_km=barber.service_radius_km,
        timezone=barber.timezone,
        currency=barber.currency,
        rating=barber.rating,
        reviews_count=barber.reviews_count,
        is_online=barber.is_online,
        services=[
            WholeOfferOut(
                service_id=offer.service_id,
                name=offer.name,
                price=offer.price,
                currency=barber.currency,
                duration_min=offer.duration_min,
                rules=offer.rules,
                processing=offer.processing,
                add_ons=offer.add_ons,
            )
            for offer in barber.services
        ],
        availability=barber.availability,
        rules=barber.rules,
        house_calls=barber.house_calls,
        terms=barber.terms,
        deposit_rules=barber.deposit_rules,
        approval=barber.approval,
    )


def terms_of(wanted: TermsIn) -> Terms:
    """Return the terms to store, in which the reschedule notice is always a number."""
    given = wanted.cancellation
    notice = given.cancel_notice_min if given.reschedule_notice_min is UNSET else given.reschedule_notice_min
    policy = CancellationPolicy(
        cancel_notice_min=given.cancel_notice_min,
        reschedule_notice_min=notice,
        late_refund_percent=given.late_refund_percent,
        no_show_refund_percent=given.no_show_refund_percent,
    )
    return Terms(policy, wanted.deposit)
