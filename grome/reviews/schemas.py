"""Request and response bodies of reviews."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct

from grome.barbers.models import StarCounts, Stars
from grome.common.actor import Actor, Role
from grome.common.text import NOTE
from grome.infrastructure.http import NextCursor, PageQuery
from grome.reviews.models import MAX_TEXT_LENGTH, Answer, Review, public_name

_REVIEW: Final = "Precise cut, and no waiting."
_ANSWER: Final = "Thank you, see you next month!"


class ReviewIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Rates a visit in whole stars; the text is optional."""

    rating: Stars
    """Whole stars, 1 to 5; counts in the barber's mean at once."""
    text: Annotated[str, Meta(max_length=MAX_TEXT_LENGTH, examples=[_REVIEW]), NOTE] = ""
    """Public; empty for a rating without words."""


class AnswerIn(Struct, frozen=True, forbid_unknown_fields=True):
    """The barber's public answer to a review."""

    text: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT_LENGTH, examples=[_ANSWER]), NOTE]
    """Public, under the review."""


class AnswerOut(Struct, frozen=True):
    """The barber's public answer to a review."""

    text: Annotated[str, Meta(examples=[_ANSWER])]
    """The barber's words, shown under the review."""
    created_at: datetime
    """Time of the first version of the answer."""
    edited_at: datetime | None
    """Time of the latest change; null if unchanged."""


class ReviewOut(Struct, frozen=True):
    """Describes a review to the customer and the barber."""

    booking_id: UUID
    """The reviewed visit; a booking has at most one review."""
    barber_id: UUID
    """The barber that was reviewed."""
    rating: int
    """Whole stars, 1 to 5."""
    text: Annotated[str, Meta(examples=[_REVIEW])]
    """The customer's words; empty for a rating without words."""
    created_at: datetime
    """Time of the review."""
    edited_at: datetime | None
    """Time of the customer's latest change; null if unchanged."""
    editable_until: datetime
    """The customer can change or remove the review until then."""
    answer: AnswerOut | None
    """The barber's answer; null if there is none."""


class Order(StrEnum):
    """The order of reviews; equal ratings are sorted by date, the newest first."""

    NEWEST = "newest"
    BEST = "best"
    WORST = "worst"


class ReviewQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    rating: Annotated[int, Meta(ge=1, le=5)] | None = None
    """Only reviews with this number of stars."""
    sort: Order = Order.NEWEST
    """Equal ratings come newest first."""


class PublicReview(Struct, frozen=True):
    """Describes a review to the public."""

    id: UUID
    """Identifies the review to the public; it is not the id of the booking."""
    author: Annotated[str, Meta(examples=["Jonas W."])]
    """First name and initial of the customer."""
    rating: int
    """Whole stars, 1 to 5."""
    text: Annotated[str, Meta(examples=[_REVIEW])]
    """The customer's words; empty for a rating without words."""
    created_at: datetime
    """Time of the review."""
    edited_at: datetime | None
    """Time of the customer's latest change; null if unchanged."""
    answer: AnswerOut | None
    """The barber's answer; null if there is none."""
    booking_id: UUID | None
    """The reviewed visit; null unless you are its customer, its barber or an admin."""


class ReviewSummary(Struct, frozen=True):
    """Sums up all reviews of the barber, regardless of filters."""

    rating: float | None
    """Mean of all reviews in stars, 1 to 5; null without reviews."""
    reviews_count: int
    """Number of all reviews of the barber."""
    stars: StarCounts
    """Number of reviews for each number of stars."""


class ReviewPage(Struct, frozen=True):
    """Holds a page of a barber's reviews, and the summary of all."""

    summary: ReviewSummary
    """Counts all reviews of the barber, regardless of the filter."""
    items: list[PublicReview]
    """Reviews in the requested order."""
    next_cursor: NextCursor


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
    return ReviewSummary(stars.mean if stars.count else None, stars.count, stars)


def _answer_out(answer: Answer | None) -> AnswerOut | None:
    return AnswerOut(answer.text, answer.created_at, answer.edited_at) if answer else None
