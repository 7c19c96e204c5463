"""Define the wire format of quotes."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from grome.barbers.models import Terms
from grome.bookings.models import BookedService, to_booked_service
from grome.bookings.schemas import HouseCallOut, house_call_out
from grome.common.figures import duration_of, price_of
from grome.promos.models import Discount
from grome.quotes.models import Costs, Quote


class DepositReasonOut(Struct, frozen=True):
    """Explains the deposit by a stable code and a sentence."""

    code: str
    sentence: str


class QuoteOut(Struct, frozen=True):
    """Shows the price of a visit and the costs of ending it, in minor units.

    `full_price` is the price of the services, `price` the price after the discount, and `deposit` the part that is due
    first, for the `deposit_reasons`. Until `expires_at`, a booking by this quote has this price, discount,
    deposit and these terms.
    """

    id: UUID
    barber_id: UUID
    services: list[BookedService]
    scheduled_at: datetime
    ends_at: datetime
    duration_min: int
    house_call: HouseCallOut | None
    full_price: int
    discount: Discount | None
    price: int
    deposit: int
    deposit_reasons: list[DepositReasonOut]
    currency: str
    terms: Terms
    costs: Costs
    customer_note: str | None
    expires_at: datetime


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
