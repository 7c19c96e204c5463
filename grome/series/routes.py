"""Serve `/v1/bookings/series`, and changes of a booking together with its following bookings."""

from uuid import UUID

from sanic import Request

from grome.bookings.errors import KeyInFlight, KeyReused
from grome.bookings.schemas import EndIn
from grome.common.actor import CUSTOMERS, SIGNED_IN, Actor
from grome.common.errors import NotFound, TooManyRequests
from grome.infrastructure.http import IdempotencyKey, LimitClass, Routes, resolve
from grome.infrastructure.idempotency import Encoded
from grome.series.bulk_changes import SeriesBulkChanges
from grome.series.errors import NothingBooked, NotInSeries
from grome.series.schemas import FollowingIn, SeriesChanged, SeriesIn, SeriesOut, SeriesPreview
from grome.series.service import SeriesService

series = Routes(
    "series", "/v1/bookings", about="Visits that repeat every few weeks, booked, rescheduled and cancelled together."
)


@series.post(
    "/series",
    who=CUSTOMERS,
    limit=LimitClass.COSTLY,
    status=201,
    answers={201: SeriesOut},
    refusals=(NotFound, NothingBooked, KeyReused, KeyInFlight, TooManyRequests),
)
async def create_series(
    request: Request, actor: Actor, body: SeriesIn, idempotency_key: IdempotencyKey | None
) -> SeriesOut | Encoded:
    """Book a repeating visit.

    Each visit is checked alone; the response lists the bookings, and the reason for each visit that is refused. All
    visits have the same wall-clock time in the barber's time zone, also across daylight saving time. 409
    `nothing_booked` means that all of them are refused, with the reasons in `errors`. A repeated request with the same
    `Idempotency-Key` returns the first response again; a customer creates up to 50 series a day.
    """
    return await resolve(request, SeriesService).create(actor, body, idempotency_key)


@series.post("/series/preview", who=CUSTOMERS, limit=LimitClass.COSTLY, refusals=(NotFound,))
async def preview_series(request: Request, actor: Actor, body: SeriesIn) -> SeriesPreview:
    """Show the visits of a series, and which of them can be booked.

    Nothing is booked or held. A visit that cannot be booked has the reason in `refused`.
    """
    return await resolve(request, SeriesService).preview(actor, body)


@series.get("/series/{series_id}", who=SIGNED_IN, refusals=(NotFound,))
async def read_series(request: Request, actor: Actor, series_id: UUID) -> SeriesOut:
    """Return your series with the present state of its bookings."""
    return await resolve(request, SeriesService).read(actor, series_id)


@series.post("/{booking_id}/series/cancel", who=SIGNED_IN, refusals=(NotFound, NotInSeries))
async def cancel_following(request: Request, actor: Actor, booking_id: UUID, body: EndIn) -> SeriesChanged:
    """Cancel a booking of a series and all open bookings after it.

    Each is cancelled by its own terms. A booking that cannot be cancelled stays, with the reason in `refused`.
    """
    return await resolve(request, SeriesBulkChanges).cancel(actor, booking_id, body)


@series.post("/{booking_id}/series/reschedule", who=SIGNED_IN, refusals=(NotFound, NotInSeries))
async def reschedule_following(request: Request, actor: Actor, booking_id: UUID, body: FollowingIn) -> SeriesChanged:
    """Reschedule a booking of a series and all open bookings after it.

    All shift by the same difference in wall-clock time. Each booking is rescheduled, or proposed to the other side, as
    if it were rescheduled alone. A booking that cannot be rescheduled keeps its time, with the reason in `refused`.
    """
    return await resolve(request, SeriesBulkChanges).reschedule(actor, booking_id, body)
