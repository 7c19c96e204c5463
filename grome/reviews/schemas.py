"""Request and response bodies of reviews."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from grome.barbers.models import StarCounts, Stars
from grome.common.actor import Actor, Role
from grome.common.text import NOTE
from grome.infrastructure.http import PageQuery
from grome.reviews.models import MAX_TEXT_LENGTH, Answer, Review, public_name


class ReviewIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Rates a visit in whole stars; the text is optional."""

    rating: Stars
    text: Annotated[str, Meta(max_length=MAX_TEXT_LENGTH), NOTE] = ""


class AnswerIn(Struct, frozen=True, forbid_unknown_fields=True):
    text: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT_LENGTH), NOTE]


class AnswerOut(Struct, frozen=True):
    text: str
    created_at: datetime
    edited_at: datetime | None


class ReviewOut(Struct, frozen=True):
    """Describes a review to the customer and the barber. The customer can change it until `editable_until`."""

    booking_id: UUID
    barber_id: UUID
    rating: int
    text: str
    created_at: datetime
    edited_at: datetime | None
    editable_until: datetime
    answer: AnswerOut | None


class Order(StrEnum):
    """The order of reviews; equal ratings are sorted by date, the newest first."""

    NEWEST = "newest"
    BEST = "best"
    WORST = "worst"


class ReviewQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    rating: Annotated[int, Meta(ge=1, le=5, description="Only reviews with this number of stars.")] | None = None
    sort: Order = Order.NEWEST


class PublicReview(Struct, frozen=True):
    """Describes a review to the public. `author` is a first name and an initial.

    `booking_id` is null unless the reader is the customer, the barber or an admin.
    """

    id: UUID
    author: str
    rating: int
    text: str
    created_at: datetime
    edited_at: datetime | None
    answer: AnswerOut | None
    booking_id: UUID | None


class ReviewSummary(Struct, frozen=True):
    """Sums up all reviews of the barber, regardless of filters. `rating` is their mean, 0 without reviews."""

    rating: float
    reviews_count: int
    stars: StarCounts


class ReviewPage(Struct, frozen=True):
    summary: ReviewSummary
    items: list[PublicReview]
    next_cursor: str | None


def review_out(review: Review) -> ReviewOut:
    return ReviewOut(
        review.id,
        review.barber_id,
        review.rating,
        review.text,
        review.created_at,
        review.edited_at,
        review.editable_until,
        _answer_out(review.answer),
    )


def public_review(review: Review, name: str, reader: Actor | None) -> PublicReview:
    """Return the review as `reader` may see it; `name` is the full name of its author."""
    is_party = reader is not None and (reader.role is Role.ADMIN or reader.id in {review.customer_id, review.barber_id})
    return PublicReview(
        review.public_id,
        public_name(name),
        review.rating,
        review.text,
        review.created_at,
        review.edited_at,
        _answer_out(review.answer),
        review.id if is_party else None,
    )


def summary(stars: StarCounts) -> ReviewSummary:
    return ReviewSummary(stars.mean, stars.count, stars)


def _answer_out(answer: Answer | None) -> AnswerOut | None:
    return AnswerOut(answer.text, answer.created_at, answer.edited_at) if answer else None
