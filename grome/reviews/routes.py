"""Routes of reviews, under `/v1/bookings/…/review` and `/v1/barbers/…/reviews`."""

from uuid import UUID

from sanic import Request

from grome.bookings.errors import KeyInFlight, KeyReused, OutsideWindow
from grome.common.actor import ADMINS, ANYONE, BARBERS, CUSTOMERS, SIGNED_IN, Actor
from grome.common.errors import NotFound
from grome.infrastructure.http import IdempotencyKey, Routes, resolve
from grome.infrastructure.idempotency import Encoded
from grome.reviews.errors import ReviewClosed, ReviewExists, VisitNotCompleted
from grome.reviews.schemas import AnswerIn, ReviewIn, ReviewOut, ReviewPage, ReviewQuery
from grome.reviews.service import ReviewService

reviews = Routes(
    "reviews", "/v1", about="Ratings and texts of customers about completed visits, with answers of barbers."
)

_OWN = "/bookings/{booking_id}/review"
_ANSWER = f"{_OWN}/answer"


@reviews.post(
    _OWN,
    who=CUSTOMERS,
    status=201,
    answers={201: ReviewOut},
    refusals=(NotFound, VisitNotCompleted, OutsideWindow, ReviewExists, KeyReused, KeyInFlight),
)
async def post_review(
    request: Request, actor: Actor, booking_id: UUID, body: ReviewIn, idempotency_key: IdempotencyKey | None
) -> ReviewOut | Encoded:
    """Review a completed visit, once, within 90 days.

    The review counts in the barber's rating at once. 409 `review_exists` also stands for a review that you have
    removed. A repeat with the same `Idempotency-Key` returns the first response.
    """
    return await resolve(request, ReviewService).post(actor, booking_id, body, idempotency_key)


@reviews.get(_OWN, who=SIGNED_IN, refusals=(NotFound,))
async def read_review(request: Request, actor: Actor, booking_id: UUID) -> ReviewOut:
    """Return the review of one of your bookings.

    404 also means that the visit has no review.
    """
    return await resolve(request, ReviewService).get(actor, booking_id)


@reviews.put(_OWN, who=CUSTOMERS, refusals=(NotFound, ReviewClosed))
async def edit_review(request: Request, actor: Actor, booking_id: UUID, body: ReviewIn) -> ReviewOut:
    """Change the rating and text of your review.

    Possible for 14 days; later the answer is 409 `review_closed`.
    """
    return await resolve(request, ReviewService).edit(actor, booking_id, body)


@reviews.delete(_OWN, who=CUSTOMERS | ADMINS, status=204, refusals=(NotFound, ReviewClosed))
async def remove_review(request: Request, actor: Actor, booking_id: UUID) -> None:
    """Remove your review for good.

    Possible for 14 days; later the answer is 409 `review_closed`. Admins can remove any review at any time. A removed
    review cannot be written again.
    """
    await resolve(request, ReviewService).remove(actor, booking_id)


@reviews.put(_ANSWER, who=BARBERS, refusals=(NotFound,))
async def put_answer(request: Request, actor: Actor, booking_id: UUID, body: AnswerIn) -> ReviewOut:
    """Answer a review of your work in public, or change your answer.

    A review has at most one answer.
    """
    return await resolve(request, ReviewService).answer(actor, booking_id, body.text)


@reviews.delete(_ANSWER, who=BARBERS, status=204, refusals=(NotFound,))
async def remove_answer(request: Request, actor: Actor, booking_id: UUID) -> None:
    """Remove your answer to a review."""
    await resolve(request, ReviewService).remove_answer(actor, booking_id)


@reviews.get("/barbers/{barber_id}/reviews", who=ANYONE, refusals=(NotFound,))
async def list_reviews(request: Request, actor: Actor | None, barber_id: UUID, query: ReviewQuery) -> ReviewPage:
    """List a barber's reviews, by default newest first.

    `summary` counts all reviews by their stars, regardless of the filter.
    """
    return await resolve(request, ReviewService).list_page(actor, barber_id, query)
