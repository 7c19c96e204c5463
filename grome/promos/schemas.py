"""Request and response bodies of promos."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from grome.infrastructure.http import NextCursor, PageQuery
from grome.promos.models import Promo, PromoCode, PromoTerms


class PromoChange(PromoTerms, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Replaces all terms of a promo; earlier discounts stay as they are.

    Either `percent` or `amount` is required, and `currency` with `amount`, `at_most` or `minimum_price`. Only the
    platform's promos can list `barber_ids`; a barber's promos are for visits to that barber.
    """


class PromoIn(PromoChange, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Describes a new promo. Its code is stored in upper case and cannot be changed."""

    code: PromoCode
    """Stored in upper case and cannot be changed later."""
    is_active: bool = True
    """Whether customers can use the code at once."""


class ActiveIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Switches a promo on or off."""

    is_active: bool
    """False stops new uses; earlier discounts stay."""


class PromoOut(PromoTerms, frozen=True, kw_only=True):
    """Describes a promo to its owner."""

    id: UUID
    """Id of the promo; the path parameter `promo_id`."""
    code: Annotated[str, Meta(examples=["SPRING-20"])]
    """The code that customers enter, in upper case."""
    is_active: bool
    """Whether customers can use the code, within its terms."""
    created_at: datetime
    """Time of the creation."""
    updated_at: datetime
    """Time of the latest change of the terms or the switch."""


class PromoPage(Struct, frozen=True):
    """Lists promos, the newest first."""

    items: list[PromoOut]
    """Promos, newest first."""
    next_cursor: NextCursor


class PromoQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    is_active: bool | None = None
    """True for promos in use only, false for those switched off; leave out for both."""
    code: PromoCode | None = None
    """Only the promo with this code; case does not matter."""


class Discounted(Struct, frozen=True):
    """Sums the discounts of all bookings in one currency, in minor units."""

    currency: str
    """ISO 4217 code."""
    amount: int
    """Sum of the discounts, in minor units of `currency`."""


class PromoFigures(Struct, frozen=True):
    """Counts the uses of a promo."""

    uses: int
    """Bookings that used the promo; a cancelled booking counts unless its use was given back."""
    held: int
    """Uses that open quotes and unfinished bookings hold."""
    left: int | None
    """Uses that are still free; null without a limit."""
    customers: int
    """Number of different customers that used the promo."""
    discounted: list[Discounted]
    """Sums of the discounts, one for each currency."""


class PromoWithFigures(Struct, frozen=True):
    """Describes a promo and its uses."""

    promo: PromoOut
    """The promo itself."""
    figures: PromoFigures
    """Counts its uses and sums its discounts."""


def promo_out(promo: Promo) -> PromoOut:
    return msgspec.convert(promo, PromoOut, from_attributes=True)
