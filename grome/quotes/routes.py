"""Serve `/v1/bookings/quote`."""

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

quotes = Routes(
    "quotes",
    "/v1/bookings/quote",
    about="Prices and terms of a visit that stay fixed for some minutes, until the visit is booked.",
)


@quotes.post(
    "", who=CUSTOMERS, status=201, refusals=(NotFound, SlotTaken, SlotNotOffered, PromoRefused, TooManyRequests)
)
async def ask_for_quote(request: Request, actor: Actor, body: BookingIn) -> QuoteOut:
    """Quote the price of a visit and the costs of cancelling it.

    The quote is valid for 15 minutes. The time is not held: the first booking gets it. A use of the promo code is held,
    unless you use the code elsewhere. 422 `slot_not_offered` names the rule of the barber's calendar in `errors`, and
    422 `promo_refused` the condition of the code. More than 100 quotes in an hour are refused.
    """
    return await resolve(request, QuoteService).quote(actor, body)


@quotes.get("/{quote_id}", who=CUSTOMERS, refusals=(NotFound, QuoteExpired))
async def read_quote(request: Request, actor: Actor, quote_id: UUID) -> QuoteOut:
    """Return one of your quotes until it expires.

    410 `quote_expired` means that its 15 minutes are over: request a new quote.
    """
    return await resolve(request, QuoteService).read(actor, quote_id)


@quotes.post(
    "/{quote_id}/book",
    who=CUSTOMERS,
    status=201,
    answers={201: BookingOut},
    refusals=(NotFound, QuoteExpired, SlotTaken, SlotNotOffered, PromoRefused, BookingInFlight),
)
async def book_quote(request: Request, actor: Actor, quote_id: UUID) -> BookingOut | Encoded:
    """Book the quoted visit at the quoted price and terms.

    They hold even if the barber has changed them. The booking gets the quote's id, so a quote is booked once; a
    repeated request returns the first response again. 409 `slot_taken` means that another booking got the time.
    """
    return await resolve(request, QuoteService).book(actor, quote_id)
