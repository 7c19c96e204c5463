"""Store bookings in MongoDB. The unique index on `ticks` prevents overlapping bookings of one barber."""

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Annotated, Any, Final
from uuid import UUID

from msgspec import Meta, Struct, structs
from pymongo import IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern

from grome.bookings.errors import BookingInFlight, KeyInFlight, SeatTaken, SlotTaken
from grome.bookings.models import Booking, BookingSides, HistoryEntry, Payment, Reason, Status, UpcomingBooking
from grome.common.errors import ApiError
from grome.infrastructure.idempotency import WITHOUT_FIRST_ANSWER
from grome.infrastructure.isolated_items import decode_each
from grome.infrastructure.mongo.client import (
    CollectionSpec,
    Database,
    Document,
    DriverError,
    IndexReplacement,
    from_document,
    insert_each,
    to_document,
)
from grome.infrastructure.mongo.personal_documents import clear_items
from grome.infrastructure.mongo.schema import validator_for
from grome.infrastructure.telemetry.catalogue import BOOKINGS

_KEY_INDEX, _TICKS_INDEX = "idempotency", "ticks"
_IS_DATE = {"$type": "date"}
_OPEN_VISITS = {"status": {"$in": [Status.ACCEPTED.value, Status.IN_PROGRESS.value]}}
_AWAITS_DEPOSIT = {"payment.pay_by": _IS_DATE, "active": True}
_UNSTARTED = {"status": {"$in": [Status.REQUESTED.value, Status.ACCEPTED.value]}}
_ENDED = {"status": {"$in": [Status.COMPLETED.value, Status.CANCELLED.value]}}
_UNENDED = {"status": {"$nin": [Status.COMPLETED.value, Status.CANCELLED.value]}}
_CLOCKS_DIFFER: Final = timedelta(minutes=10)  # the most by which the clock of a process is behind
_CUSTOMER_AND_KEY: Final = [("customer_id", 1), ("idempotency.key", 1)]
_HAS_KEY: Final = {"idempotency.key": {"$type": "string"}}


def _require_claims(now: datetime) -> Document:
    """Build the condition that keys of new bookings are claimed; a process that claims none is refused."""
    older = {"created_at": {"$lt": now - _CLOCKS_DIFFER}}
    return {"$or": [{"idempotency": None}, {"idempotency.leased_until": _IS_DATE}, older]}


COLLECTION = CollectionSpec(
    "bookings",
    validator_for(Booking),
    [
        # Decision 1: one insert claims every five-minute step of a booking or none of them.
        IndexModel(
            [("barber_id", 1), ("ticks", 1)], name=_TICKS_INDEX, unique=True, partialFilterExpression={"active": True}
        ),
        IndexModel(_CUSTOMER_AND_KEY, name=_KEY_INDEX, unique=True, partialFilterExpression=_HAS_KEY),
        IndexModel([("customer_id", 1), ("scheduled_at", -1), ("_id", -1)], name="customer"),
        IndexModel([("barber_id", 1), ("scheduled_at", -1), ("_id", -1)], name="barber"),
        IndexModel([("scheduled_at", -1), ("_id", -1)], name="all"),
        IndexModel("answer_by", name="unanswered", partialFilterExpression={"status": Status.REQUESTED.value}),
        IndexModel("payment.pay_by", name="unpaid", partialFilterExpression=_AWAITS_DEPOSIT),
        IndexModel("proposal.answer_by", name="proposed", partialFilterExpression={"proposal.answer_by": _IS_DATE}),
        # Visits that are to come or go on, by the moment at which they should be over.
        IndexModel("ends_at", name="open_visits", partialFilterExpression=_OPEN_VISITS),
    ],
    # Decision 24: on shards the key is claimed first, and these indexes decide for each barber and find the booking.
    IndexReplacement(
        _KEY_INDEX,
        [
            IndexModel(
                [("barber_id", 1), *_CUSTOMER_AND_KEY],
                name="idempotency_of_barber",
                unique=True,
                partialFilterExpression=_HAS_KEY,
            ),
            IndexModel(_CUSTOMER_AND_KEY, name="idempotency_lookup", partialFilterExpression=_HAS_KEY),
        ],
        _require_claims,
    ),
)
# Lists read only the fields that they return.
_LISTED: Document = {**WITHOUT_FIRST_ANSWER, "history": {"$slice": 0}, "ticks": {"$slice": 0}}
_WITHOUT_TICKS: Document = {**WITHOUT_FIRST_ANSWER, "ticks": {"$slice": 0}}
_WITHOUT_HISTORY: Document = {**WITHOUT_FIRST_ANSWER, "history": {"$slice": 0}}
# More bookings than a barber has in a month.
_OCCUPIED_BATCH = 10_000


class BookingCursor(Struct, frozen=True):
    """Holds the sort key of the last booking on a page of the list."""

    scheduled_at: Annotated[datetime, Meta(tz=True)]
    id: UUID


class Deadline(Struct, frozen=True):
    """Holds the id of a booking and the moment of its deadline."""

    id: UUID
    at: datetime


class BookingRepository:
    def __init__(self, database: Database) -> None:
        self._bookings = database[COLLECTION.name]
        # Majority reads: a repeated answer must not come from a write that a failover could roll back.
        self._majority = self._bookings.with_options(read_concern=ReadConcern("majority"))

    async def insert(self, booking: Booking) -> None:
        """Insert the booking.

        Raises SlotTaken or SeatTaken if an active booking holds a tick or seat of this booking, KeyInFlight if the key
        was used, and BookingInFlight if the id was used.
        """
        try:
            await self._bookings.insert_one(to_document(booking))
        except DuplicateKeyError as error:
            raise _duplicate_error(error.details or {}) from None
        _count(booking.history[0])

    async def insert_many(self, bookings: Sequence[Booking]) -> list[ApiError | DriverError | None]:
        """Insert the bookings, and return None for each stored booking, else the error that `insert` would raise.

        If the call itself raises, no booking is known to be stored.
        """
        documents = [to_document(booking) for booking in bookings]
        verdicts = await insert_each(self._bookings, documents, _duplicate_error)
        for booking, verdict in zip(bookings, verdicts, strict=True):
            if verdict is None:
                _count(booking.history[0])
        return verdicts

    # Reads for a repeat include the first answer; all other reads leave it out.

    async def find_by_key(self, customer_id: UUID, key: str) -> Booking | None:
        document = await self._majority.find_one({"customer_id": customer_id, "idempotency.key": key})
        return from_document(document, Booking) if document else None

    async def has_key(self, customer_id: UUID, key: str) -> bool:
        """Return whether a booking has the key, even if a majority does not have the booking yet."""
        return (
            await self._bookings.find_one({"customer_id": customer_id, "idempotency.key": key}, {"_id": 1}) is not None
        )

    async def find_created(self, customer_id: UUID, booking_id: UUID) -> Booking | None:
        document = await self._majority.find_one({"_id": booking_id, "customer_id": customer_id})
        return from_document(document, Booking) if document else None

    async def find(self, scope: Document, booking_id: UUID) -> Booking | None:
        """Return the booking if it matches `scope`, the filter from `visible_to`."""
        document = await self._bookings.find_one({**scope, "_id": booking_id}, WITHOUT_FIRST_ANSWER)
        return from_document(document, Booking) if document else None

    async def find_many(self, booking_ids: Collection[UUID], *, with_ticks: bool = True) -> list[Booking]:
        fields = WITHOUT_FIRST_ANSWER if with_ticks else _WITHOUT_TICKS
        found = self._bookings.find({"_id": {"$in": list(booking_ids)}}, fields)
        return [from_document(document, Booking) async for document in found]

    async def list_sides(self, scope: Document, booking_ids: Collection[UUID]) -> list[BookingSides]:
        """List the bookings of these that are within the scope."""
        fields = {"customer_id": 1, "barber_id": 1}
        found = self._bookings.find({**scope, "_id": {"$in": list(booking_ids)}}, fields)
        return [from_document(document, BookingSides) async for document in found]

    async def list_open(self, scope: Document, since: datetime, limit: int) -> list[BookingSides]:
        """List bookings that have not ended and start at or after `since`, earliest start first."""
        wanted = {**scope, "scheduled_at": {"$gte": since}, **_UNENDED}
        fields = {"customer_id": 1, "barber_id": 1}
        found = self._bookings.find(wanted, fields).sort([("scheduled_at", 1), ("_id", 1)]).limit(limit)
        return [from_document(document, BookingSides) async for document in found]

    async def has_booked(self, customer_id: UUID, barber_id: UUID | None) -> bool:
        wanted: Document = {"customer_id": customer_id, "status": {"$ne": Status.CANCELLED.value}}
        if barber_id:
            wanted["barber_id"] = barber_id
        return await self._bookings.find_one(wanted, {"_id": 1}, hint="customer") is not None

    async def exists(self, wanted: Document) -> bool:
        """Return whether a booking of a customer matches; `wanted` names the customer."""
        return await self._bookings.find_one(wanted, {"_id": 1}, hint="customer") is not None

    async def has_completed(self, customer_id: UUID, barber_id: UUID) -> bool:
        """Return whether the customer has completed a visit with the barber."""
        wanted = {"customer_id": customer_id, "barber_id": barber_id, "status": Status.COMPLETED.value}
        return await self._bookings.find_one(wanted, {"_id": 1}, hint="customer") is not None

    async def list_missed_barbers(self, customer_id: UUID, since: datetime, limit: int) -> list[UUID]:
        """List the barber of each visit since then to which the customer did not come."""
        wanted = {"customer_id": customer_id, "scheduled_at": {"$gte": since}, "reason": Reason.NO_SHOW.value}
        found = self._bookings.find(wanted, {"barber_id": 1}, hint="customer").limit(limit)
        return [document["barber_id"] async for document in found]

    async def list_page(
        self, scope: Document, status: Status | None, after: BookingCursor | None, limit: int
    ) -> list[Booking]:
        """List bookings, latest start first, without ticks and history."""
        wanted: Document = dict(scope)
        if status:
            wanted["status"] = status.value
        if after:
            beyond = [{"scheduled_at": after.scheduled_at, "_id": {"$lt": after.id}}]
            wanted["$or"] = [{"scheduled_at": {"$lt": after.scheduled_at}}, *beyond]
        found = self._bookings.find(wanted, _LISTED).sort([("scheduled_at", -1), ("_id", -1)]).limit(limit)
        return [from_document(document, Booking) async for document in found]

    async def iter_starting_between(
        self, scope: Document, span: tuple[datetime, datetime], status: Status | None, batch: int
    ) -> AsyncGenerator[list[Booking]]:
        """Yield batches of bookings that start in [first, last), earliest first, without ticks and history.

        Each batch is a separate query that continues after the previous batch, so no cursor stays open in between.
        """
        first, end = span
        wanted: Document = {**scope, **({"status": status.value} if status else {})}
        wanted["scheduled_at"] = {"$gte": first, "$lt": end}
        while True:
            found = self._bookings.find(wanted, _LISTED).sort([("scheduled_at", 1), ("_id", 1)]).limit(batch)
            bookings = [from_document(document, Booking) async for document in found]
            if bookings:
                yield bookings
            if len(bookings) < batch:
                return
            last = bookings[-1]
            wanted["scheduled_at"] = {"$gte": last.scheduled_at, "$lt": end}
            wanted["$or"] = [{"scheduled_at": {"$gt": last.scheduled_at}}, {"_id": {"$gt": last.id}}]

    async def list_around(
        self, scope: Document, span: tuple[datetime, datetime], limit: int, *, latest_first: bool
    ) -> list[Booking]:
        """List bookings that start in [first, last), without ticks, and with the newest history entry only."""
        first, end = span
        direction = -1 if latest_first else 1
        wanted: Document = {**scope, "scheduled_at": {"$gte": first, "$lt": end}}
        found = self._bookings.find(wanted, {**_LISTED, "history": {"$slice": -1}})
        found = found.sort([("scheduled_at", direction), ("_id", direction)]).limit(limit)
        return [from_document(document, Booking) async for document in found]

    async def update_if_version(
        self, booking: Booking, fields: Mapping[str, Any], entry: HistoryEntry, *, superseded: int | None = None
    ) -> Booking | None:
        """Update `booking` and append the history entry, if the stored version is unchanged (decision 2).

        Returns None if the version has changed. The history entry at the position `superseded` loses its note. Raises
        SlotTaken or SeatTaken if `fields` claim ticks or seats of another booking; the booking then keeps its ticks and
        seats.
        """
        try:
            document = await self._bookings.find_one_and_update(
                {**_identity(booking), "status": booking.status.value, "version": booking.version},
                _update_with_entry({**fields, "version": entry.version}, booking, entry, superseded),
                projection=WITHOUT_FIRST_ANSWER,
                return_document=ReturnDocument.AFTER,
            )
        except DuplicateKeyError as error:
            raise _duplicate_error(error.details or {}) from None
        if document is None:
            return None
        _count(entry)
        return from_document(document, Booking)

    async def set_payment_if_version(self, booking: Booking, payment: Payment) -> Booking | None:
        """Set the payment without a history entry; return None if the booking or its payment has changed."""
        unchanged = {**_identity(booking), "version": booking.version, "payment.paid": booking.payment.paid}
        unchanged |= {"payment.status": booking.payment.status.value}
        document = await self._bookings.find_one_and_update(
            unchanged,
            {"$set": {"payment": to_document(payment)}},
            projection=WITHOUT_FIRST_ANSWER,
            return_document=ReturnDocument.AFTER,
        )
        return from_document(document, Booking) if document else None

    async def clear_details(self, since: datetime, until: datetime) -> None:
        """Remove addresses, notes and names of guests from ended bookings that started in [since, until)."""
        ended = {"scheduled_at": {"$gte": since, "$lt": until}, **_ENDED}
        cleared = dict.fromkeys(("customer_note", "barber_note", "house_call"))
        await self._bookings.update_many(ended, {"$set": cleared, "$unset": {"first_answer": ""}})
        await self._bookings.update_many({**ended, "guest": {"$type": "object"}}, {"$set": {"guest.name": ""}})
        await clear_items(self._bookings, ended, "history", {"note": None, "origin": None, "changes": []})

    async def iter_ids_between(self, since: datetime, until: datetime, batch: int) -> AsyncIterator[list[UUID]]:
        """Yield batches of the ids of bookings that start in [since, until)."""
        ids: list[UUID] = []
        async for found in self._bookings.find({"scheduled_at": {"$gte": since, "$lt": until}}, {"_id": 1}):
            ids.append(found["_id"])
            if len(ids) == batch:
                yield ids
                ids = []
        if ids:
            yield ids

    async def get_occupied_ticks(self, barber_id: UUID, first_tick: int, end_tick: int) -> frozenset[int]:
        """Return all ticks of the active bookings that hold a tick in [first_tick, end_tick)."""
        held = {"barber_id": barber_id, "active": True, "ticks": {"$elemMatch": {"$gte": first_tick, "$lt": end_tick}}}
        # By default, the first batch has 101 documents, and a second command would fetch the rest.
        found = self._bookings.find(held, {"_id": 0, "ticks": 1}, batch_size=_OCCUPIED_BATCH)
        return frozenset(chain.from_iterable([document["ticks"] for document in await found.to_list()]))

    async def get_occupied_ticks_by_barber(
        self, barber_ids: Sequence[UUID], first_tick: int, end_tick: int
    ) -> dict[UUID, frozenset[int]]:
        """Return the occupied ticks of each barber with one query, without barbers that have no such booking."""
        within = {"$elemMatch": {"$gte": first_tick, "$lt": end_tick}}
        held = {"barber_id": {"$in": barber_ids}, "active": True, "ticks": within}
        by_barber = {"_id": "$barber_id", "ticks": {"$push": "$ticks"}}
        # Without the hint, if most of a barber's bookings lie in the span, the planner takes an index by barber and
        # reads whole histories. The result is grouped, because the driver is slow at thousands of small documents.
        found = await self._bookings.aggregate([{"$match": held}, {"$group": by_barber}], hint=_TICKS_INDEX)
        return {each["_id"]: frozenset(chain.from_iterable(each["ticks"])) for each in await found.to_list()}

    async def list_accepted_between(
        self, start: datetime, end: datetime, after: UpcomingBooking | None, limit: int
    ) -> list[UpcomingBooking]:
        """List accepted bookings of customers with an account that start in [start, end], earliest first."""
        span = {"$gte": start, "$lte": end}
        wanted: Document = {"scheduled_at": span, "status": Status.ACCEPTED.value, "customer_id": {"$ne": None}}
        fields = dict.fromkeys((field.encode_name for field in structs.fields(UpcomingBooking)), 1)
        while True:
            if after:
                wanted["$or"] = [
                    {"scheduled_at": {"$gt": after.scheduled_at}},
                    {"scheduled_at": after.scheduled_at, "_id": {"$gt": after.id}},
                ]
            found = self._bookings.find(wanted, fields).sort([("scheduled_at", 1), ("_id", 1)]).limit(limit)
            documents = await found.to_list()
            bookings = decode_each(documents, UpcomingBooking, name="plan_reminders")
            if bookings or len(documents) < limit:
                return bookings
            last = documents[-1]
            after = UpcomingBooking(id=last["_id"], customer_id=last["_id"], scheduled_at=last["scheduled_at"])

    async def list_in_progress(self, barber_id: UUID, since: datetime) -> list[Booking]:
        """List a barber's visits in progress with a scheduled start at or after `since`."""
        wanted = {"barber_id": barber_id, "scheduled_at": {"$gte": since}, "status": Status.IN_PROGRESS.value}
        return [
            from_document(document, Booking) async for document in self._bookings.find(wanted, WITHOUT_FIRST_ANSWER)
        ]

    async def list_last_completed(self, barber_id: UUID, limit: int) -> list[Booking]:
        """List a barber's completed visits, latest start first."""
        wanted = {"barber_id": barber_id, "status": Status.COMPLETED.value}
        found = self._bookings.find(wanted, WITHOUT_FIRST_ANSWER).sort([("scheduled_at", -1), ("_id", -1)]).limit(limit)
        return [from_document(document, Booking) async for document in found]

    async def list_unanswered(self, now: datetime, after: Deadline | None, limit: int) -> list[Deadline]:
        """List overdue requests, without requests that have an open proposal."""
        overdue = {"status": Status.REQUESTED.value, "answer_by": {**_IS_DATE, "$lte": now}, "proposal": None}
        return await self._list_deadlines("answer_by", overdue, after, limit)

    async def list_unpaid(self, now: datetime, after: Deadline | None, limit: int) -> list[Deadline]:
        """List bookings with an overdue deposit."""
        overdue = {"payment.pay_by": {**_IS_DATE, "$lte": now}, "active": True, **_UNSTARTED}
        return await self._list_deadlines("payment.pay_by", overdue, after, limit)

    async def list_overdue_holding(self, barber_id: UUID, ticks: Sequence[int], now: datetime) -> list[UUID]:
        """List the barber's overdue bookings that hold any of these ticks or seats.

        Overdue are requests and proposals without an answer, and bookings without their deposit.
        """
        holding = {"barber_id": barber_id, "active": True, "ticks": {"$in": list(ticks)}}
        requested = {"status": Status.REQUESTED.value, "answer_by": {"$lte": now}, "proposal": None}
        unpaid = {"payment.pay_by": {"$lte": now}, **_UNSTARTED}
        overdue = {"$or": [requested, {"proposal.answer_by": {"$lte": now}}, unpaid]}
        found = self._bookings.find({**holding, **overdue}, {"_id": 1}, hint=_TICKS_INDEX)
        return [document["_id"] async for document in found]

    async def set_barber_note(self, barber_id: UUID, booking_id: UUID, note: str | None) -> bool:
        """Set the note, and return whether the barber has this booking."""
        ours = {"_id": booking_id, "barber_id": barber_id}
        return bool((await self._bookings.update_one(ours, {"$set": {"barber_note": note}})).matched_count)

    async def list_overdue_proposals(self, now: datetime, after: Deadline | None, limit: int) -> list[Deadline]:
        """List overdue proposals."""
        overdue = {"proposal.answer_by": {**_IS_DATE, "$lte": now}}
        return await self._list_deadlines("proposal.answer_by", overdue, after, limit)

    async def _list_deadlines(self, path: str, wanted: Document, after: Deadline | None, limit: int) -> list[Deadline]:
        """List the deadlines at `path`, earliest first, without reading other fields."""
        if after:
            behind = [{path: {"$gt": after.at}}, {path: after.at, "_id": {"$gt": after.id}}]
            wanted = {"$and": [wanted, {path: {"$gte": after.at}}, {"$or": behind}]}
        found = self._bookings.find(wanted, {"_id": 1, "at": f"${path}"}).sort([(path, 1), ("_id", 1)]).limit(limit)
        return [Deadline(document["_id"], document["at"]) async for document in found]

    async def list_unended(self, ended_before: datetime, after: Deadline | None, limit: int) -> list[Deadline]:
        """List open visits with an end before `ended_before`, earliest end first."""
        return await self._list_deadlines("ends_at", {**_OPEN_VISITS, "ends_at": {"$lt": ended_before}}, after, limit)

    async def list_active_overlapping(
        self, barber_id: UUID, first_tick: int, end_tick: int, limit: int
    ) -> list[Booking]:
        """List a barber's active bookings that hold a tick in [first_tick, end_tick), earliest start first.

        The bookings are read without histories.
        """
        within = {"$elemMatch": {"$gte": first_tick, "$lt": end_tick}}
        held = {"barber_id": barber_id, "active": True, "ticks": within}
        found = self._bookings.find(held, _WITHOUT_HISTORY, hint=_TICKS_INDEX)
        found = found.sort([("scheduled_at", 1), ("_id", 1)]).limit(limit)
        return [from_document(document, Booking) async for document in found]


def _identity(booking: Booking) -> Document:
    """Name the barber beside the id, so that a cluster sends the update to one shard (decision 24)."""
    return {"_id": booking.id, "barber_id": booking.barber_id}


def _update_with_entry(fields: Document, booking: Booking, entry: HistoryEntry, superseded: int | None) -> Document:
    """Build the update document with the new history entry.

    MongoDB rejects an update that pushes to an array and changes an item of the same array. So if an older entry loses
    its note, the new entry is set at the index behind the last entry.
    """
    if superseded is None:
        return {"$set": fields, "$push": {"history": to_document(entry)}}
    new = {f"history.{superseded}.note": None, f"history.{len(booking.history)}": to_document(entry)}
    return {"$set": {**fields, **new}}


def _duplicate_error(duplicate: Mapping[str, Any]) -> ApiError:
    pattern = duplicate.get("keyPattern", {})
    if "idempotency.key" in pattern:
        return KeyInFlight()
    if "_id" in pattern:
        return BookingInFlight()
    # Negative ticks are seats under daily caps (`is_seat` in grome/scheduling/daily_caps.py).
    return SeatTaken() if duplicate.get("keyValue", {}).get("ticks", 0) < 0 else SlotTaken()


def _count(entry: HistoryEntry) -> None:
    BOOKINGS.add(entry.action.value, entry.status.value)
