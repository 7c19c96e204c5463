"""Test the validator and the two unique indexes of bookings in the database."""

from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from bson import Int64
from pymongo.errors import DuplicateKeyError, WriteError

from grome.bookings.models import Booking
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from tests.builders.barbers import barber
from tests.builders.bookings import book, tomorrow
from tests.builders.people import register

FAILED_VALIDATION = 121


@pytest.fixture
async def stored(http: httpx.AsyncClient, container: Container) -> dict[str, Any]:
    shop, customer = await barber(http, container), await register(http)
    booking = await book(http, customer, shop, tomorrow(9), key="k")
    document = await container.database["bookings"].find_one({"_id": UUID(booking["id"])})
    assert document is not None
    return document


CHANGES: list[dict[str, Any]] = [
    {"$set": {"surprise": 1}},
    {"$set": {"history.0.surprise": 1}},
    {"$set": {"status": "lost"}},
    {"$set": {"reason": "because"}},
    {"$set": {"price": "30"}},
    {"$set": {"price": 30.5}},
    {"$set": {"price": -1}},
    {"$set": {"price": Int64(10**9 + 1)}},
    {"$set": {"version": 0}},
    {"$set": {"active": "yes"}},
    {"$set": {"scheduled_at": "tomorrow"}},
    {"$set": {"scheduled_at": None}},
    {"$set": {"customer_id": "me"}},
    {"$set": {"ticks": [1.5]}},
    {"$set": {"ticks": None}},
    {"$set": {"services.0.price": None}},
    {"$set": {"payment.status": "free"}},
    {"$push": {"history": {"version": 2}}},
    {"$unset": {"version": ""}},
    {"$unset": {"idempotency.fingerprint": ""}},
    {"$unset": {"payment.currency": ""}},
]


async def test_update_to_an_invalid_booking_is_refused(container: Container, stored: dict[str, Any]) -> None:
    bookings = container.database["bookings"]
    for change in CHANGES:
        with pytest.raises(WriteError) as refused:
            await bookings.update_one({"_id": stored["_id"]}, change)
        assert refused.value.code == FAILED_VALIDATION, change
    assert await bookings.find_one({"_id": stored["_id"]}) == stored


def another(stored: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return {**stored, "_id": new_id(), "idempotency": None, **changed}


async def test_booking_with_missing_or_unknown_fields_is_refused(container: Container, stored: dict[str, Any]) -> None:
    bookings, sound = container.database["bookings"], another(stored, barber_id=new_id())
    needed = [field.encode_name for field in msgspec.structs.fields(Booking) if field.required]
    lacking = [
        {name: value for name, value in sound.items() if name != left_out} for left_out in needed if left_out != "_id"
    ]
    for document in (*lacking, {**sound, "surprise": 1}):
        with pytest.raises(WriteError) as refused:
            await bookings.insert_one(document)
        assert refused.value.code == FAILED_VALIDATION
    await bookings.insert_one(sound)


async def test_active_bookings_of_a_barber_share_no_tick(container: Container, stored: dict[str, Any]) -> None:
    bookings = container.database["bookings"]
    last = stored["ticks"][-1]
    with pytest.raises(DuplicateKeyError):
        await bookings.insert_one(another(stored, ticks=[last, last + 1]))
    await bookings.insert_one(another(stored, ticks=[last + 1, last + 2]))
    await bookings.insert_one(another(stored, barber_id=new_id()))
    ended = another(stored, active=False, status="cancelled")
    await bookings.insert_one(ended)
    with pytest.raises(DuplicateKeyError):
        await bookings.update_one({"_id": ended["_id"]}, {"$set": {"active": True}})


async def test_idempotency_key_of_a_customer_is_unique(container: Container, stored: dict[str, Any]) -> None:
    bookings = container.database["bookings"]
    elsewhere = {"barber_id": new_id(), "idempotency": stored["idempotency"]}
    with pytest.raises(DuplicateKeyError):
        await bookings.insert_one(another(stored, **elsewhere))
    await bookings.insert_one(another(stored, **elsewhere, customer_id=new_id()))
    for _ in range(2):  # those without a key do not meet
        await bookings.insert_one(another(stored, barber_id=new_id()))
