"""Promo codes: what they take off, for whom and how often, and each use of one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct, field

from grome.common.coded import Coded
from grome.common.money import Amount, Currency
from grome.common.text import END, NOTE

# To see that none is free the database counts as many index keys, which takes it some hundredths of a second.
MOST_USES: Final = 100_000
# Promos of one barber; none is ever deleted, since bookings refer to it.
MOST_PROMOS: Final = 500
ANYBODY: Final = UUID(int=0)
# One customer's quotes, one after the other, keep a use from everybody else for so long at most, and then for as long
# not at all.
LONGEST_HOLD: Final = timedelta(hours=1)

PromoCode = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=32,
        pattern="^[A-Za-z0-9-]{3,32}" + END,
        description="A promo code; upper and lower case are the same.",
        examples=["SPRING-20"],
    ),
]
Percent = Annotated[int, Meta(ge=1, le=100, description="Per cent of the price of the services that count.")]
FixedAmount = Annotated[int, Meta(ge=1, le=10**9, description="Minor units of the currency.")]
Moment = Annotated[datetime, Meta(tz=True, description="RFC 3339 with an offset.", examples=["2027-03-01T09:00:00Z"])]
Uses = Annotated[int, Meta(ge=1, le=MOST_USES)]
Description = Annotated[str, Meta(max_length=200), NOTE]


class PromoTerms(Struct, frozen=True, kw_only=True):
    """What of a promo can be changed.

    It takes off either `percent` of the price, `at_most` an amount, or a fixed `amount`. Where there is an amount,
    `at_most` or `minimum_price`, the promo is for prices in its `currency` only. It can be used from `valid_from` up to
    `valid_until`, whenever the visit is; for visits to the barbers and for the services that are listed, or all where
    none is. `minimum_price` is compared to the price of the whole visit. With `first_visit_only` it is for customers
    without a booking that was not called off: with the barber whose promo it is, or with anybody where it is the
    platform's. `most_uses` are those of all customers together, `most_uses_each` those of each.
    """

    percent: Percent | None = None
    amount: FixedAmount | None = None
    at_most: FixedAmount | None = None
    currency: Currency | None = None
    minimum_price: Amount | None = None
    valid_from: Moment | None = None
    valid_until: Moment | None = None
    barber_ids: Annotated[list[UUID], Meta(max_length=200)] = []
    service_ids: Annotated[list[UUID], Meta(max_length=50)] = []
    first_visit_only: bool = False
    most_uses: Uses | None = None
    most_uses_each: Uses | None = None
    description: Description = ""


class Promo(PromoTerms, frozen=True, kw_only=True):
    """`owner_id` is the barber whose own it is, None for the platform's. `code` is in upper case.

    `place` numbers a barber's promos, so that a unique index holds how many there are; None for the platform's, and for
    a promo of an earlier release.

    `given_back` grows after uses were given back: where none was free before, one may be free from then on.
    """

    id: UUID = field(name="_id")
    owner_id: UUID | None
    code: str
    is_active: bool
    given_back: Annotated[int, Meta(ge=0)] = 0
    place: Annotated[int, Meta(ge=0)] | None = None
    created_by: UUID
    created_at: datetime
    updated_at: datetime

    def first_visit_of(self, barber_id: UUID) -> list[UUID]:
        """Whose first visit a use at a barber is for; empty where the promo is for others too."""
        if not self.first_visit_only:
            return []
        return [barber_id] if self.owner_id else [ANYBODY, barber_id]

    @property
    def uses_each(self) -> int | None:
        """How many one customer may have at a time; nobody has two first visits."""
        return 1 if self.first_visit_only else self.most_uses_each


class PromoUse(Struct, frozen=True, kw_only=True):
    """A use of a promo, under the id that its booking has or will have.

    Two unique indexes on the seats hold the limits. A `total_seat` lies below the promo's limit, or where there is none
    among the numbers above all limits; a customer's seats count from 0. At `held_until` the use is given up, unless its
    booking was stored; None once that is known. A use that is not `firm` is a quote's, and yields to a newer use of the
    same customer; a customer has one such hold of a promo at most. `first_visit_of` are whose first visit a firm use is
    for: the barber, and for the platform's promo `ANYBODY` too. A customer has each of them once, whatever the code.
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
    at: datetime


class HoldWindow(Struct, frozen=True, kw_only=True):
    """When quotes of one customer may hold a use of one promo: up to `ends_at`, and again after `forgotten_at`."""

    id: UUID = field(name="_id")
    promo_id: UUID
    customer_id: UUID
    ends_at: datetime
    forgotten_at: datetime


@dataclass(frozen=True, slots=True)
class PricedVisit:
    """What a code is to be used for: each service by its id in the catalogue and its price, add-ons included."""

    barber_id: UUID
    services: list[tuple[UUID, int]]
    currency: str

    @property
    def price(self) -> int:
        return sum(price for _, price in self.services)


class NotUsable(Coded):
    """Why a code cannot be used: a stable code, and a sentence for the customer."""

    UNKNOWN = "promo_unknown", "There is no such code for this barber."
    EXPIRED = "promo_expired", "The code is not valid any more."
    NOT_YET = "promo_not_yet", "The code is not valid yet."
    NOT_HERE = "promo_not_here", "The code is not for this barber."
    CURRENCY = "promo_currency", "The code is for prices in another currency."
    OTHER_SERVICES = "promo_other_services", "The code is for other services."
    MINIMUM = "promo_minimum", "The price is too low for this code."
    FIRST_VISIT_ONLY = "promo_first_visit_only", "The code is for a first visit."
    USED_UP_BY_YOU = "promo_used_up_by_you", "You have used the code as often as one can."
    EXHAUSTED = "promo_exhausted", "The code has been used as often as it can be."
