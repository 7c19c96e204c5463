"""Serve `/v1/bookings/{booking_id}/on-the-way` and `/position`."""

from uuid import UUID

from sanic import Request

from grome.bookings.errors import HistoryFull, NotAHouseCall, OutsideWindow, WrongState
from grome.bookings.schemas import BookingOut
from grome.common.actor import BARBERS, SIGNED_IN, Actor
from grome.common.errors import NotFound
from grome.infrastructure.http import Routes, resolve
from grome.tracking.errors import NotOnTheWay
from grome.tracking.schemas import PositionIn, PositionOut
from grome.tracking.service import TrackingService

tracking = Routes(
    "tracking", "/v1/bookings", about="Positions of a barber on the way to a house call, for its customer."
)


@tracking.post(
    "/{booking_id}/on-the-way",
    who=BARBERS,
    refusals=(NotFound, WrongState, NotAHouseCall, OutsideWindow, HistoryFull, NotOnTheWay),
)
async def set_out(request: Request, actor: Actor, booking_id: UUID) -> BookingOut:
    """Tell the customer of an accepted house call that you are on the way.

    Possible from three hours before the start until the end of the visit; at other times the answer is 409
    `outside_window`. The customer sees your position until the visit starts or ends, gets another time, or you take
    this back. A repeat has no further effect.
    """
    return await resolve(request, TrackingService).set_out(actor, booking_id)


@tracking.delete("/{booking_id}/on-the-way", who=BARBERS, status=200, refusals=(NotFound,))
async def turn_back(request: Request, actor: Actor, booking_id: UUID) -> BookingOut:
    """Take back that you are on the way.

    Your position is deleted at once. A repeat has no further effect.
    """
    return await resolve(request, TrackingService).turn_back(actor, booking_id)


@tracking.post(
    "/{booking_id}/position", who=BARBERS, answers={200: PositionOut, 204: None}, refusals=(NotFound, NotOnTheWay)
)
async def report_position(request: Request, actor: Actor, booking_id: UUID, body: PositionIn) -> PositionOut | None:
    """Report your position on the way to a house call.

    At most one position in two seconds is used. 204 means that this position was not used: it came too soon, or is too
    far from the last one to be true. Only the newest position is stored. After 409 `not_on_the_way` stop reporting: the
    trip is over, or has not begun.
    """
    return await resolve(request, TrackingService).report(actor, booking_id, body)


@tracking.get(
    "/{booking_id}/position", who=SIGNED_IN, answers={200: PositionOut, 204: None}, refusals=(NotFound, NotOnTheWay)
)
async def read_position(request: Request, actor: Actor, booking_id: UUID) -> PositionOut | None:
    """Return the newest position of the barber on the way to one of your bookings.

    204 means that there is none yet, 409 `not_on_the_way` that there is no trip. The room `booking:<id>` of a live
    connection has each position without polling.
    """
    return await resolve(request, TrackingService).latest(actor, booking_id)
