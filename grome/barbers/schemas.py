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
    PartOfTown,
    Percent,
    ServiceRadiusKm,
    ShopName,
    Terms,
)
from grome.catalogue.models import ShownService
from grome.common.clock import Instant
from grome.common.geo import Latitude, LatLng, Longitude, to_lat_lng
from grome.common.money import Amount, Currency
from grome.common.text import NAME, NOTE, OPTIONAL_NAME, SEARCH
from grome.infrastructure.http import NextCursor, PageQuery
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

DisplayName = Annotated[str, Meta(min_length=1, max_length=80, examples=["Fade & Blade"]), NAME]
Neighbourhood = Annotated[
    str,
    Meta(
        max_length=80,
        description="Local name of the part of town.",
        examples=["Mitte"],
    ),
    OPTIONAL_NAME,
]
Bio = Annotated[str, Meta(max_length=2000, examples=["Cuts, fades and beards since 2011."]), NOTE]
ZoneName = Annotated[str, Meta(max_length=64, description="IANA time zone.", examples=["Europe/Berlin"])]


class ProfileIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Describes a barber and the shop to customers."""

    name: DisplayName
    """Name of the barber or shop, as customers see it."""
    location: LatLng
    """Position of the shop; customers see it on the map."""
    timezone: ZoneName
    """IANA time zone of the shop; hours and dates are local to it."""
    currency: Currency
    """Currency of all your prices; fixed while you have prices or a least deposit."""
    bio: Bio = ""
    """Text about you, line breaks included; empty for none."""
    neighbourhood: Neighbourhood = ""
    """Local name of the part of town, shown beside the name and found by the search."""
    service_radius_km: ServiceRadiusKm = 0.0
    """Greatest distance of house calls in kilometres; 0 for no house calls."""


class CancellationIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Sets the notice for free cancellation and for rescheduling, and the refunds of later ends."""

    cancel_notice_min: Notice = 0
    """Minutes before the start until which cancelling is free; 0 for the start itself."""
    reschedule_notice_min: Notice | UnsetType = UNSET
    """Minutes before the start until which customers can reschedule; omitted, the notice for cancelling."""
    late_refund_percent: Percent = 100
    """Percent of the price that a later cancellation gives back; the rest is the fee."""
    no_show_refund_percent: Percent = 0
    """Percent of the price that a no-show gives back; the rest is the fee."""


class TermsIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Sets the cancellation policy and the deposit for new bookings."""

    cancellation: CancellationIn = CancellationIn()
    """Omitted, customers cancel free of charge until the start, and a no-show costs the price."""
    deposit: DepositRule = DepositRule()
    """Omitted, no deposit is due."""


class AddOnIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Describes an add-on to a service."""

    name: Annotated[str, Meta(min_length=1, max_length=80, examples=["Hot towel shave"]), NAME]
    """As customers see it."""
    price: Amount
    """In minor units, on top of the price of the service."""
    duration_min: AddOnMin = 0
    """Minutes on top of the duration of the service; 0 if it takes no time."""
    id: UUID | None = None
    """Id of an add-on that you keep; omitted for a new add-on."""


class OfferIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Offers a service of the catalogue at the barber's own price and duration."""

    service_id: UUID
    """Id of the service in the catalogue; at most once in the list."""
    price: Amount
    """In minor units of your currency, without add-ons."""
    duration_min: DurationMin
    """Minutes of the service, in steps of five, without buffers and add-ons."""
    rules: OfferRules = OfferRules()
    """Rules for this service, in place of your rules for bookings."""
    processing: Processing | None = None
    """Part of the service in which you can take another customer; null for none."""
    add_ons: Annotated[list[AddOnIn], Meta(max_length=20)] = []
    """Extras that customers can choose with this service."""


class OffersIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Replaces all services that the barber offers."""

    services: Annotated[list[OfferIn], Meta(max_length=50)]
    """All services; a service that is left out is no longer offered."""
    currency: Currency | None = None
    """The prices are stored only if your profile has this currency; null for no check."""


class OverrideIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Sets the hours of one date in place of its weekday's."""

    hours: DayHours | None
    """Hours that begin on this date; null closes the date."""


class TimeOffIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Describes an absence, at any moments."""

    starts_at: Instant
    """First moment of the absence."""
    ends_at: Instant
    """First moment after the absence; later than now."""
    note: Annotated[str, Meta(max_length=200, examples=["Family holiday"]), OPTIONAL_NAME] = ""
    """Seen by you only; empty for none."""


class HolidaysIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Closes the shop on public holidays."""

    holidays: HolidayCalendar | None
    """Calendar of the holidays; null to stay open."""


class OnlineIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Says whether you take customers now."""

    is_online: bool
    """Shown to customers; being offline does not close your calendar."""


class OfferOut(Struct, frozen=True):
    """Shows a service in lists of barbers."""

    service_id: UUID
    """Id of the service in the catalogue; use it for bookings."""
    name: ShownService
    """Name in the catalogue, in English."""
    price: int
    """In minor units, without add-ons."""
    currency: str
    """Currency of `price`."""
    duration_min: int
    """Minutes of the service, without buffers and add-ons."""


class WholeOfferOut(Struct, frozen=True):
    """Describes an offer with the rules for its bookings."""

    service_id: UUID
    """Id of the service in the catalogue; use it for bookings."""
    name: ShownService
    """Name in the catalogue, in English."""
    price: int
    """In minor units, without add-ons."""
    currency: str
    """Currency of `price` and of the add-ons."""
    duration_min: int
    """Minutes of the service, without buffers and add-ons."""
    rules: OfferRules
    """Rules for this service; null fields follow the `rules` of the barber."""
    processing: Processing | None
    """Part of the service in which the barber takes another customer; null for none."""
    add_ons: list[AddOn]
    """Extras that can be booked with this service; empty for none."""


class OpeningsOut(Struct, frozen=True):
    """Shows the exceptions to the weekly hours, for the barber only."""

    overrides: list[DateOverride]
    """Dates with their own hours, earliest first; past dates are dropped after a month."""
    time_off: list[TimeOff]
    """Absences, earliest first; past absences are dropped after a month."""
    holidays: HolidayCalendar | None
    """Calendar of public holidays that keep the shop closed; null for none."""


class BarberOut(Struct, frozen=True):
    """Shows a barber's public profile."""

    id: UUID
    """Id of the barber; the path parameter `barber_id`."""
    name: ShopName
    """Name of the barber or shop."""
    bio: Annotated[str, Meta(examples=["Cuts, fades and beards since 2011."])]
    """Text about the barber, line breaks included; empty for none."""
    neighbourhood: PartOfTown
    """Local name of the part of town; empty if not given."""
    location: LatLng
    """Position of the shop."""
    service_radius_km: float
    """Greatest distance of house calls in kilometres; 0 for no house calls."""
    timezone: Annotated[str, Meta(examples=["Europe/Berlin"])]
    """IANA time zone of the shop; hours and dates are local to it."""
    currency: str
    """Currency of all prices of the barber."""
    rating: float | None
    """Mean stars of all reviews, 1 to 5; null without reviews."""
    reviews_count: int
    """Number of reviews behind `rating`."""
    is_online: bool
    """Whether the barber takes customers now, as switched by the barber."""
    services: list[WholeOfferOut]
    """Services with prices; empty until the barber offers some."""
    availability: WeeklyHours
    """Weekly hours, local to `timezone`; free times also depend on bookings and exceptions."""
    rules: BookingRules
    """Rules for bookings of all services."""
    house_calls: HouseCallRules
    """Travel times of house calls."""
    terms: Terms
    """Cancellation policy and deposit, copied onto each new booking."""
    deposit_rules: DepositRules
    """Deposits for single services and by risk; a quote shows the deposit that is due."""
    approval: Approval
    """Customers find and book `approved` barbers only."""


class NearbyBarber(Struct, frozen=True):
    """Shows a barber near a point."""

    id: UUID
    """Id of the barber; the path parameter `barber_id`."""
    name: ShopName
    """Name of the barber or shop."""
    location: LatLng
    """Position of the shop."""
    distance_m: float
    """Metres over the ground from the point, on a sphere of 6,378,100 m."""
    rating: float | None
    """Mean stars of all reviews, 1 to 5; null without reviews."""
    reviews_count: int
    """Number of reviews behind `rating`."""
    is_online: bool
    """Whether the barber takes customers now, as switched by the barber."""
    services: list[OfferOut]
    """Services with prices, without their rules and add-ons."""


class SearchQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Searches words, around a position or anywhere."""

    q: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=100,
            examples=["haircut mitte"],
        ),
        SEARCH,
    ]
    """Up to ten words or beginnings of words, all of which must match; case and accents are ignored."""
    lat: Latitude | None = None
    """Latitude of the position, in degrees north; with `lng` only."""
    lng: Longitude | None = None
    """Longitude of the position, in degrees east; with `lat` only."""
    radius_km: Annotated[float, Meta(gt=0, le=50)] | None = None
    """Kilometres around the position, 20 if omitted; only with a position."""


class FoundBarber(Struct, frozen=True):
    """Shows a barber that matches a search."""

    id: UUID
    """Id of the barber; the path parameter `barber_id`."""
    name: ShopName
    """Name of the barber or shop."""
    neighbourhood: PartOfTown
    """Local name of the part of town; empty if not given."""
    location: LatLng
    """Position of the shop."""
    distance_m: float | None
    """Metres over the ground from the position of the search; null without a position."""
    rating: float | None
    """Mean stars of all reviews, 1 to 5; null without reviews."""
    reviews_count: int
    """Number of reviews behind `rating`."""
    is_online: bool
    """Whether the barber takes customers now, as switched by the barber."""
    services: list[OfferOut]
    """Services with prices, without their rules and add-ons."""


class SearchPage(Struct, frozen=True):
    """Holds a page of barbers."""

    items: list[FoundBarber]
    """Best match first; equal matches by distance, or without a position by rating."""
    next_cursor: NextCursor


class CommissionIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Sets a barber's commission."""

    basis_points: BasisPoints | None
    """Hundredths of a percent of the price; null for the ordinary rate."""
    reason: Annotated[
        str, Meta(min_length=1, max_length=MAX_REASON_LENGTH, examples=["Agreed by mail for the first year."]), NOTE
    ]
    """Kept with the change and in the audit trail; the barber does not see it."""


class CommissionOut(Struct, frozen=True):
    """Describes the commission on your new bookings."""

    basis_points: int
    """Hundredths of a percent of the price that Grome keeps."""
    is_ordinary: bool
    """False if a rate was agreed with you."""


class CommissionChangeOut(Struct, frozen=True):
    """Describes a change of a commission."""

    basis_points: int | None
    """Rate after the change in hundredths of a percent; null for the ordinary rate."""
    before: int | None
    """Rate before the change in hundredths of a percent; null for the ordinary rate."""
    reason: Annotated[str, Meta(examples=["Agreed by mail for the first year."])]
    """As given by the admin."""
    by: UUID
    """Id of the admin's account."""
    at: datetime
    """Time of the change."""


class CommissionDetails(Struct, frozen=True):
    """Describes a barber's commission to admins."""

    barber_id: UUID
    """The barber, as in the path."""
    basis_points: int
    """Rate of new bookings, in hundredths of a percent of the price."""
    is_ordinary: bool
    """False if a rate was agreed with the barber."""
    changes: list[CommissionChangeOut]
    """Latest 100 changes, newest first."""


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
        rating=barber.shown_rating,
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
