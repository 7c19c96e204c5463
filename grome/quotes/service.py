"""Quote the price of a visit, and book at the quoted price."""

from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from grome.barbers.models import Barber
from grome.barbers.service import BarberService
from grome.bookings.create import BookingCreator, build_house_call, original_response
from grome.bookings.drafts import BookingDraft
from grome.bookings.schemas import BookingIn, BookingOut
from grome.common.actor import Actor
from grome.common.clock import Clock
from grome.common.errors import ApiError, NotFound
from grome.infrastructure.idempotency import Encoded
from grome.infrastructure.mongo.budgets import Budget, Budgets
from grome.promos.redemptions import PromoRedemptions
from grome.quotes.cancellation_costs import cancellation_costs
from grome.quotes.errors import QuoteExpired
from grome.quotes.models import Quote
from grome.quotes.repository import QuoteRepository
from grome.quotes.schemas import QuoteOut, quote_out
from grome.scheduling.offers import ChosenService

QUOTE_VALIDITY: Final = timedelta(minutes=15)
# Enough to compare some barbers and times; a quote is stored for a day.
QUOTES_OF_CUSTOMER: Final = Budget("quotes of a customer", 100, timedelta(hours=1))


class QuoteService:
    def __init__(
        self,
        quotes: QuoteRepository,
        creation: BookingCreator,
        barbers: BarberService,
        promos: PromoRedemptions,
        budgets: Budgets,
        clock: Clock,
    ) -> None:
        self._quotes, self._creation, self._barbers = quotes, creation, barbers
        self._promos, self._budgets, self._clock = promos, budgets, clock

    async def quote(self, actor: Actor, wanted: BookingIn) -> QuoteOut:
        """Quote the price of a visit; it holds a use of the promo code, and nothing else.

        Raises the same errors as a booking if the visit could not be booked right now. Raises TooManyRequests beyond
        100 quotes of a customer in an hour.
        """
        await self._budgets.spend(QUOTES_OF_CUSTOMER, str(actor.id))
        draft = await self._creation.build_draft(actor.id, wanted)
        (error,) = await self._creation.find_errors([draft])
        if error:
            raise error
        now = self._clock()
        expires_at = now + QUOTE_VALIDITY
        if wanted.promo_code:
            discount = await self._promos.claim(
                actor.id, wanted.promo_code, draft.id, draft.priced, expires_at, firm=False
            )
            draft = replace(draft, promo_code=wanted.promo_code, discount=discount)
        deposit = await self._creation.calculate_deposit(draft)
        booking = self._creation.preview_booking(replace(draft, deposit=deposit.amount))
        quote = Quote(
            id=draft.id,
            customer_id=actor.id,
            barber_id=draft.barber.id,
            services=draft.services,
            scheduled_at=draft.start,
            ends_at=booking.ends_at,
            house_call=draft.house_call,
            promo_code=draft.promo_code,
            discount=draft.discount,
            price=booking.price,
            deposit=deposit.amount,
            deposit_reasons=list(deposit.reasons),
            currency=booking.currency,
            terms=draft.terms,
            commission_bp=booking.commission_bp,
            costs=cancellation_costs(booking, now),
            note=draft.note,
            created_at=now,
            expires_at=expires_at,
        )
        await self._quotes.add(quote)
        return quote_out(quote)

    async def read(self, actor: Actor, quote_id: UUID) -> QuoteOut:
        return quote_out(await self._get_valid(actor, quote_id))

    async def book(self, actor: Actor, quote_id: UUID) -> BookingOut | Encoded:
        """Book the quoted visit, or return the first answer again.

        Raises NotFound, QuoteExpired, and the errors of creating a booking: time and place are checked anew.
        """
        try:
            quote = await self._get_valid(actor, quote_id)
            barber = await self._barbers.get_approved(quote.barber_id)
            return original_response(await self._creation.claim(_build_draft(quote, barber), may_come_again=True))
        except ApiError:
            # As with an idempotency key: if a repeat is refused for any reason, the first response counts.
            if made := await self._creation.find_created(actor.id, quote_id):
                return original_response(made)
            raise

    async def _get_valid(self, actor: Actor, quote_id: UUID) -> Quote:
        quote = await self._quotes.find(actor.id, quote_id)
        if quote is None:
            raise NotFound
        if quote.expires_at <= self._clock():
            raise QuoteExpired
        return quote


def _build_draft(quote: Quote, barber: Barber) -> BookingDraft:
    """Build the draft with the quoted prices, durations and terms, but the current hours, rules and travel time."""
    rules = {offer.service_id: offer.rules for offer in barber.services}
    call = quote.house_call
    return BookingDraft(
        id=quote.id,
        customer_id=quote.customer_id,
        barber=msgspec.structs.replace(barber, currency=quote.currency),
        services=[
            ChosenService(
                msgspec.structs.replace(each.offer, rules=rules.get(each.offer.service_id, each.offer.rules)),
                each.add_ons,
            )
            for each in quote.services
        ],
        start=quote.scheduled_at,
        house_call=build_house_call(barber, call.location, call.address) if call else None,
        terms=quote.terms,
        promo_code=quote.promo_code,
        discount=quote.discount,
        deposit=quote.deposit,
        commission_bp=quote.commission_bp,
        note=quote.note,
    )
