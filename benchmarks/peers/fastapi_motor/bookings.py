"""`POST /v1/bookings` in a transaction that looks for an overlapping booking and inserts where there is none."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Header, Request
from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorCollection
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from benchmarks.peers.fastapi_motor.auth import Customer
from benchmarks.peers.fastapi_motor.problems import Problem

Document = dict[str, Any]
COLLECTION = "peer_bookings"
ACTIVE = ["requested", "accepted", "in_progress"]
INDEXES = [
    IndexModel([("barber_id", 1), ("scheduled_at", 1), ("ends_at", 1)]),
    IndexModel([("customer_id", 1), ("scheduled_at", -1)]),
    IndexModel(
        [("customer_id", 1), ("idempotency_key", 1)],
        unique=True,
        partialFilterExpression={"idempotency_key": {"$type": "string"}},
    ),
]
router = APIRouter(prefix="/v1/bookings")


class BookingIn(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    barber_id: UUID
    service_ids: Annotated[list[UUID], Field(min_length=1, max_length=10)]
    scheduled_at: AwareDatetime


class BookedService(BaseModel):
    service_id: UUID
    name: str
    price: int
    duration_min: int


class Payment(BaseModel):
    status: str
    amount: int
    currency: str


class BookingOut(BaseModel):
    id: Annotated[UUID, Field(validation_alias="_id")]
    status: str
    reason: str | None
    customer_id: UUID
    barber_id: UUID
    services: list[BookedService]
    scheduled_at: datetime
    ends_at: datetime
    price: int
    currency: str
    payment: Payment
    version: int
    answer_by: datetime | None
    created_at: datetime


@router.post("", status_code=HTTPStatus.CREATED)
async def create_booking(
    request: Request,
    person: Customer,
    wanted: BookingIn,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
) -> BookingOut:
    """A repeat under the same `Idempotency-Key` gets the first answer again."""
    database = request.app.state.database
    bookings = database[COLLECTION]
    if idempotency_key and (first := await _first_answer(bookings, person.id, idempotency_key, wanted)):
        return first
    barber = await database.barbers.find_one(
        {"_id": wanted.barber_id}, {"services": 1, "currency": 1, "rules.auto_accept": 1}
    )
    if barber is None:
        raise Problem(HTTPStatus.NOT_FOUND, "not_found", "There is no such barber")
    booking = _compose(person.id, barber, wanted, idempotency_key)
    try:
        await _insert_unless_overlapping(bookings, booking)
    except DuplicateKeyError:
        raise Problem(HTTPStatus.CONFLICT, "idempotency_key_in_flight", "The first request is not done yet") from None
    return BookingOut.model_validate(booking)


async def _first_answer(
    bookings: AsyncIOMotorCollection[Document], customer_id: UUID, key: str, wanted: BookingIn
) -> BookingOut | None:
    first = await bookings.find_one({"customer_id": customer_id, "idempotency_key": key})
    if first is None:
        return None
    asked = [first["barber_id"], [service["service_id"] for service in first["services"]], first["scheduled_at"]]
    if asked != [wanted.barber_id, wanted.service_ids, wanted.scheduled_at]:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency_key_reused", "The key came with another body")
    return BookingOut.model_validate(first)


def _compose(customer_id: UUID, barber: Document, wanted: BookingIn, key: str | None) -> Document:
    services = _chosen(barber["services"], wanted.service_ids)
    price = sum(service["price"] for service in services)
    start, now = wanted.scheduled_at.astimezone(UTC), datetime.now(UTC)
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)  # as MongoDB keeps it, so that a repeat is the same
    if start <= now:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "slot_not_offered", "The time is over")
    accepted = barber["rules"]["auto_accept"]
    booking = {
        "_id": uuid4(),
        "status": "accepted" if accepted else "requested",
        "reason": None,
        "customer_id": customer_id,
        "barber_id": barber["_id"],
        "services": services,
        "scheduled_at": start,
        "ends_at": start + timedelta(minutes=sum(service["duration_min"] for service in services)),
        "price": price,
        "currency": barber["currency"],
        "payment": {"status": "pending", "amount": price, "currency": barber["currency"]},
        "version": 1,
        "answer_by": None if accepted else min(now + timedelta(days=1), start),
        "created_at": now,
    }
    return booking if key is None else {**booking, "idempotency_key": key}


def _chosen(offers: list[Document], service_ids: list[UUID]) -> list[Document]:
    by_id = {offer["service_id"]: offer for offer in offers}
    if len(set(service_ids)) < len(service_ids) or not by_id.keys() >= set(service_ids):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", "A service is not offered or is given twice")
    return [by_id[service_id] for service_id in service_ids]


async def _insert_unless_overlapping(bookings: AsyncIOMotorCollection[Document], booking: Document) -> None:
    """Raises Problem 409 where an active booking of the barber overlaps.

    Two such transactions at the same moment each read a snapshot without the other's insert, and both commit.
    """

    async def find_then_insert(session: AsyncIOMotorClientSession) -> None:
        overlapping = {
            "barber_id": booking["barber_id"],
            "scheduled_at": {"$lt": booking["ends_at"]},
            "ends_at": {"$gt": booking["scheduled_at"]},
            "status": {"$in": ACTIVE},
        }
        if await bookings.find_one(overlapping, {"_id": 1}, session=session):
            raise Problem(HTTPStatus.CONFLICT, "slot_taken", "The time is already taken")
        await bookings.insert_one(booking, session=session)

    async with await bookings.database.client.start_session() as session:
        await session.with_transaction(
            find_then_insert,
            read_concern=ReadConcern("snapshot"),
            write_concern=WriteConcern("majority", j=True),
        )
