"""`/v1/bookings/quote`."""

from uuid import UUID

from sanic import Request

from grome.bookings.errors import BookingInFlight, SlotNotOffered, SlotTaken
from grome.bookings.schemas import BookingIn, BookingOut
from grome.common.actor import CUSTOMERS, Actor
from grome.common.errors import NotFound, TooManyRequests
from grome.infrastructure.http import Routes, resolve
from grome.infrastructure.idempotency import Encoded
from grome.promos.errors import PromoRefused
from grome.quotes.errors import QuoteExpired
from grome.quotes.schemas import QuoteOut
from grome.quotes.service import QuoteService

quotes = Routes("quotes", "/v1/bookings/quote")


@quotes.post(
    "", who=CUSTOMERS, status=201, refusals=(NotFound, SlotTaken, SlotNotOffered, PromoRefused, TooManyRequests)
)
async def ask_for_quote(request: Request, actor: Actor, body: BookingIn) -> QuoteOut:
    """What a visit would cost, and what cancelling it would, honoured for some minutes.

    The time is not held: whoever books it first gets it. A use of the promo code is, unless you use the code elsewhere.
    """
    return await resolve(request, QuoteService).quote(actor, body)


@quotes.get("/{quote_id}", who=CUSTOMERS, refusals=(NotFound, QuoteExpired))
async def read_quote(request: Request, actor: Actor, quote_id: UUID) -> QuoteOut:
    """A quote of yours that has not expired."""
    return await resolve(request, QuoteService).read(actor, quote_id)


@quotes.post(
    "/{quote_id}/book",
    who=CUSTOMERS,
    status=201,
    answers={201: BookingOut},
    refusals=(NotFound, QuoteExpired, SlotTaken, SlotNotOffered, PromoRefused, BookingInFlight),
)
async def book_quote(request: Request, actor: Actor, quote_id: UUID) -> BookingOut | Encoded:
    """Book what was quoted at its price and terms, whatever the barber changed since.

    The booking gets the quote's id. So a quote is booked once, and a repeat gets the first answer again.
    """
    return await resolve(request, QuoteService).book(actor, quote_id)
