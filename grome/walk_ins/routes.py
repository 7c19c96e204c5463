"""Routes of walk-in queues under `/v1/barbers`, and of single walk-ins under `/v1/walk-ins`."""

from uuid import UUID

from sanic import Request

from grome.bookings.errors import OutsideWindow, SlotTaken
from grome.bookings.schemas import BookingOut
from grome.common.actor import ANYONE, BARBERS, CUSTOMERS, SIGNED_IN, Actor
from grome.common.errors import NotFound
from grome.infrastructure.http import Routes, resolve
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
from grome.walk_ins.service import WalkInService

walk_ins = Routes("walk-ins", "/v1", about="The queue of today at a barber's door, with estimated starts.")


@walk_ins.get("/barbers/{barber_id}/walk-ins", who=ANYONE, refusals=(NotFound,))
async def look_at_queue(request: Request, barber_id: UUID, query: QueueQuery) -> QueueOut:
    """Estimate the wait for these services if you joined the barber's queue now.

    The estimate fits the queue into the free time between appointments, at this barber's measured pace.
    """
    return await resolve(request, WalkInService).preview(barber_id, query)


@walk_ins.post(
    "/barbers/{barber_id}/walk-ins",
    who=CUSTOMERS,
    status=201,
    refusals=(NotFound, NotTakingWalkIns, QueueFull, AlreadyInQueue),
)
async def join_queue(request: Request, actor: Actor, barber_id: UUID, body: WalkInIn) -> WalkInOut:
    """Join a barber's queue of today.

    Appointments keep their time; the queue fills the time between them. 409 `not_taking_walk_ins` means that the barber
    is offline, and 409 `queue_full` that the queue lasts until closing time.
    """
    return await resolve(request, WalkInService).join(actor, barber_id, body)


@walk_ins.get("/barbers/me/walk-ins", who=BARBERS, refusals=(NotFound,))
async def read_queue(request: Request, actor: Actor) -> WaitingListOut:
    """Return your queue of today, in order."""
    return await resolve(request, WalkInService).list_waiting(actor)


@walk_ins.post("/barbers/me/walk-ins", who=BARBERS, status=201, refusals=(NotFound, QueueFull))
async def add_guest(request: Request, actor: Actor, body: GuestIn) -> WaitingListOut:
    """Add a guest without an account to your queue of today.

    Possible while you are offline too. 409 `queue_full` means that the queue lasts until closing time.
    """
    return await resolve(request, WalkInService).add_guest(actor, body)


@walk_ins.get("/walk-ins", who=CUSTOMERS)
async def list_walk_ins(request: Request, actor: Actor) -> WalkInListOut:
    """List your latest 20 walk-ins, newest first."""
    return await resolve(request, WalkInService).list_own(actor)


@walk_ins.get("/walk-ins/{walk_in_id}", who=SIGNED_IN, refusals=(NotFound,))
async def read_walk_in(request: Request, actor: Actor, walk_in_id: UUID) -> WalkInOut:
    """Return a walk-in of yours, or in your queue; admins read all walk-ins."""
    return await resolve(request, WalkInService).get(actor, walk_in_id)


@walk_ins.delete("/walk-ins/{walk_in_id}", who=CUSTOMERS, status=204, refusals=(NotFound,))
async def leave_queue(request: Request, actor: Actor, walk_in_id: UUID) -> None:
    """Leave the queue.

    A repeat has no further effect, and neither has leaving after the visit has begun.
    """
    await resolve(request, WalkInService).leave(actor, walk_in_id)


@walk_ins.post("/walk-ins/{walk_in_id}/seat", who=BARBERS, refusals=(NotFound, NotWaiting, OutsideWindow, SlotTaken))
async def seat(request: Request, actor: Actor, walk_in_id: UUID, body: SeatIn) -> BookingOut:
    """Start the visit of a walk-in in your queue.

    This creates a booking that claims its time from now on; a repeat returns the same booking. 409 `slot_taken` means
    that an appointment or another visit is in the way: set `duration_min` to a duration that fits, or complete the
    visit before first. A place in the queue is valid for 24 hours, then the answer is 409 `outside_window`.
    """
    return await resolve(request, WalkInService).seat(actor, walk_in_id, body)


@walk_ins.post("/walk-ins/{walk_in_id}/missed", who=BARBERS, refusals=(NotFound, NotWaiting))
async def miss(request: Request, actor: Actor, walk_in_id: UUID) -> WaitingListOut:
    """Mark a walk-in as absent at their turn.

    Returns the rest of your queue. 409 `not_waiting` means that the customer has left, or the visit has begun.
    """
    return await resolve(request, WalkInService).mark_missed(actor, walk_in_id)
