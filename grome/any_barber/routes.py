"""Serve `/v1/slots` and `/v1/bookings/any`."""

from sanic import Request

from grome.any_barber.errors import NobodyFree
from grome.any_barber.schemas import AnyBookingIn, AnySlotQuery, AnySlotsOut
from grome.any_barber.service import AnyBarberService
from grome.bookings.errors import KeyInFlight, KeyReused
from grome.bookings.schemas import BookingOut
from grome.common.actor import ANYONE, CUSTOMERS, Actor
from grome.infrastructure.http import IdempotencyKey, LimitClass, Routes, resolve
from grome.infrastructure.idempotency import Encoded

any_barber = Routes("any-barber", "/v1", about="Find a free time and book it with any barber around a point.")


@any_barber.get("/slots", who=ANYONE, limit=LimitClass.SEARCH)
async def free_times_of_all(request: Request, query: AnySlotQuery) -> AnySlotsOut:
    """List the times at which any barber around a point is free.

    A listed barber offers all of these services. Each time names the free barbers. The search covers the 50 nearest
    barbers that offer the services.
    """
    return await resolve(request, AnyBarberService).slots(query)


@any_barber.post(
    "/bookings/any",
    who=CUSTOMERS,
    status=201,
    answers={201: BookingOut},
    refusals=(NobodyFree, KeyReused, KeyInFlight),
)
async def book_any_barber(
    request: Request, actor: Actor, body: AnyBookingIn, idempotency_key: IdempotencyKey | None
) -> BookingOut | Encoded:
    """Book a time with the nearest free barber.

    Barber and time are claimed together. If another booking takes the nearest barber first, the next nearest free
    barber is tried; 409 `nobody_free` means that no barber is left. A repeat with the same `Idempotency-Key` gets the
    first answer again.
    """
    return await resolve(request, AnyBarberService).book(actor, body, idempotency_key)
