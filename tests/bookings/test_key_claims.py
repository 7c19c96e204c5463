"""Idempotency-Keys of bookings that are sharded by barber.

No index is unique on customer and key in this database, as on a cluster, where the shards know nothing of each other's
keys. So only claims stand between a repeat and a second booking.
"""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from pymongo.errors import WriteError

from config.settings import Settings
from grome.app import App
from grome.bookings.booking_store import BookingStore, ClaimingBookingStore
from grome.bookings.errors import KeyInFlight
from grome.bookings.key_claims.models import KeyClaim, claim_id
from grome.bookings.key_claims.repository import COLLECTION, KeyClaimRepository
from grome.bookings.key_claims.service import KeyClaims
from grome.bookings.key_indexes import KeyIndexes
from grome.bookings.models import Booking, BookingKey
from grome.bookings.repository import BookingRepository
from grome.common.errors import Unavailable
from grome.composition import open_container
from grome.composition.bookings import key_lease
from grome.infrastructure.container import Container
from grome.infrastructure.migrations import migrate
from grome.infrastructure.mongo.client import from_document, to_document
from grome.migrations import MIGRATIONS
from tests.builders.barbers import Barber, barber, catalogue_service
from tests.builders.bookings import ask, book, move, tomorrow
from tests.builders.people import Person, register
from tests.builders.world import destination
from tests.conftest import AdjustableClock
from tests.support.app import serve_app, with_database
from tests.support.eventually import START_PATIENCE_S
from tests.support.processes import environment

IN_FLIGHT = (409, "idempotency_key_in_flight")
REUSED = (422, "idempotency_key_reused")
SEA = (-44.0, 80.0)


def sharded(settings: Settings) -> Settings:
    own = with_database(settings, "keys")
    return msgspec.structs.replace(own, mongo=msgspec.structs.replace(own.mongo, sharded_bookings=True))


@pytest.fixture(scope="module")
async def app(settings: Settings, session_clock: AdjustableClock) -> AsyncIterator[App]:
    own = sharded(settings)
    preparing = await open_container(own)
    async for _ in migrate(preparing.database, MIGRATIONS, preparing.clock):
        pass
    await preparing.get(KeyIndexes).replace()
    await preparing.close()
    async with serve_app(own, session_clock) as application:
        yield application


@pytest.fixture
async def customer(http: httpx.AsyncClient) -> Person:
    return await register(http)


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    return await barber(http, container, durations=(30, 45))


@pytest.fixture
def claims(container: Container) -> KeyClaimRepository:
    return KeyClaimRepository(container.database)


def told(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json().get("code", "")


async def count(container: Container, customer: Person) -> int:
    return await container.database["bookings"].count_documents({"customer_id": customer.id})


async def forget_claim(container: Container, customer: Person, key: str) -> None:
    """Remove the claim, as its expiry does."""
    await container.database[COLLECTION.name].delete_one({"_id": claim_id(customer.id, key)})


async def claim_only(container: Container, customer: Person, key: str, fingerprint: bytes = b"f" * 32) -> KeyClaim:
    """Leave a claim that a process made before it died."""
    claim = KeyClaim(claim_id(customer.id, key), fingerprint, container.clock() + key_lease(container.settings))
    await KeyClaimRepository(container.database).insert(claim)
    return claim


async def test_repeat_gets_the_first_answer_byte_for_byte(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber
) -> None:
    first = await ask(http, customer, shop, tomorrow(9), key="k")
    await move(http, customer.auth, first.json(), "cancel")
    again = await ask(http, customer, shop, tomorrow(9), key="k")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert await count(container, customer) == 1


async def test_key_with_another_time_or_barber_is_refused(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber
) -> None:
    await book(http, customer, shop, tomorrow(9), key="k")
    other = await barber(http, container)
    assert told(await ask(http, customer, shop, tomorrow(10), key="k")) == REUSED
    assert told(await ask(http, customer, other, tomorrow(9), key="k")) == REUSED
    assert await count(container, customer) == 1


async def test_forty_requests_at_once_make_one_booking(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber
) -> None:
    answers = await asyncio.gather(*(ask(http, customer, shop, tomorrow(9), key="k") for _ in range(40)))
    made = {answer.content for answer in answers if answer.status_code == 201}
    assert len(made) == 1
    assert {told(answer) for answer in answers if answer.status_code != 201} <= {IN_FLIGHT}
    assert await count(container, customer) == 1


async def test_requests_at_once_for_two_barbers_make_one_booking(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber
) -> None:
    shops = [shop, await barber(http, container)]
    answers = await asyncio.gather(*(ask(http, customer, shops[n % 2], tomorrow(9), key="k") for n in range(40)))
    made = {answer.content for answer in answers if answer.status_code == 201}
    assert len(made) == 1
    assert {told(answer) for answer in answers if answer.status_code != 201} <= {IN_FLIGHT, REUSED}
    assert await count(container, customer) == 1


async def test_refused_request_frees_its_key(
    http: httpx.AsyncClient, claims: KeyClaimRepository, customer: Person, shop: Barber
) -> None:
    await book(http, await register(http), shop, tomorrow(9))
    assert told(await ask(http, customer, shop, tomorrow(9), key="k")) == (409, "slot_taken")
    assert await claims.find(claim_id(customer.id, "k")) is None
    await book(http, customer, shop, tomorrow(10), key="k")


async def test_process_killed_after_its_claim_blocks_the_key_until_the_lease_lapses(
    http: httpx.AsyncClient,
    container: Container,
    customer: Person,
    shop: Barber,
    clock: AdjustableClock,
    tmp_path: Path,
) -> None:
    body = {"barber_id": shop.id, "service_ids": [shop.services[0][0]], "scheduled_at": tomorrow(9).isoformat()}
    arguments = [str(customer.id), "k", msgspec.json.encode(body).decode()]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bookings.claim_and_die", *arguments),
        env=environment(container.settings, tmp_path, GROME_MONGO_SHARDED_BOOKINGS="true"),
    )
    assert await asyncio.wait_for(process.wait(), START_PATIENCE_S) == -signal.SIGKILL
    assert await count(container, customer) == 0
    assert told(await ask(http, customer, shop, tomorrow(9), key="k")) == IN_FLIGHT
    clock.shift = key_lease(container.settings)
    answers = [await ask(http, customer, shop, tomorrow(9), key="k") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    assert await count(container, customer) == 1


async def test_claim_of_another_request_in_flight_is_a_reuse(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber
) -> None:
    await claim_only(container, customer, "k")
    assert told(await ask(http, customer, shop, tomorrow(9), key="k")) == REUSED
    assert await count(container, customer) == 0


async def test_lapsed_claim_is_taken_over_by_one_of_many(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber, clock: AdjustableClock
) -> None:
    await claim_only(container, customer, "k")
    clock.shift = key_lease(container.settings)
    shops = [shop, await barber(http, container)]
    answers = await asyncio.gather(*(ask(http, customer, shops[n % 2], tomorrow(9), key="k") for n in range(20)))
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert {told(answer) for answer in answers if answer.status_code != 201} <= {IN_FLIGHT, REUSED}
    assert await count(container, customer) == 1


async def test_guarded_take_over_has_one_winner(
    container: Container, claims: KeyClaimRepository, customer: Person, clock: AdjustableClock
) -> None:
    lapsed = await claim_only(container, customer, "k")
    clock.shift = key_lease(container.settings)
    rivals = [KeyClaim(lapsed.id, bytes([n]), container.clock() + key_lease(container.settings)) for n in range(20)]
    won = await asyncio.gather(*(claims.replace(lapsed, rival) for rival in rivals))
    assert won.count(True) == 1
    stored = await claims.find(lapsed.id)
    assert stored is not None
    assert stored.fingerprint == rivals[won.index(True)].fingerprint
    await claims.delete(lapsed)  # its owner wakes up, and has lost it
    assert await claims.find(lapsed.id) == stored


async def test_process_that_slept_through_its_lease_books_nothing(
    container: Container, customer: Person, shop: Barber, http: httpx.AsyncClient, clock: AdjustableClock
) -> None:
    made = await book(http, customer, shop, tomorrow(9), key="k")
    document = await container.database["bookings"].find_one({"_id": UUID(made["id"])})
    assert document is not None
    booking = from_document(document, Booking)
    clock.shift = key_lease(container.settings) / 2 + timedelta(seconds=1)
    with pytest.raises(Unavailable):
        await container.get(BookingStore).insert(booking)


async def test_error_that_leaves_the_booking_unknown_keeps_the_claim(
    container: Container, claims: KeyClaimRepository, customer: Person
) -> None:
    async def fail(_: BookingKey) -> Booking:
        raise ConnectionResetError

    store = ClaimingBookingStore(
        BookingRepository(container.database),
        BookingRepository(container.database).insert,
        KeyClaims(claims, claims.insert, key_lease(container.settings), container.clock),
    )
    with pytest.raises(ConnectionResetError):
        await store.run_once(customer.id, BookingKey("k", b"f"), fail, any_barber=False)
    assert await claims.find(claim_id(customer.id, "k")) is not None


class Lagging(BookingRepository):
    """A shard of which a majority lacks the newest bookings."""

    async def find_by_key(self, customer_id: UUID, key: str) -> Booking | None:  # noqa: ARG002
        return None


@pytest.mark.parametrize("claim", ["expired", "lapsed"])
async def test_booking_that_a_majority_lacks_keeps_its_key_in_flight(
    http: httpx.AsyncClient,
    container: Container,
    claims: KeyClaimRepository,
    customer: Person,
    shop: Barber,
    clock: AdjustableClock,
    claim: str,
) -> None:
    await book(http, customer, shop, tomorrow(9), key="k")
    clock.shift = key_lease(container.settings)
    if claim == "expired":
        await forget_claim(container, customer, "k")

    async def make(_: BookingKey) -> Booking:
        raise AssertionError("a second barber is booked")

    bookings = Lagging(container.database)
    key_claims = KeyClaims(claims, claims.insert, key_lease(container.settings), container.clock)
    with pytest.raises(KeyInFlight):
        await ClaimingBookingStore(bookings, bookings.insert, key_claims).run_once(
            customer.id, BookingKey("k", b"f"), make, any_barber=True
        )


@pytest.fixture
async def near(http: httpx.AsyncClient, container: Container) -> dict[str, Any]:
    """Return the body of a request for either of two barbers around a place."""
    cut = await catalogue_service(container)
    for metres in (100, 200):
        lat, lng = destination(SEA, metres, 90)
        made = await barber(http, container, durations=(), location={"lat": lat, "lng": lng}, timezone="UTC")
        offers = {"services": [{"service_id": cut, "price": 2000, "duration_min": 30}]}
        assert (await http.put("/v1/barbers/me/services", json=offers, headers=made.auth)).status_code == 200
    return {"lat": SEA[0], "lng": SEA[1], "service_ids": [cut], "scheduled_at": tomorrow(9).isoformat()}


async def ask_any(http: httpx.AsyncClient, customer: Person, body: dict[str, Any]) -> httpx.Response:
    return await http.post("/v1/bookings/any", json=body, headers={**customer.auth, "Idempotency-Key": "k"})


async def test_repeat_for_any_barber_never_books_a_second_barber(
    http: httpx.AsyncClient, container: Container, customer: Person, near: dict[str, Any]
) -> None:
    at_once = await asyncio.gather(*(ask_any(http, customer, near) for _ in range(10)))
    made = {answer.content for answer in at_once if answer.status_code == 201}
    assert {told(answer) for answer in at_once if answer.status_code != 201} <= {IN_FLIGHT}
    await forget_claim(container, customer, "k")
    for _ in range(2):
        made.add((await ask_any(http, customer, near)).content)
    assert len(made) == 1
    assert await count(container, customer) == 1


async def test_claims_expire_30_days_after_their_lease(container: Container) -> None:
    indexes = await container.database[COLLECTION.name].index_information()
    assert indexes["kept"]["key"] == [("leased_until", 1)]
    assert indexes["kept"]["expireAfterSeconds"] == 30 * 24 * 3600


async def test_repeat_after_the_claim_expired_gets_the_first_answer(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber
) -> None:
    first = await book(http, customer, shop, tomorrow(9), key="k")
    await forget_claim(container, customer, "k")
    assert await book(http, customer, shop, tomorrow(9), key="k") == first
    assert await count(container, customer) == 1


async def test_validator_refuses_a_claim_with_more_than_hashes_and_a_lease(
    container: Container, customer: Person
) -> None:
    claim = to_document(KeyClaim(claim_id(customer.id, "k"), b"f", container.clock()))
    with pytest.raises(WriteError):
        await container.database[COLLECTION.name].insert_one({**claim, "customer_id": customer.id})
