"""Define the wire format of quotes."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from grome.barbers.models import Terms
from grome.bookings.models import BookedService, to_booked_service
from grome.bookings.schemas import HouseCallOut, house_call_out
from grome.common.figures import duration_of, price_of
from grome.promos.models import Discount
from grome.quotes.models import Costs, Quote


class DepositReasonOut(Struct, frozen=True):
    """Explains the deposit by a stable code and a sentence."""

    code: Annotated[str, Meta(examples=["new_client"])]
    """Stable code: `terms`, `service`, `new_client`, `no_shows`, `high_price` or `least_charge`."""
    sentence: Annotated[str, Meta(examples=["The barber asks for a deposit on a first visit."])]
    """Explanation in English to show to the customer."""


class QuoteOut(Struct, frozen=True):
    """Shows the price of a visit and the costs of ending it.

    A booking by this quote has the same price and terms.
    """

    id: UUID
    """Id of the quote; the path parameter `quote_id`, and later the id of the booking."""
    barber_id: UUID
    """Barber of the visit."""
    services: list[BookedService]
    """Services in their order, with the prices and durations of this quote."""
    scheduled_at: datetime
    """Start of the visit; the time is not held."""
    ends_at: datetime
    """End of the visit."""
    duration_min: int
    """Minutes from start to end, with add-ons."""
    house_call: HouseCallOut | None
    """Place and travel of a house call; null for a visit at the shop."""
    full_price: int
    """Price of all services and add-ons before the discount, in minor units."""
    discount: Discount | None
    """Discount of the promo code; null without a code."""
    price: int
    """To pay in total, after the discount and including the deposit, in minor units."""
    deposit: int
    """Part of `price` that is due at once, in minor units; 0 for none."""
    deposit_reasons: list[DepositReasonOut]
    """Reasons for the deposit; empty without a deposit."""
    currency: str
    """ISO 4217 code; holds for all amounts of the quote."""
    terms: Terms
    """Terms of cancellation and deposit that the booking keeps."""
    costs: Costs
    """Fees for cancelling by time and for a no-show."""
    customer_note: Annotated[str, Meta(examples=["Short at the sides, please."])] | None
    """Your note to the barber; null for none."""
    expires_at: datetime
    """Until then the quote can be booked at this price: 15 minutes after the request."""


def quote_out(quote: Quote) -> QuoteOut:
    return QuoteOut(
        id=quote.id,
        barber_id=quote.barber_id,
        services=[to_booked_service(one) for one in quote.services],
        scheduled_at=quote.scheduled_at,
        ends_at=quote.ends_at,
        duration_min=duration_of(quote.services),
        house_call=house_call_out(quote.house_call) if quote.house_call else None,
        full_price=price_of(quote.services),
        discount=quote.discount,
        price=quote.price,
        deposit=quote.deposit,
        deposit_reasons=[DepositReasonOut(each.value, each.sentence) for each in quote.deposit_reasons],
        currency=quote.currency,
        terms=quote.terms,
        costs=quote.costs,
        customer_note=quote.note,
        expires_at=quote.expires_at,
    )
