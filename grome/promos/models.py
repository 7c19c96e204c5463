"""Promo codes: their discounts, conditions and limits, and each use of a code."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal, NamedTuple
from uuid import UUID

from msgspec import Meta, Struct, field

from grome.common.coded_enum import CodedEnum
from grome.common.field_faults import FAULT
from grome.common.money import Amount, Currency
from grome.common.origin import RequestOrigin
from grome.common.text import END, NOTE
from grome.infrastructure.mongo.schema import stored_items
from grome.infrastructure.outbox.models import MAX_CHANGES, Change, EventType

# To find that no use is left, the database counts as many index keys, in some hundredths of a second.
MAX_USES: Final = 100_000
# Promos are never deleted, since bookings refer to them.
MAX_PROMOS_PER_BARBER: Final = 500
MAX_PROMO_OUTBOX: Final = 20
BARBER: Final = "barber"
PLATFORM: Final = "platform"
Funder = Literal["barber", "platform"]
ANY_BARBER_ID: Final = UUID(int=0)
# Successive quotes of one customer hold a use at most this long, and after that cannot hold it again for as long.
MAX_QUOTE_HOLD: Final = timedelta(hours=1)

PromoCode = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=32,
        pattern="^[A-Za-z0-9-]{3,32}" + END,
        extra={FAULT: "is not 3 to 32 letters, digits and hyphens, such as SPRING-20"},
        description="A promo code; case does not matter.",
        examples=["SPRING-20"],
    ),
]
Percent = Annotated[int, Meta(ge=1, le=100, description="Percent of the price of the eligible services.")]
FixedAmount = Annotated[int, Meta(ge=1, le=10**9, description="Minor units of the currency.")]
Moment = Annotated[datetime, Meta(tz=True, description="RFC 3339 with an offset.", examples=["2027-03-01T09:00:00Z"])]
Uses = Annotated[int, Meta(ge=1, le=MAX_USES)]
Description = Annotated[str, Meta(max_length=200, examples=["Flyer at the station"]), NOTE]


class PromoTerms(Struct, frozen=True, kw_only=True):
    """The terms of a promo: the fields that can be changed.

    A promo takes off either `percent` of the price, up to `at_most`, or a fixed `amount`. With an `amount`, `at_most`
    or `minimum_price`, the promo is for prices in its `currency` only. It can be used from `valid_from` until
    `valid_until`, regardless of the date of the visit, for the listed barbers and services; an empty list means all.
    `minimum_price` is compared to the price of the whole visit. With `first_visit_only` the promo is for customers that
    have no booking, cancelled bookings aside, with its barber, or with any barber if the promo is the platform's.
    `most_uses` limits the uses of all customers together, `most_uses_each` the uses of each customer.
    """

    percent: Percent | None = None
    """Percent of the price of the eligible services; exclusive with `amount`."""
    amount: FixedAmount | None = None
    """Fixed discount, in minor units of `currency`; exclusive with `percent`."""
    at_most: FixedAmount | None = None
    """Limit of a discount in percent, in minor units of `currency`; null for no limit."""
    currency: Currency | None = None
    """Required with `amount`, `at_most` or `minimum_price`; the promo is then for prices in this currency only."""
    minimum_price: Amount | None = None
    """Least price of the whole visit, in minor units of `currency`; null for none."""
    valid_from: Moment | None = None
    """Earliest time of use, regardless of the date of the visit; null for at once."""
    valid_until: Moment | None = None
    """Latest time of use, regardless of the date of the visit; null for no end."""
    barber_ids: Annotated[list[UUID], Meta(max_length=200)] = []
    """The platform's promos only: barbers for which the code works; empty for all."""
    service_ids: Annotated[list[UUID], Meta(max_length=50)] = []
    """Services of the catalogue that are discounted; empty for all."""
    first_visit_only: bool = False
    """Whether the customer may have no earlier booking with the barber, or with any for a platform's promo."""
    most_uses: Uses | None = None
    """Limit of the uses of all customers together; null for no limit."""
    most_uses_each: Uses | None = None
    """Limit of the uses of each customer; null for no limit."""
    description: Description = ""
    """Note for the owner of the promo; customers do not see it."""


class PromoEntry(Struct, frozen=True, kw_only=True):
    """Records the creation or a change of a promo in the same write, for the audit trail."""

    id: UUID
    version: int
    type: EventType
    actor_id: UUID
    at: datetime
    origin: RequestOrigin | None = None
    changes: Annotated[tuple[Change, ...], stored_items(at_most=MAX_CHANGES)] = ()


class Promo(PromoTerms, frozen=True, kw_only=True):
    """A promo of the barber `owner_id`, or of the platform if `owner_id` is None. `code` is in upper case.

    `place` numbers a barber's promos, so that a unique index enforces their limit; None for the platform's promos, and
    for promos of an earlier release. `given_back` grows after uses were given back: if no use was free before, a use
    may be free from then on. `version` counts changes of the terms and the switch; `outbox` has the latest of them.
    """

    id: UUID = field(name="_id")
    owner_id: UUID | None
    code: str
    is_active: bool
    given_back: Annotated[int, Meta(ge=0)] = 0
    place: Annotated[int, Meta(ge=0)] | None = None
    version: Annotated[int, Meta(ge=0)] = 0
    outbox: Annotated[list[PromoEntry], stored_items(at_most=MAX_PROMO_OUTBOX)] = []
    created_by: UUID
    created_at: datetime
    updated_at: datetime

    def first_visit_of(self, barber_id: UUID) -> list[UUID]:
        """Return the barbers for which a use takes the customer's first visit.

        Returns [] if the promo is not for first visits only.
        """
        if not self.first_visit_only:
            return []
        return [barber_id] if self.owner_id else [ANY_BARBER_ID, barber_id]

    @property
    def limit_per_customer(self) -> int | None:
        """The limit of uses of one customer at a time; a customer has only one first visit."""
        return 1 if self.first_visit_only else self.most_uses_each


class Discount(Struct, frozen=True):
    """Holds the amount that a promo code takes off the price of the services."""

    code: Annotated[str, Meta(examples=["SPRING-20"])]
    """The promo code that was used, in upper case."""
    amount: Amount
    """Amount taken off, in minor units of the booking's currency."""
    funder: Funder = BARBER
    """Bears the discount: the barber earns less, or Grome (`platform`) pays the difference."""


class PromoUse(Struct, frozen=True, kw_only=True):
    """A use of a promo, under the id of its present or future booking.

    Two unique indexes on the seats enforce the limits. A `total_seat` is below the promo's limit, or, without a limit,
    above all limits; a customer's seats count from 0. At `held_until` the use is given up unless its booking was
    stored; `held_until` is None once the booking is known to be stored. A use that is not `firm` is a quote's, and
    yields to a newer use of the same customer; a customer has at most one quote's hold of a promo. `first_visit_of` has
    the barber of a firm use for a first visit, and `ANY_BARBER_ID` too for the platform's promo. A customer has each of
    them once, across all codes.
    """

    id: UUID = field(name="_id")
    promo_id: UUID
    customer_id: UUID
    total_seat: Annotated[int, Meta(ge=0)]
    customer_seat: Annotated[int, Meta(ge=0)]
    code: str
    amount: Amount
    currency: str
    held_until: datetime | None
    firm: bool
    first_visit_of: Annotated[list[UUID], Meta(max_length=2)] = []
    funder: Funder = BARBER
    at: datetime

    @property
    def discount(self) -> Discount:
        return Discount(self.code, self.amount, self.funder)


class HoldWindow(Struct, frozen=True, kw_only=True):
    """When quotes of one customer may hold a use of one promo: up to `ends_at`, and again after `forgotten_at`."""

    id: UUID = field(name="_id")
    promo_id: UUID
    customer_id: UUID
    ends_at: datetime
    forgotten_at: datetime


@dataclass(frozen=True, slots=True)
class PricedVisit:
    """The visit that a code is used for: each service by its catalogue id, with its price including add-ons."""

    barber_id: UUID
    services: list[tuple[UUID, int]]
    currency: str

    @property
    def price(self) -> int:
        return sum(price for _, price in self.services)


class RejectionReason(CodedEnum):
    """The reason why a code cannot be used: a stable code, and a sentence for the customer."""

    UNKNOWN = "promo_unknown", "This code does not exist at this barber."
    EXPIRED = "promo_expired", "The code is no longer valid."
    NOT_YET = "promo_not_yet", "The code is not valid yet."
    NOT_HERE = "promo_not_here", "The code is not for this barber."
    CURRENCY = "promo_currency", "The code is for prices in another currency."
    OTHER_SERVICES = "promo_other_services", "The code is for other services."
    MINIMUM = "promo_minimum", "The price is too low for this code."
    FIRST_VISIT_ONLY = "promo_first_visit_only", "The code is for a first visit."
    USED_UP_BY_YOU = "promo_used_up_by_you", "You have reached the limit of uses of this code."
    EXHAUSTED = "promo_exhausted", "The code has reached its limit of uses."


class BookedUse(NamedTuple):
    """The state of a booking that holds a use. `is_visit`: the booking is not cancelled."""

    is_given_back: bool
    is_visit: bool
