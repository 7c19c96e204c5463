"""Define barbers, with their place, services and prices."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct, field
from msgspec.structs import astuple

from grome.common.coded_enum import CodedEnum
from grome.common.geo import GeoPoint
from grome.common.ids import new_id
from grome.common.money import Amount
from grome.common.origin import RequestOrigin
from grome.common.search_words import FindableWords
from grome.infrastructure.mongo.schema import stored_items
from grome.scheduling.models import (
    BookingRules,
    DateOverride,
    HolidayCalendar,
    TimeOff,
    WeeklyHours,
)
from grome.scheduling.offers import OfferedService

ServiceRadiusKm = Annotated[
    float, Meta(ge=0, le=50, description="Greatest distance of house calls in kilometres; 0 for no house calls.")
]
# In answers, where no rule for new texts applies.
ShopName = Annotated[str, Meta(examples=["Fade & Blade"])]
PartOfTown = Annotated[str, Meta(examples=["Mitte"])]
Stars = Annotated[int, Meta(ge=1, le=5, description="Whole stars.")]
RatingDelta = dict[str, int]

_WEEK_MIN = 7 * 24 * 60
Notice = Annotated[int, Meta(ge=0, le=4 * _WEEK_MIN, description="Minutes before the start of the visit.")]
Percent = Annotated[int, Meta(ge=0, le=100)]
BasisPoints = Annotated[int, Meta(ge=0, le=5_000, description="Hundredths of a percent.")]


MAX_OVERRIDES: Final = 366
MAX_TIME_OFF: Final = 100
MAX_COMMISSION_CHANGES: Final = 100
MAX_REASON_LENGTH: Final = 300


class Approval(StrEnum):
    """Tells whether an admin has approved a barber. Customers find and book approved barbers only.

    The profile of a suspended account is suspended, before and after a decision about the barber.
    """

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    SUSPENDED = "suspended"


class ScheduleExceptions(Struct, frozen=True):
    """Holds the exceptions to the weekly hours: overrides by date, time off by start."""

    overrides: Annotated[list[DateOverride], stored_items(at_most=MAX_OVERRIDES)] = []
    time_off: Annotated[list[TimeOff], stored_items(at_most=MAX_TIME_OFF)] = []
    holidays: HolidayCalendar | None = None


class HouseCallRules(Struct, frozen=True, forbid_unknown_fields=True):
    """Sets the travel time of house calls."""

    minutes_per_km: Annotated[float, Meta(gt=0, le=60)] = 3.0
    """Minutes of travel for each kilometre in a straight line."""
    least_travel_min: Annotated[int, Meta(ge=0, le=120, multiple_of=5)] = 10
    """Least travel time in minutes; times are rounded up to five minutes."""


class CancellationPolicy(Struct, frozen=True, forbid_unknown_fields=True):
    """Sets the notice for free cancellation and for rescheduling, and the refunds of later ends.

    Barbers may always cancel, and customers then pay nothing.
    """

    cancel_notice_min: Notice = 0
    """Minutes before the start until which cancelling is free; 0 for the start itself."""
    reschedule_notice_min: Notice = 0
    """Minutes before the start until which the customer can reschedule an accepted visit."""
    late_refund_percent: Percent = 100
    """Percent of the price that a later cancellation gives back; the rest is the fee."""
    no_show_refund_percent: Percent = 0
    """Percent of the price that a no-show gives back; the rest is the fee."""


class DepositRule(Struct, frozen=True, forbid_unknown_fields=True):
    """Sets the deposit due at booking; none if both fields are 0."""

    percent: Percent = 0
    """Percent of the price, rounded up to a minor unit."""
    least: Amount = 0
    """Least deposit in minor units; never more than the price."""


class ServiceDeposit(Struct, frozen=True, forbid_unknown_fields=True):
    """Sets the deposit for one service with its add-ons, in place of the deposit in the terms."""

    service_id: UUID
    """Id of the service in the catalogue; at most once in the list."""
    percent: Percent = 0
    """Percent of the price of the service with its add-ons."""
    least: Amount = 0
    """Least deposit for the service, in minor units."""


class RiskDeposit(Struct, frozen=True, forbid_unknown_fields=True):
    """Sets a deposit on the price of the whole visit that is due if all conditions hold."""

    new_client: bool = False
    """Whether the rule is only for customers without a completed visit at the barber."""
    no_shows: Annotated[int, Meta(ge=0, le=10)] = 0
    """Least number of no-shows at this barber in twelve months; 0 for no condition."""
    no_shows_anywhere: Annotated[int, Meta(ge=0, le=10)] = 0
    """Least number of no-shows at any barber in twelve months; 0 for no condition."""
    price_from: Amount = 0
    """Least price of the visit in minor units; 0 for no condition."""
    percent: Percent = 0
    """Percent of the price of the visit, rounded up."""
    least: Amount = 0
    """Least deposit in minor units; never more than the price."""


class DepositRules(Struct, frozen=True, forbid_unknown_fields=True):
    """Adds to the deposit in the terms: other deposits for single services, and deposits by risk.

    The highest deposit is due. Existing bookings and quotes keep their deposits.
    """

    services: Annotated[list[ServiceDeposit], Meta(max_length=50)] = []
    """Deposits for single services, in place of the deposit in the terms."""
    risks: Annotated[list[RiskDeposit], Meta(max_length=10)] = []
    """Deposits by risk, beside the deposit for the services; the highest is due."""

    @property
    def need_client_history(self) -> bool:
        """Return whether earlier visits of the customer decide about the deposit."""
        return any(risk.new_client or risk.no_shows or risk.no_shows_anywhere for risk in self.risks)


class DepositReason(CodedEnum):
    """Explains a deposit to the customer."""

    TERMS = "terms", "The barber asks for a deposit."
    SERVICE = "service", "The barber asks for a deposit on this service."
    NEW_CLIENT = "new_client", "The barber asks for a deposit on a first visit."
    NO_SHOWS = "no_shows", "You did not come to an earlier visit."
    HIGH_PRICE = "high_price", "The barber asks for a deposit on visits of this price."
    LEAST_CHARGE = "least_charge", "Smaller amounts cannot be charged to a card."


class Terms(Struct, frozen=True, forbid_unknown_fields=True):
    """Holds the barber's cancellation policy and deposit; each booking keeps a copy of the terms at its time."""

    cancellation: CancellationPolicy = CancellationPolicy()
    """Notice and refunds when the customer cancels or does not come."""
    deposit: DepositRule = DepositRule()
    """Deposit due at booking; the barber's deposit rules may raise it."""


class OnlineNotice(Struct, frozen=True, kw_only=True):
    """Announces that the barber went online or offline at the location.

    `version` is the time in milliseconds, or one more than the version before if that is greater: it grows also over a
    profile that was removed and created again.
    """

    id: UUID
    version: int
    is_online: bool
    location: GeoPoint
    at: datetime


class StarCounts(Struct, frozen=True):
    """Counts the reviews with one star, with two stars, and so on."""

    one: Annotated[int, Meta(ge=0)] = 0
    """Number of reviews with one star."""
    two: Annotated[int, Meta(ge=0)] = 0
    """Number of reviews with two stars."""
    three: Annotated[int, Meta(ge=0)] = 0
    """Number of reviews with three stars."""
    four: Annotated[int, Meta(ge=0)] = 0
    """Number of reviews with four stars."""
    five: Annotated[int, Meta(ge=0)] = 0
    """Number of reviews with five stars."""

    @property
    def count(self) -> int:
        return sum(astuple(self))

    @property
    def mean(self) -> float:
        """0 without reviews."""
        stars = sum(stars * count for stars, count in enumerate(astuple(self), start=1))
        return stars / self.count if self.count else 0.0


class Ratings(Struct, frozen=True, kw_only=True):
    """Holds all ratings of a barber, under the barber's id. It stays if the profile is removed.

    `rating` and `reviews_count` of the profile are derived from it, and are written in the same transaction. `changes`
    only grows, so that a transaction that reads it to write the profile conflicts with a transaction that changes it.
    """

    id: UUID = field(name="_id")
    stars: StarCounts = StarCounts()
    changes: Annotated[int, Meta(ge=0)] = 0


class CommissionChange(Struct, frozen=True, kw_only=True):
    """Records one change of a commission in the same write; the changes are the outbox. None is the ordinary rate."""

    id: UUID
    version: int
    basis_points: BasisPoints | None
    before: BasisPoints | None
    reason: Annotated[str, Meta(max_length=MAX_REASON_LENGTH)]
    actor_id: UUID
    at: datetime
    origin: RequestOrigin | None = None


class Commission(Struct, frozen=True, kw_only=True):
    """Holds the agreed commission of a barber, under the barber's id. It stays if the profile is removed.

    `commission_bp` of the profile is derived from it, and is written in the same transaction. `outbox` keeps the latest
    changes, oldest first.
    """

    id: UUID = field(name="_id")
    basis_points: BasisPoints | None = None
    outbox: Annotated[list[CommissionChange], stored_items(at_most=MAX_COMMISSION_CHANGES)] = []
    version: Annotated[int, Meta(ge=0)] = 0


class ApprovalRecord(Struct, frozen=True, kw_only=True):
    """Holds the approval of a barber, under the barber's id. It stays if the profile is removed.

    `approval` of the profile is derived from it, and is written in the same transaction. `changes` only grows, so that
    a new profile and a decision of an admin conflict if they are concurrent. `is_suspended` is set while the account is
    suspended.
    """

    id: UUID = field(name="_id")
    approval: Approval
    is_suspended: bool = False
    changes: Annotated[int, Meta(ge=0)] = 0

    @property
    def in_effect(self) -> Approval:
        """The approval of the profile."""
        return Approval.SUSPENDED if self.is_suspended else self.approval


def rating_delta(removed: int | None, added: int | None) -> RatingDelta:
    """Return the change of each count, by the names in `StarCounts`, if one rating is removed and another is added."""
    names = StarCounts.__struct_fields__
    return {name: (stars == added) - (stars == removed) for stars, name in enumerate(names, start=1)}


class Barber(Struct, frozen=True, kw_only=True):
    """A barber's profile is stored under the id of the barber's account.

    `rating` is the mean of all `reviews_count` reviews, 0 while there are none. `neighbourhood` is the local name of
    the part of town. House calls go as far as `service_radius_km`, 0 for none. `version` grows with every write;
    `created_at` and then `version` order the published changes of a barber. `commission_bp` is None for the platform's
    ordinary commission. `notice` is the outbox for going online and offline: it has the newest notice, or two after a
    move of a barber that is online; a barber that is not approved makes no notices. Barbers from before approvals are
    approved.
    """

    id: UUID = field(name="_id")
    display_name: str
    bio: str = ""
    neighbourhood: str = ""
    location: GeoPoint
    service_radius_km: ServiceRadiusKm = 0.0
    timezone: str
    currency: str
    services: Annotated[list[OfferedService], stored_items(at_most=50)] = []
    rating: Annotated[float, Meta(ge=0, le=5)] = 0.0
    reviews_count: Annotated[int, Meta(ge=0)] = 0
    is_online: bool = False
    availability: WeeklyHours
    openings: ScheduleExceptions = ScheduleExceptions()
    rules: BookingRules = BookingRules()
    house_calls: HouseCallRules = HouseCallRules()
    terms: Terms = Terms()
    deposit_rules: DepositRules = DepositRules()
    commission_bp: BasisPoints | None = None
    notice: Annotated[list[OnlineNotice], stored_items(at_most=2)] = []
    approval: Approval = Approval.APPROVED
    version: Annotated[int, Meta(ge=1)] = 1
    created_at: datetime
    updated_at: datetime

    @property
    def is_approved(self) -> bool:
        return self.approval is Approval.APPROVED

    @property
    def shown_rating(self) -> float | None:
        """The rating as clients see it: None without reviews."""
        return shown_rating(self.rating, self.reviews_count)


def shown_rating(rating: float, reviews_count: int) -> float | None:
    """Return the rating as clients see it. Filters and orders use the stored rating, a number also without reviews."""
    return rating if reviews_count else None


class BarberWords(Struct, frozen=True):
    """Holds the search words of these fields of `Barber`, from the most to the least significant field."""

    display_name: FindableWords
    services: FindableWords
    neighbourhood: FindableWords


class StoredBarber(Barber, frozen=True, kw_only=True):
    """Adds search words to the stored document; they are not published and not cached."""

    words: BarberWords


class BarberMapEntry(Struct, frozen=True, kw_only=True):
    """Holds the fields of a barber that the map search shows or filters by, under the names in `Barber`."""

    id: UUID = field(name="_id")
    display_name: str
    location: GeoPoint
    service_radius_km: float
    currency: str
    services: list[OfferedService]
    rating: float
    reviews_count: int
    is_online: bool
    version: int
    created_at: datetime


def map_entry(barber: Barber) -> BarberMapEntry:
    return BarberMapEntry(**{name: getattr(barber, name) for name in BarberMapEntry.__struct_fields__})


def notices_of_switch(barber: Barber, now: datetime, *, is_online: bool) -> list[OnlineNotice]:
    """Return the notice of a barber that goes online or offline; none if it is not approved."""
    return _notices(barber, now, (is_online, barber.location)) if barber.is_approved else []


def notices_of_approval(barber: Barber, approval: Approval, now: datetime) -> list[OnlineNotice]:
    """Return the notice of a barber that customers begin or cease to see.

    There is none if the barber is offline or nothing changes.
    """
    is_seen = approval is Approval.APPROVED
    if not barber.is_online or barber.is_approved == is_seen:
        return []
    return _notices(barber, now, (is_seen, barber.location))


def notices_of_move(barber: Barber, location: GeoPoint, now: datetime) -> list[OnlineNotice]:
    """Return the notices of a barber with a new location: none if it is offline, not approved, or stays."""
    if not (barber.is_online and barber.is_approved) or barber.location == location:
        return []
    return _notices(barber, now, (False, barber.location), (True, location))


def _notices(barber: Barber, now: datetime, *states: tuple[bool, GeoPoint]) -> list[OnlineNotice]:
    last = max((notice.version for notice in barber.notice), default=0)
    first = max(last + 1, int(now.timestamp() * 1000))
    return [
        OnlineNotice(id=new_id(), version=version, is_online=is_online, location=location, at=now)
        for version, (is_online, location) in enumerate(states, start=first)
    ]
