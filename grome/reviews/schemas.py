"""Reviews on the wire."""

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
    """Whole stars, with or without words."""

    rating: Stars
    text: Annotated[str, Meta(max_length=MAX_TEXT_LENGTH), NOTE] = ""


class AnswerIn(Struct, frozen=True, forbid_unknown_fields=True):
    text: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT_LENGTH), NOTE]


class AnswerOut(Struct, frozen=True):
    text: str
    created_at: datetime
    edited_at: datetime | None


class ReviewOut(Struct, frozen=True):
    """As the two of its booking see it. The customer can change it until `editable_until`."""

    booking_id: UUID
    barber_id: UUID
    rating: int
    text: str
    created_at: datetime
    edited_at: datetime | None
    editable_until: datetime
    answer: AnswerOut | None


class Order(StrEnum):
    """Of equally many stars, the newest comes first."""

    NEWEST = "newest"
    BEST = "best"
    WORST = "worst"


class ReviewQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    rating: Annotated[int, Meta(ge=1, le=5, description="Those of so many stars only.")] | None = None
    sort: Order = Order.NEWEST


class PublicReview(Struct, frozen=True):
    """As everybody sees it. `author` is a first name and an initial.

    `booking_id` is null for all but the customer, the barber and admins.
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
    """Of all the barber's reviews, whatever the page is narrowed to. `rating` is their mean, 0 of none."""

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
    """`name` is the whole one of who wrote it."""
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
