"""Store reviews in MongoDB."""

from collections.abc import Collection, Mapping
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct
from pymongo import IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern

from grome.infrastructure.idempotency import WITHOUT_FIRST_ANSWER
from grome.infrastructure.mongo.client import CollectionSpec, Database, Document, from_document, to_document
from grome.infrastructure.mongo.schema import validator_for
from grome.infrastructure.mongo.transactions import Session
from grome.reviews.errors import ReviewExists
from grome.reviews.models import Review, ReviewEvent

_SHOWN = {"shown": True}
_NEWEST = ("public_id", -1)  # later ids sort later


def _index(name: str, *fields: tuple[str, int]) -> IndexModel:
    return IndexModel([("barber_id", 1), *fields, _NEWEST], name=name, partialFilterExpression=_SHOWN)


COLLECTION = CollectionSpec(
    "reviews",
    validator_for(Review),
    [
        *(_index("newest"), _index("best", ("rating", -1)), _index("worst", ("rating", 1))),
        # For exports and deletions, which also find reviews that are not shown.
        *(IndexModel(f"{side}_id", name=side) for side in ("customer", "barber")),
    ],
)


class ReviewCursor(Struct, frozen=True, forbid_unknown_fields=True):
    """The position at which a page of the list ended."""

    public_id: UUID
    rating: Annotated[int, Meta(ge=1, le=5)]


class ReviewRepository:
    def __init__(self, database: Database) -> None:
        self._reviews = database[COLLECTION.name]
        # A repeat must not get an answer that a failover could roll back.
        self._majority = self._reviews.with_options(read_concern=ReadConcern("majority"))

    async def insert(self, session: Session, review: Review) -> None:
        """Store a review. Raises ReviewExists if the booking has a review, even a removed one."""
        try:
            await self._reviews.insert_one(to_document(review), session=session)
        except DuplicateKeyError:
            raise ReviewExists from None

    async def find(self, scope: Document, review_id: UUID, session: Session | None = None) -> Review | None:
        """Find a shown review within `scope`, the filter that `visible_to` returns. Returns None if there is none."""
        document = await self._reviews.find_one(
            {**scope, **_SHOWN, "_id": review_id}, WITHOUT_FIRST_ANSWER, session=session
        )
        return from_document(document, Review) if document else None

    async def find_many(self, review_ids: Collection[UUID]) -> list[Review]:
        """Return the shown reviews with these ids."""
        found = self._reviews.find({**_SHOWN, "_id": {"$in": list(review_ids)}}, WITHOUT_FIRST_ANSWER)
        return [from_document(document, Review) async for document in found]

    async def find_committed(self, customer_id: UUID, review_id: UUID) -> Review | None:
        """Find a customer's review with its first answer, as a majority of the replica set has it, even if removed."""
        document = await self._majority.find_one({"_id": review_id, "customer_id": customer_id})
        return from_document(document, Review) if document else None

    async def update(
        self, session: Session, review: Review, fields: Mapping[str, Any], event: ReviewEvent | None
    ) -> Review:
        """Update a review in the transaction that read it, so that no other request has changed it since."""
        push = {"$push": {"outbox": to_document(event)}} if event else {}
        document = await self._reviews.find_one_and_update(
            {"_id": review.id},
            {"$set": fields, **push},
            projection=WITHOUT_FIRST_ANSWER,
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        return from_document(document or {}, Review)  # reviews are never deleted

    async def list_page(
        self, barber_id: UUID, rating: int | None, rating_direction: int, after: ReviewCursor | None, limit: int
    ) -> list[Review]:
        """Shown ones; with `by_stars` -1 or 1 the best or worst first, with 0 the newest."""
        query: Document = {"barber_id": barber_id, **_SHOWN, **({"rating": rating} if rating else {})}
        order = [*([("rating", rating_direction)] if rating_direction else []), _NEWEST]
        if after:
            query |= _after_filter(rating_direction, after)
        found = self._reviews.find(query, WITHOUT_FIRST_ANSWER).sort(order).limit(limit)
        return [from_document(document, Review) async for document in found]


def _after_filter(rating_direction: int, after: ReviewCursor) -> Document:
    older = {"public_id": {"$lt": after.public_id}}
    if not rating_direction:
        return older
    other_stars = {"rating": {"$gt" if rating_direction > 0 else "$lt": after.rating}}
    return {"$or": [other_stars, {"rating": after.rating, **older}]}
