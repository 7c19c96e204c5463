"""`/v1/bookings`."""

from uuid import UUID

from sanic import Request

from grome.bookings.errors import KeyInFlight, KeyReused, SlotNotOffered, SlotTaken, WrongState
from grome.bookings.models import Action
from grome.bookings.schemas import BookingIn, BookingOut, BookingPage, BookingQuery, EndIn, HistoryOut
from grome.common.actor import BARBERS, CUSTOMERS, SIGNED_IN, Actor
from grome.common.errors import NotFound
from grome.common.http import IdempotencyKey, Routes
from grome.context import app_context
from grome.promos.errors import PromoRefused

bookings = Routes("bookings", "/v1/bookings")


@bookings.post(
    "",
    who=CUSTOMERS,
    status=201,
    refusals=(NotFound, SlotTaken, SlotNotOffered, PromoRefused, KeyReused, KeyInFlight),
)
async def create_booking(
    request: Request, actor: Actor, body: BookingIn, idempotency_key: IdempotencyKey | None
) -> BookingOut:
    """Take a time. Of all who ask for the same time of a barber exactly one gets it, whatever races.

    A repeat under the same `Idempotency-Key` gets the first answer again.
    """
    return await app_context(request).booking_creation.create(actor, body, idempotency_key)


@bookings.get("", who=SIGNED_IN)
async def list_bookings(request: Request, actor: Actor, query: BookingQuery) -> BookingPage:
    """Your bookings, latest start first: a customer's own, a barber's own, for an admin all."""
    return await app_context(request).bookings.page(actor, query)


@bookings.get("/{booking_id}", who=SIGNED_IN, refusals=(NotFound,))
async def read_booking(request: Request, actor: Actor, booking_id: UUID) -> BookingOut:
    """One booking of yours."""
    return await app_context(request).bookings.read(actor, booking_id)


@bookings.get("/{booking_id}/history", who=SIGNED_IN, refusals=(NotFound,))
async def read_history(request: Request, actor: Actor, booking_id: UUID) -> HistoryOut:
    """Everything that happened to a booking, oldest first."""
    return await app_context(request).bookings.history(actor, booking_id)


@bookings.post("/{booking_id}/accept", who=BARBERS, refusals=(NotFound, WrongState))
async def accept(request: Request, actor: Actor, booking_id: UUID) -> BookingOut:
    """Say yes to a request."""
    return await app_context(request).bookings.move(actor, booking_id, Action.ACCEPT)


@bookings.post("/{booking_id}/decline", who=BARBERS, refusals=(NotFound, WrongState))
async def decline(request: Request, actor: Actor, booking_id: UUID, body: EndIn) -> BookingOut:
    """Say no to a request. Its time is free again at once."""
    return await app_context(request).bookings.move(actor, booking_id, Action.DECLINE, body.note)


@bookings.post("/{booking_id}/start", who=BARBERS, refusals=(NotFound, WrongState))
async def start(request: Request, actor: Actor, booking_id: UUID) -> BookingOut:
    """The customer is in the chair."""
    return await app_context(request).bookings.move(actor, booking_id, Action.START)


@bookings.post("/{booking_id}/complete", who=BARBERS, refusals=(NotFound, WrongState))
async def complete(request: Request, actor: Actor, booking_id: UUID) -> BookingOut:
    """The visit is over."""
    return await app_context(request).bookings.move(actor, booking_id, Action.COMPLETE)


@bookings.post("/{booking_id}/cancel", who=SIGNED_IN, refusals=(NotFound, WrongState))
async def cancel(request: Request, actor: Actor, booking_id: UUID, body: EndIn) -> BookingOut:
    """Call a booking off, as its customer, its barber or an admin. Its time is free again at once."""
    return await app_context(request).bookings.move(actor, booking_id, Action.CANCEL, body.note)
