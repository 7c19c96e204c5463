"""Store barbers and their ratings in MongoDB, and search barbers by words and around a point."""

import math
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, cast
from uuid import UUID

import msgspec
from msgspec import Struct, structs
from pymongo import IndexModel, ReturnDocument

from grome.barbers.errors import CurrencyInUse
from grome.barbers.models import (
    MAX_COMMISSION_CHANGES,
    Approval,
    ApprovalRecord,
    Barber,
    BarberMapEntry,
    BarberWords,
    Commission,
    CommissionChange,
    RatingDelta,
    Ratings,
    StarCounts,
    StoredBarber,
    notices_of_approval,
    notices_of_move,
    rating_delta,
)
from grome.common.geo import EARTH_RADIUS_M, GeoPoint
from grome.common.search_words import findable_words
from grome.infrastructure.mongo.client import (
    CollectionSpec,
    Database,
    Document,
    backfill,
    from_document,
    insert_missing,
    split_batch,
    to_document,
)
from grome.infrastructure.mongo.prefix_search import Place, WordSearch, renew_words
from grome.infrastructure.mongo.schema import validator_for
from grome.infrastructure.mongo.transactions import Session

_SEARCHED_FIELDS: Final = BarberWords.__struct_fields__
_WORD_FIELDS: Final = tuple(f"words.{name}" for name in _SEARCHED_FIELDS)
COLLECTION = CollectionSpec(
    "barbers",
    validator_for(StoredBarber),
    [
        IndexModel([("location", "2dsphere")], name="location"),
        *(IndexModel(field, name=field.replace(".", "_")) for field in _WORD_FIELDS),
        # Common words are found by walking down from the best rating, rare words by the word indexes.
        IndexModel([("rating", -1), ("_id", 1)], name="best"),
    ],
)
RATINGS = CollectionSpec("ratings", validator_for(Ratings), [])
COMMISSIONS = CollectionSpec("commissions", validator_for(Commission), [])
APPROVALS = CollectionSpec("approvals", validator_for(ApprovalRecord), [])
# The filter of barbers that customers find. Documents from before approvals have no such field, and pass.
_APPROVED: Final[Document] = {"approval": {"$nin": [one.value for one in Approval if one is not Approval.APPROVED]}}
# The filter of barbers that may change their currency: all amounts without a currency beside them are zero.
_NO_PRICE: Final = {"$not": {"$gt": 0}}
_PRICES: Final = (
    "services.price",
    "services.add_ons.price",
    "terms.deposit.least",
    "deposit_rules.services.least",
    "deposit_rules.risks.least",
    "deposit_rules.risks.price_from",
)
_WITHOUT_PRICES: Final = dict.fromkeys(_PRICES, _NO_PRICE)
_BATCH: Final = 500
_MAP_ENTRY_FIELDS: Final = dict.fromkeys(BarberMapEntry.__struct_encode_fields__, 1)


class SearchCriteria(Struct, frozen=True):
    """Holds normalised words, which all must match, and optionally a point that must be within `radius_m`."""

    words: list[str]
    point: GeoPoint | None
    radius_m: float


class ByRating(Place, frozen=True):
    rating: float


class ByDistance(Place, frozen=True):
    """`haversine` is the squared sine of half the angle between two points: 0 to 1, growing with their distance."""

    haversine: float


class BarberRepository:
    def __init__(self, database: Database) -> None:
        self._barbers, self._ratings = database[COLLECTION.name], database[RATINGS.name]
        self._commissions, self._approvals = database[COMMISSIONS.name], database[APPROVALS.name]

    async def add_many(self, barbers: Sequence[Barber]) -> int:
        """Add the barbers with a free id and skip the rest; return the number of added barbers."""
        return await insert_missing(self._barbers, [document_of(barber) for barber in barbers])

    async def find(self, barber_id: UUID, session: Session | None = None) -> Barber | None:
        document = await self._barbers.find_one({"_id": barber_id}, session=session)
        return from_document(document, Barber) if document else None

    async def list_by_ids(self, barber_ids: Iterable[UUID]) -> list[Barber]:
        documents = await self._barbers.find({"_id": {"$in": list(barber_ids)}}).to_list()
        return [from_document(document, Barber) for document in documents]

    async def change_profile(
        self, profile: Barber, names: Sequence[str], session: Session | None = None
    ) -> Barber | None:
        """Write the fields `names` of `profile`, and announce the new location of a barber that is online.

        Returns None if the barber does not exist. Raises CurrencyInUse if that would change the currency of existing
        prices.
        """
        fields = to_document(profile)
        while before := await self.find(profile.id, session):
            written = _with_words({name: fields[name] for name in (*names, "updated_at")})
            if notices := notices_of_move(before, profile.location, profile.updated_at):
                written["notice"] = [to_document(notice) for notice in notices]
            place = {"is_online": before.is_online, "location.coordinates": list(before.location.coordinates)}
            stored = await self._barbers.find_one_and_update(
                {"_id": profile.id, **place, "$or": [{"currency": profile.currency}, _WITHOUT_PRICES]},
                {"$set": written, "$inc": {"version": 1}},
                return_document=ReturnDocument.AFTER,
                session=session,
            )
            if stored:
                return from_document(stored, Barber)
            priced = {"_id": profile.id, **place, "currency": {"$ne": profile.currency}}
            if await self._barbers.find_one(priced, {"_id": 1}, session=session):  # not changed concurrently
                raise CurrencyInUse
        return None

    async def add_profile(self, session: Session, profile: Barber) -> Barber:
        """Store a new profile with the ratings, commission and approval that the barber has from an earlier profile.

        The first profile has the approval that it comes with.
        """
        stars = (await self._change_ratings(session, profile.id, rating_delta(None, None))).stars
        commission = await self.read_commission(profile.id, session)
        record = await self._change_approval(
            session, profile.id, {"$setOnInsert": {"approval": profile.approval.value}}
        )
        restored = structs.replace(
            profile,
            rating=stars.mean,
            reviews_count=stars.count,
            commission_bp=commission.basis_points,
            approval=record.in_effect,
        )
        await self._barbers.insert_one(document_of(restored), session=session)
        return restored

    async def set_approval(self, session: Session, barber_id: UUID, approval: Approval, now: datetime) -> Barber | None:
        """Store the approval and update the profile; return None if the barber has no profile."""
        record = await self._change_approval(session, barber_id, {"$set": {"approval": approval.value}})
        return await self._put_approval(session, barber_id, record.in_effect, now)

    async def set_suspended(
        self, session: Session, barber_id: UUID, now: datetime, *, is_suspended: bool
    ) -> Barber | None:
        """Take the profile off while the account is suspended; return None if the barber has no profile."""
        change = {"$set": {"is_suspended": is_suspended}, "$setOnInsert": {"approval": Approval.PENDING.value}}
        record = await self._change_approval(session, barber_id, change)
        return await self._put_approval(session, barber_id, record.in_effect, now)

    async def _put_approval(
        self, session: Session, barber_id: UUID, approval: Approval, now: datetime
    ) -> Barber | None:
        barber = await self.find(barber_id, session)
        if barber is None:
            return None
        fields: Document = {"approval": approval.value, "updated_at": now}
        if notices := notices_of_approval(barber, approval, now):
            fields["notice"] = [to_document(notice) for notice in notices]
        stored = await self._barbers.find_one_and_update(
            {"_id": barber_id},
            {"$set": fields, "$inc": {"version": 1}},
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        return from_document(stored, Barber) if stored else None

    async def approve_existing(self) -> None:
        """Record the approval of barbers from before approvals, as they stand in their profiles."""
        async for found in self._barbers.find({}, {"approval": 1}):
            approval = found.get("approval", Approval.APPROVED.value)
            await self._approvals.update_one(
                {"_id": found["_id"]}, {"$setOnInsert": {"approval": approval, "changes": 0}}, upsert=True
            )

    async def _change_approval(self, session: Session, barber_id: UUID, change: Document) -> ApprovalRecord:
        """Always write, so that of two concurrent transactions for a barber only one succeeds."""
        stored = await self._approvals.find_one_and_update(
            {"_id": barber_id},
            {**change, "$inc": {"changes": 1}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        return from_document(stored or {}, ApprovalRecord)  # an upsert always returns its document

    async def apply_rating_change(self, session: Session, barber_id: UUID, changes: RatingDelta) -> Barber | None:
        """Add the changes to the ratings, and update the profile; return None if the barber has no profile."""
        stars = (await self._change_ratings(session, barber_id, changes)).stars
        stored = await self._barbers.find_one_and_update(
            {"_id": barber_id},
            {"$set": {"rating": stars.mean, "reviews_count": stars.count}, "$inc": {"version": 1}},
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        return from_document(stored, Barber) if stored else None

    async def _change_ratings(self, session: Session, barber_id: UUID, changes: RatingDelta) -> Ratings:
        """Always write, so that of two concurrent transactions for a barber only one succeeds."""
        stored = await self._ratings.find_one_and_update(
            {"_id": barber_id},
            {"$inc": {**{f"stars.{name}": change for name, change in changes.items()}, "changes": 1}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        return from_document(stored or {}, Ratings)  # an upsert always returns its document

    async def rating_counts(self, barber_id: UUID) -> StarCounts:
        stored = await self._ratings.find_one({"_id": barber_id})
        return from_document(stored, Ratings).stars if stored else StarCounts()

    async def read_commission(self, barber_id: UUID, session: Session | None = None) -> Commission:
        """Return the agreed commission; without an agreement, a commission of version 0."""
        stored = await self._commissions.find_one({"_id": barber_id}, session=session)
        return from_document(stored, Commission) if stored else Commission(id=barber_id)

    async def change_commission(self, session: Session, barber_id: UUID, change: CommissionChange) -> Barber | None:
        """Store the change and update the profile; return None, and write nothing, if the barber has no profile.

        A concurrent change, or a concurrent removal of the profile, conflicts with the transaction.
        """
        profile = await self._barbers.find_one_and_update(
            {"_id": barber_id},
            {"$set": {"commission_bp": change.basis_points, "updated_at": change.at}, "$inc": {"version": 1}},
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        if profile is None:
            return None
        await self._commissions.update_one(
            {"_id": barber_id},
            {
                "$set": {"basis_points": change.basis_points, "version": change.version},
                "$push": {"outbox": {"$each": [to_document(change)], "$slice": -MAX_COMMISSION_CHANGES}},
            },
            upsert=True,
            session=session,
        )
        return from_document(profile, Barber)

    async def remove(self, barber_id: UUID) -> Barber | None:
        """Return the removed barber; None if the barber does not exist."""
        stored = await self._barbers.find_one_and_delete({"_id": barber_id})
        return from_document(stored, Barber) if stored else None

    async def set_field(
        self, barber_id: UUID, name: str, value: object, now: datetime, currency: str | None = None
    ) -> Barber | None:
        """Replace a field by Structs or a plain value; return None if the barber does not exist.

        With `currency`, the profile must also have this currency.
        """
        plain = msgspec.to_builtins(value, builtin_types=(datetime, UUID))
        stored = await self._barbers.find_one_and_update(
            {"_id": barber_id, **({"currency": currency} if currency else {})},
            {"$set": {**_with_words({name: plain}), "updated_at": now}, "$inc": {"version": 1}},
            return_document=ReturnDocument.AFTER,
        )
        return from_document(stored, Barber) if stored else None

    async def update_if_version(self, barber: Barber, fields: Mapping[str, object], now: datetime) -> Barber | None:
        """Write fields that have no search words; return None if the barber has changed (docs/decisions/0002)."""
        plain = msgspec.to_builtins(fields, builtin_types=(datetime, UUID))
        stored = await self._barbers.find_one_and_update(
            {"_id": barber.id, "version": barber.version, "created_at": barber.created_at},
            {"$set": {**plain, "updated_at": now}, "$inc": {"version": 1}},
            return_document=ReturnDocument.AFTER,
        )
        return from_document(stored, Barber) if stored else None

    async def iter_within(self, centre: GeoPoint, radius_m: float) -> AsyncIterator[bytes]:
        """Yield every approved barber in a circle as a BarberMapEntry in BSON, in no order.

        The 2dsphere index also covers circles over a pole or the antimeridian.
        """
        # In batches, so that the event loop runs in between.
        found = self._barbers.find_raw_batches(
            {"location": _within(centre, radius_m), **_APPROVED}, _MAP_ENTRY_FIELDS, batch_size=_BATCH
        )
        async for batch in found:
            for raw in split_batch(cast("bytes", batch)):  # the driver's types take it for a document
                yield raw

    async def iter_nearest(
        self, point: GeoPoint, from_m: float, to_m: float, batch: int
    ) -> AsyncGenerator[list[bytes]]:
        """Yield batches of approved barbers between two distances, nearest first, each a BarberMapEntry in BSON."""
        ring = {"$geometry": to_document(point), "$minDistance": from_m, "$maxDistance": to_m}
        near = {"location": {"$nearSphere": ring}, **_APPROVED}
        found = self._barbers.find_raw_batches(near, _MAP_ENTRY_FIELDS, batch_size=batch)
        async with found:  # the caller may stop before the end
            async for raw in found:
                if documents := list(split_batch(cast("bytes", raw))):
                    yield documents

    async def search(self, sought: SearchCriteria, after: Place | None, limit: int) -> list[tuple[Barber, Place]]:
        """List the best matches among approved barbers with their positions.

        Equal matches are sorted by distance or, without a point, by rating.
        """
        search = WordSearch(words=sought.words, fields=_WORD_FIELDS, place=ByRating, direction=-1, where=_APPROVED)
        if sought.point:
            search = WordSearch(
                words=sought.words,
                fields=_WORD_FIELDS,
                place=ByDistance,
                # Not $geoNear, which reads all barbers around the point even if the words are rare.
                where={"location": _within(sought.point, sought.radius_m), **_APPROVED},
                computed=_haversine(sought.point),
            )
        found = await search.best(self._barbers, after, limit)
        return [(from_document(document, Barber), place) for document, place in found]

    async def backfill_words(self) -> None:
        """Backfill the search words and other missing fields of documents from before the search existed."""
        await backfill(self._barbers, "words", lambda old: document_of(from_document(old, Barber)))

    async def renew_words(self) -> None:
        await renew_words(self._barbers, _SEARCHED_FIELDS, lambda old: _stored(old)["words"])


def document_of(barber: Barber) -> Document:
    """Build the stored document of a barber."""
    return _stored(to_document(barber))


def _stored(fields: Document) -> Document:
    return {**fields, "words": {name: _words(fields[name]) for name in _SEARCHED_FIELDS}}


def _with_words(fields: Document) -> Document:
    """Return these fields for a `$set`, with their search words."""
    return {**fields, **{f"words.{name}": _words(fields[name]) for name in _SEARCHED_FIELDS if name in fields}}


def _words(stored: str | list[Document]) -> list[str]:
    return findable_words(*([stored] if isinstance(stored, str) else [offer["name"] for offer in stored]))


def _within(centre: GeoPoint, radius_m: float) -> Document:
    return {"$geoWithin": {"$centerSphere": [list(centre.coordinates), radius_m / EARTH_RADIUS_M]}}


def _haversine(point: GeoPoint) -> Document:
    """Build the aggregation expression of the distance that `ByDistance` sorts by."""
    longitude, latitude = point.coordinates
    here = math.radians(latitude)
    there = {"$degreesToRadians": {"$last": "$location.coordinates"}}
    east = {"$multiply": [math.cos(here), {"$cos": there}, _squared_half_sine("$first", longitude)]}
    return {"$add": [_squared_half_sine("$last", latitude), east]}


def _squared_half_sine(coordinate: str, degrees: float) -> Document:
    apart = {"$subtract": [{coordinate: "$location.coordinates"}, degrees]}
    return {"$pow": [{"$sin": {"$degreesToRadians": {"$divide": [apart, 2]}}}, 2]}
