"""Request and response bodies of promos."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from grome.infrastructure.http import PageQuery
from grome.promos.models import Promo, PromoCode, PromoTerms


class PromoChange(PromoTerms, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Replaces all terms of a promo; earlier discounts stay as they are.

    Either `percent` or `amount` is required, and `currency` with `amount`, `at_most` or `minimum_price`. Only the
    platform's promos can list `barber_ids`; a barber's promos are for visits to that barber.
    """


class PromoIn(PromoChange, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Describes a new promo. Its code is stored in upper case and cannot be changed."""

    code: PromoCode
    is_active: bool = True


class ActiveIn(Struct, frozen=True, forbid_unknown_fields=True):
    is_active: bool


class PromoOut(PromoTerms, frozen=True, kw_only=True):
    id: UUID
    code: str
    is_active: bool
    created_at: datetime
    updated_at: datetime


class PromoPage(Struct, frozen=True):
    """Lists promos, the newest first."""

    items: list[PromoOut]
    next_cursor: str | None


class PromoQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    is_active: bool | None = None
    code: PromoCode | None = None


class Discounted(Struct, frozen=True):
    """Sums the discounts of all bookings in one currency, in minor units."""

    currency: str
    amount: int


class PromoFigures(Struct, frozen=True):
    """Counts the uses of a promo.

    `uses` counts the uses of bookings, and `customers` their different customers; a cancelled booking counts if its
    use was not given back. `held` counts uses that quotes and unfinished bookings hold. `left` is null without a limit.
    """

    uses: int
    held: int
    left: int | None
    customers: int
    discounted: list[Discounted]


class PromoWithFigures(Struct, frozen=True):
    promo: PromoOut
    figures: Annotated[PromoFigures, Meta(description="The figures of its uses.")]


def promo_out(promo: Promo) -> PromoOut:
    return msgspec.convert(promo, PromoOut, from_attributes=True)
