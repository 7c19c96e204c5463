"""Promo codes on the wire."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from grome.infrastructure.http import PageQuery
from grome.promos.models import Promo, PromoCode, PromoTerms


class PromoChange(PromoTerms, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the promo is to be from now on, as a whole. Discounts that were given stay as they are.

    One of `percent` and `amount` is needed, and `currency` with `amount`, `at_most` or `minimum_price`. `barber_ids`
    are for the platform's promos; a barber's own are for visits to that barber.
    """


class PromoIn(PromoChange, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A new promo. The code stays as it is for good, in upper case."""

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
    """The newest first."""

    items: list[PromoOut]
    next_cursor: str | None


class PromoQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    is_active: bool | None = None
    code: PromoCode | None = None


class Discounted(Struct, frozen=True):
    """What bookings in one currency were given together, in minor units."""

    currency: str
    amount: int


class PromoFigures(Struct, frozen=True):
    """`uses` are those of bookings, made by so many `customers`; cancelled bookings count where the code stays used.

    `held` are claimed by quotes and bookings that are being made. `left` is null where there is no limit.
    """

    uses: int
    held: int
    left: int | None
    customers: int
    discounted: list[Discounted]


class PromoWithFigures(Struct, frozen=True):
    promo: PromoOut
    figures: Annotated[PromoFigures, Meta(description="How it has been used.")]


def promo_out(promo: Promo) -> PromoOut:
    return msgspec.convert(promo, PromoOut, from_attributes=True)
