"""Review a visit, answer a review, and read reviews.

Each change of a review and its effect on the barber's rating are one transaction, so the rating is exact at any time.
"""

from collections.abc import Awaitable, Callable, Collection
from typing import Final
from uuid import UUID

import msgspec

from grome.accounts.service import AccountService
from grome.barbers.service import BarberService
from grome.bookings.errors import KeyInFlight, KeyReused
from grome.bookings.models import Booking, Idempotency, Status
from grome.bookings.queries import BookingQueries
from grome.bookings.windows import review_window
from grome.common.actor import Actor, Role
from grome.common.clock import Clock
from grome.common.errors import ApiError, NotFound
from grome.common.ids import new_id
from grome.common.origin import origin_by
from grome.infrastructure.http import cut_page, decode_cursor
from grome.infrastructure.http.responses import encode
from grome.infrastructure.idempotency import Encoded, fingerprint_of
from grome.infrastructure.mongo.access import visible_to
from grome.infrastructure.mongo.client import to_document
from grome.infrastructure.mongo.transactions import Transaction, Transactions
from grome.infrastructure.outbox.models import EventType
from grome.reviews.errors import ReviewClosed, ReviewExists, VisitNotCompleted
from grome.reviews.models import Review, ReviewEvent, build_answer
from grome.reviews.repository import ReviewCursor, ReviewRepository
from grome.reviews.schemas import (
    Order,
    ReviewIn,
    ReviewOut,
    ReviewPage,
    ReviewQuery,
    public_review,
    review_out,
    summary,
)

_RATING_DIRECTION: Final = {Order.NEWEST: 0, Order.BEST: -1, Order.WORST: 1}
ReviewUpdate = Callable[[Transaction, Review], Awaitable[Review]]


class ReviewService:
    def __init__(
        self,
        reviews: ReviewRepository,
        bookings: BookingQueries,
        barbers: BarberService,
        accounts: AccountService,
        transactions: Transactions,
        clock: Clock,
    ) -> None:
        self._reviews, self._bookings, self._barbers, self._accounts = reviews, bookings, barbers, accounts
        self._transactions, self._clock = transactions, clock

    async def post(self, actor: Actor, booking_id: UUID, body: ReviewIn, key: str | None) -> ReviewOut | Encoded:
        """Store the review of a visit. A repeat under the same key returns the first response.

        Raises NotFound for the booking, VisitNotCompleted, OutsideWindow, ReviewExists, KeyReused or KeyInFlight.
        """
        idempotency = Idempotency(key, fingerprint_of(body)) if key is not None else None
        try:
            return await self._post(actor, booking_id, body, idempotency)
        except ApiError as refusal:
            # As with a booking's key, the first response counts if the repeat is refused for any reason.
            if idempotency is None:
                raise
            return await self._original_response(actor, booking_id, body, idempotency, refusal)

    async def _post(self, actor: Actor, booking_id: UUID, body: ReviewIn, idempotency: Idempotency | None) -> ReviewOut:
        booking = await self._bookings.get(actor, booking_id)
        if booking.status is not Status.COMPLETED:
            raise VisitNotCompleted
        review_window(booking).check(self._clock())
        review = self._build_review(actor, booking, body, idempotency)
        answer = review_out(review)
        if idempotency:
            review = msgspec.structs.replace(review, first_answer=encode(answer))

        async def insert(transaction: Transaction) -> None:
            await self._reviews.insert(transaction.session, review)
            await self._barbers.apply_rating_change(transaction, review.barber_id, added=review.rating)

        await self._transactions.run(review.barber_id, insert)
        return answer

    async def get(self, actor: Actor, booking_id: UUID) -> ReviewOut:
        return review_out(await self._get(actor, booking_id))

    async def edit(self, actor: Actor, booking_id: UUID, body: ReviewIn) -> ReviewOut:
        """Change a review, unless rating and text are the same. Raises NotFound or ReviewClosed."""

        async def edit(transaction: Transaction, review: Review) -> Review:
            self._check_editable(review)
            if (review.rating, review.text) == (body.rating, body.text):
                return review
            fields = {"rating": body.rating, "text": body.text, "edited_at": self._clock()}
            await self._barbers.apply_rating_change(
                transaction, review.barber_id, removed=review.rating, added=body.rating
            )
            return await self._reviews.update(transaction.session, review, fields, None)

        return review_out(await self._update(actor, booking_id, edit))

    async def remove(self, actor: Actor, booking_id: UUID) -> None:
        """Remove a review and its text for good. Raises NotFound, also for a repeat, or ReviewClosed for its author."""

        async def remove(transaction: Transaction, review: Review) -> Review:
            if actor.role is not Role.ADMIN:
                self._check_editable(review)
            fields = {"shown": False, "text": "", "answer": None, "first_answer": None}
            event = self._event(actor, review, EventType.REVIEW_REMOVED)
            await self._barbers.apply_rating_change(transaction, review.barber_id, removed=review.rating)
            return await self._reviews.update(transaction.session, review, fields, event)

        await self._update(actor, booking_id, remove)

    async def answer(self, actor: Actor, booking_id: UUID, text: str) -> ReviewOut:
        """Answer a review, or replace the answer's text. Raises NotFound."""

        async def answer(transaction: Transaction, review: Review) -> Review:
            if review.answer and review.answer.text == text:
                return review
            fields = {"answer": to_document(build_answer(review.answer, text, self._clock()))}
            is_first = all(event.type is not EventType.REVIEW_ANSWERED for event in review.outbox)
            event = self._event(actor, review, EventType.REVIEW_ANSWERED) if is_first else None
            return await self._reviews.update(transaction.session, review, fields, event)

        return review_out(await self._update(actor, booking_id, answer))

    async def remove_answer(self, actor: Actor, booking_id: UUID) -> None:
        """Remove the answer. Raises NotFound, also if there is no answer."""

        async def remove(transaction: Transaction, review: Review) -> Review:
            if review.answer is None:
                raise NotFound
            return await self._reviews.update(transaction.session, review, {"answer": None}, None)

        await self._update(actor, booking_id, remove)

    async def list_page(self, reader: Actor | None, barber_id: UUID, query: ReviewQuery) -> ReviewPage:
        """Return a page of a barber's shown reviews. Raises NotFound for the barber."""
        barber = await self._barbers.get_approved(barber_id)
        after = decode_cursor(query.cursor, ReviewCursor)
        found = await self._reviews.list_page(
            barber.id, query.rating, _RATING_DIRECTION[query.sort], after, query.limit + 1
        )
        page, next_cursor = cut_page(found, query.limit, _cursor_of)
        names = await self._accounts.find_names({review.customer_id for review in page})
        return ReviewPage(
            summary(await self._barbers.rating_counts(barber.id)),
            [public_review(review, names.get(review.customer_id, ""), reader) for review in page],
            next_cursor,
        )

    async def find(self, review_id: UUID) -> Review | None:
        """Find a shown review, for Grome's own use. Returns None if there is none."""
        return await self._reviews.find({}, review_id)

    async def find_many(self, review_ids: Collection[UUID]) -> dict[UUID, Review]:
        """Return the shown reviews with these ids, for Grome's own use."""
        return {review.id: review for review in await self._reviews.find_many(review_ids)}

    async def _get(self, actor: Actor, booking_id: UUID) -> Review:
        review = await self._reviews.find(visible_to(actor), booking_id)
        if review is None:
            raise NotFound
        return review

    async def _update(self, actor: Actor, booking_id: UUID, change: ReviewUpdate) -> Review:
        """Run `change` on the review as the transaction reads it; MongoDB refuses a concurrent change."""

        async def read_and_change(transaction: Transaction) -> Review:
            review = await self._reviews.find(visible_to(actor), booking_id, transaction.session)
            if review is None:
                raise NotFound
            return await change(transaction, review)

        barber_id = (await self._get(actor, booking_id)).barber_id
        return await self._transactions.run(barber_id, read_and_change)

    def _check_editable(self, review: Review) -> None:
        if self._clock() >= review.editable_until:
            raise ReviewClosed

    def _build_review(self, actor: Actor, booking: Booking, body: ReviewIn, idempotency: Idempotency | None) -> Review:
        now = self._clock()
        posted = ReviewEvent(new_id(), 1, EventType.REVIEW_POSTED, actor.id, now, origin_by(actor.id))
        return Review(
            id=booking.id,
            public_id=new_id(),
            customer_id=actor.id,
            barber_id=booking.barber_id,
            rating=body.rating,
            text=body.text,
            idempotency=idempotency,
            outbox=[posted],
            created_at=now,
        )

    def _event(self, actor: Actor, review: Review, kind: EventType) -> ReviewEvent:
        return ReviewEvent(new_id(), len(review.outbox) + 1, kind, actor.id, self._clock(), origin_by(actor.id))

    async def _original_response(
        self, actor: Actor, booking_id: UUID, body: ReviewIn, idempotency: Idempotency, refusal: ApiError
    ) -> ReviewOut | Encoded:
        """Return the response to the first request, regardless of later changes; else raise the repeat's refusal.

        There is no stored response if the review was removed or is of an earlier release. The response then has
        the rating and text that the repeat sent. Raises KeyInFlight, ReviewExists or KeyReused.
        """
        review = await self._reviews.find_committed(actor.id, booking_id)
        if review is None:
            if isinstance(refusal, ReviewExists):  # no majority has acknowledged it yet
                raise KeyInFlight from None
            raise refusal
        if review.idempotency is None or review.idempotency.key != idempotency.key:
            raise ReviewExists from None
        if review.idempotency.fingerprint != idempotency.fingerprint:
            raise KeyReused from None
        if review.first_answer is not None:
            return Encoded(review.first_answer)
        first = msgspec.structs.replace(review, rating=body.rating, text=body.text, answer=None, edited_at=None)
        return review_out(first)


def _cursor_of(review: Review) -> ReviewCursor:
    return ReviewCursor(review.public_id, review.rating)
