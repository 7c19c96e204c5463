"""The queue of those without an appointment: under `/v1/barbers`, and one's own place under `/v1/walk-ins`."""

from uuid import UUID

from sanic import Request

from grome.bookings.errors import OutsideWindow, SlotTaken
from grome.bookings.schemas import BookingOut
from grome.common.actor import ANYONE, BARBERS, CUSTOMERS, SIGNED_IN, Actor
from grome.common.errors import NotFound
from grome.composition import app_context
from grome.infrastructure.http import Routes
from grome.walk_ins.errors import AlreadyInQueue, NotTakingWalkIns, NotWaiting, QueueFull
from grome.walk_ins.schemas import (
    GuestIn,
    QueueOut,
    QueueQuery,
    SeatIn,
    WaitingListOut,
    WalkInIn,
    WalkInListOut,
    WalkInOut,
)

walk_ins = Routes("walk-ins", "/v1")


@walk_ins.get("/barbers/{barber_id}/walk-ins", who=ANYONE, refusals=(NotFound,))
async def look_at_queue(request: Request, barber_id: UUID, query: QueueQuery) -> QueueOut:
    """How long one would wait for these services without an appointment, who comes now.

    Visits in the queue are laid into what is free between appointments, as long as this barber's visits really take.
    """
    return await app_context(request).walk_ins.preview(barber_id, query)


@walk_ins.post(
    "/barbers/{barber_id}/walk-ins",
    who=CUSTOMERS,
    status=201,
    refusals=(NotFound, NotTakingWalkIns, QueueFull, AlreadyInQueue),
)
async def join_queue(request: Request, actor: Actor, barber_id: UUID, body: WalkInIn) -> WalkInOut:
    """Wait in a barber's queue of today. Appointments keep their time; the queue fills what is between them."""
    return await app_context(request).walk_ins.join(actor, barber_id, body)


@walk_ins.get("/barbers/me/walk-ins", who=BARBERS, refusals=(NotFound,))
async def read_queue(request: Request, actor: Actor) -> WaitingListOut:
    """Your queue of today, in order."""
    return await app_context(request).walk_ins.list_waiting(actor)


@walk_ins.post("/barbers/me/walk-ins", who=BARBERS, status=201, refusals=(NotFound, QueueFull))
async def add_guest(request: Request, actor: Actor, body: GuestIn) -> WaitingListOut:
    """Write somebody without an account into your queue."""
    return await app_context(request).walk_ins.add_guest(actor, body)


@walk_ins.get("/walk-ins", who=CUSTOMERS)
async def list_walk_ins(request: Request, actor: Actor) -> WalkInListOut:
    """Where you wait and have waited of late."""
    return await app_context(request).walk_ins.list_own(actor)


@walk_ins.get("/walk-ins/{walk_in_id}", who=SIGNED_IN, refusals=(NotFound,))
async def read_walk_in(request: Request, actor: Actor, walk_in_id: UUID) -> WalkInOut:
    """A place in a queue: yours, or in yours."""
    return await app_context(request).walk_ins.get(actor, walk_in_id)


@walk_ins.delete("/walk-ins/{walk_in_id}", who=CUSTOMERS, status=204, refusals=(NotFound,))
async def leave_queue(request: Request, actor: Actor, walk_in_id: UUID) -> None:
    """Wait no more."""
    await app_context(request).walk_ins.leave(actor, walk_in_id)


@walk_ins.post("/walk-ins/{walk_in_id}/seat", who=BARBERS, refusals=(NotFound, NotWaiting, OutsideWindow, SlotTaken))
async def seat(request: Request, actor: Actor, walk_in_id: UUID, body: SeatIn) -> BookingOut:
    """Begin the visit of somebody in your queue: a booking that claims its time from now on.

    Where an appointment is in the way, say by `duration_min` how long the visit will really take. Complete the visit
    before, if it still goes on. A place in the queue is good for 24 hours.
    """
    return await app_context(request).walk_ins.seat(actor, walk_in_id, body)


@walk_ins.post("/walk-ins/{walk_in_id}/missed", who=BARBERS, refusals=(NotFound, NotWaiting))
async def miss(request: Request, actor: Actor, walk_in_id: UUID) -> WaitingListOut:
    """Somebody was not there when it was their turn. The answer is who still waits."""
    return await app_context(request).walk_ins.mark_missed(actor, walk_in_id)
