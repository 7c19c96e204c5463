"""`/v1/bookings/series`, and this and the following bookings of one."""

from uuid import UUID

from sanic import Request

from grome.bookings.errors import KeyInFlight, KeyReused
from grome.bookings.schemas import EndIn
from grome.common.actor import CUSTOMERS, SIGNED_IN, Actor
from grome.common.errors import NotFound, TooManyRequests
from grome.infrastructure.http import IdempotencyKey, Routes, resolve
from grome.infrastructure.idempotency import Encoded
from grome.series.bulk_changes import SeriesBulkChanges
from grome.series.errors import NothingBooked, NotInSeries
from grome.series.schemas import FollowingIn, SeriesChanged, SeriesIn, SeriesOut, SeriesPreview
from grome.series.service import SeriesService

series = Routes("series", "/v1/bookings")


@series.post(
    "/series",
    who=CUSTOMERS,
    status=201,
    answers={201: SeriesOut},
    refusals=(NotFound, NothingBooked, KeyReused, KeyInFlight, TooManyRequests),
)
async def create_series(
    request: Request, actor: Actor, body: SeriesIn, idempotency_key: IdempotencyKey | None
) -> SeriesOut | Encoded:
    """Book the same visit again and again. Each is checked by itself: the answer says which are booked, and of the
    others why not.

    They are at the same time on the barber's clock, also over a change to daylight saving time. A repeat under the same
    `Idempotency-Key` gets the first answer again.
    """
    return await resolve(request, SeriesService).create(actor, body, idempotency_key)


@series.post("/series/preview", who=CUSTOMERS, refusals=(NotFound,))
async def preview_series(request: Request, actor: Actor, body: SeriesIn) -> SeriesPreview:
    """Which visits of a series could be booked now, and of the others why not. Nothing is booked or held."""
    return await resolve(request, SeriesService).preview(actor, body)


@series.get("/series/{series_id}", who=SIGNED_IN, refusals=(NotFound,))
async def read_series(request: Request, actor: Actor, series_id: UUID) -> SeriesOut:
    """A series of yours, with its bookings as they are now."""
    return await resolve(request, SeriesService).read(actor, series_id)


@series.post("/{booking_id}/series/cancel", who=SIGNED_IN, refusals=(NotFound, NotInSeries))
async def cancel_following(request: Request, actor: Actor, booking_id: UUID, body: EndIn) -> SeriesChanged:
    """Call off a booking of a series and all open ones that follow it, each by its own terms."""
    return await resolve(request, SeriesBulkChanges).cancel(actor, booking_id, body)


@series.post("/{booking_id}/series/reschedule", who=SIGNED_IN, refusals=(NotFound, NotInSeries))
async def reschedule_following(request: Request, actor: Actor, booking_id: UUID, body: FollowingIn) -> SeriesChanged:
    """Move a booking of a series and all open ones that follow it, by as much on the barber's clock.

    Each is moved, or proposed to the other side, as if it were moved alone; what cannot be moved keeps its time.
    """
    return await resolve(request, SeriesBulkChanges).reschedule(actor, booking_id, body)
