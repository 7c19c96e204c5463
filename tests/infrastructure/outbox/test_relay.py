"""The relay dispatches every history entry in order, despite failures and changes of the leader."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import httpx
import msgspec
import pytest
from msgspec import structs
from redis.exceptions import ConnectionError as RedisConnectionError

from grome.barbers.cache_invalidation import BarberCacheInvalidation
from grome.barbers.change_feed import BarberChange, BarberChangeFeed
from grome.common.ids import new_id
from grome.composition.projection import PROJECTION
from grome.infrastructure.container import Container
from grome.infrastructure.isolated_items import FAILED_ITEMS
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import NewJob, State
from grome.infrastructure.mongo.client import Document
from grome.infrastructure.outbox.deferred_events import REDELIVER, DeferredEvents
from grome.infrastructure.outbox.leader import LEASE_S
from grome.infrastructure.outbox.models import ChangeRecord, Event, EventType
from grome.infrastructure.outbox.personal_entries import PersonalEntries
from grome.infrastructure.outbox.relay import Relay
from grome.infrastructure.outbox.repository import RelayRepository, RelayState
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, history, serve, tomorrow
from tests.builders.people import PASSWORD, Person, register
from tests.builders.unreadable import store_unreadable
from tests.infrastructure.jobs.test_jobs import run_worker
from tests.support.eventually import PATIENCE_S, until
from tests.support.rooms import stored_events
from workers.registry import HANDLERS

A_DAY = ("requested", "accepted", "started", "completed")


class Recorder:
    """Follows events; fails as often as it is told to."""

    def __init__(self) -> None:
        self.versions: defaultdict[UUID, list[int]] = defaultdict(list)
        self.failures: list[Exception] = []

    async def handle(self, events: Sequence[Event]) -> None:
        if self.failures:
            raise self.failures.pop()
        for event in events:
            self.versions[event.subject_id].append(event.version)

    def had(self, booking: dict[str, Any]) -> list[int]:
        return self.versions[UUID(booking["id"])]


async def no_caches(_changes: Sequence[ChangeRecord]) -> None:
    """Nobody keeps anything."""


def a_relay(container: Container, *recorders: Recorder) -> Relay:
    followers = {f"recorder {number}": recorder for number, recorder in enumerate(recorders)}
    return Relay(
        RelayRepository(container.database),
        PROJECTION,
        followers,
        no_caches,
        container.get(DeferredEvents),
        container.clock,
    )


@asynccontextmanager
async def running(relay: Relay) -> AsyncIterator[None]:
    task = asyncio.create_task(relay.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class LosesCancellation(RelayRepository):
    """Acquires the lease even if it is cancelled meanwhile, as a driver can."""

    def __init__(self, container: Container) -> None:
        super().__init__(container.database)
        self.begun = asyncio.Event()

    async def acquire(self, holder: str, lease_ms: int) -> RelayState | None:
        self.begun.set()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(PATIENCE_S)
        return await super().acquire(holder, lease_ms)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    return await barber(http, container)


@pytest.fixture
async def customer(http: httpx.AsyncClient) -> Person:
    return await register(http)


async def a_day(
    http: httpx.AsyncClient, container: Container, shop: Barber, customer: Person, hour: int = 9
) -> dict[str, Any]:
    booking = await book(http, customer, shop, tomorrow(hour))
    await serve(container, booking, "accept", "start", "complete")
    return booking


async def test_relay_publishes_and_audits_each_booking_event_once_in_order(
    http: httpx.AsyncClient, container: Container, shop: Barber, customer: Person
) -> None:
    async with running(container.get(Relay)), running(container.get(Relay)):
        booking = await a_day(http, container, shop, customer)
        rooms = (f"booking:{booking['id']}", f"user:{customer.id}", f"user:{shop.id}")

        async def told_in(room: str) -> list[dict[str, Any]]:
            return [told for told in await stored_events(container, room) if told["subject"] == booking["id"]]

        async def complete() -> bool:
            audited = await container.database["audit"].count_documents({"subject_id": UUID(booking["id"])})
            return audited >= 4 and all([len(await told_in(room)) >= 4 for room in rooms])

        await until(complete)
        entries = await history(http, customer.auth, booking)
        for room in rooms:
            told = await told_in(room)
            assert [one["type"] for one in told] == [f"booking.{what}" for what in A_DAY]
            assert [one["version"] for one in told] == [1, 2, 3, 4]
            assert [one["id"] for one in told] == [entry["id"] for entry in entries]
        records = container.database["audit"].find({"subject_id": UUID(booking["id"])}).sort("version", 1)
        assert [str(record["_id"]) async for record in records] == [entry["id"] for entry in entries]


async def test_relay_takes_over_from_a_dead_leader_with_a_higher_fence(
    http: httpx.AsyncClient, container: Container, shop: Barber, customer: Person, recorder: Recorder
) -> None:
    repository = RelayRepository(container.database)
    booking = await a_day(http, container, shop, customer)
    dead = await repository.acquire("one that dies", int(LEASE_S * 1000))
    assert dead is not None
    async with running(a_relay(container, recorder)):
        await until(lambda: recorder.had(booking) == [1, 2, 3, 4])
        assert not await repository.renew(dead, 1000, {"token": None})
        state = await repository.state()
        assert state is not None
        assert state.fence > dead.fence


async def test_relay_that_loses_its_cancellation_while_acquiring_the_lease_ends(container: Container) -> None:
    repository = LosesCancellation(container)
    relay = Relay(repository, PROJECTION, {}, no_caches, container.get(DeferredEvents), container.clock)
    async with asyncio.timeout(PATIENCE_S), running(relay):  # `running` awaits the end of the relay
        assert await repository.begun.wait()


async def test_relay_that_is_stopped_stores_its_position_and_releases_the_lease(
    http: httpx.AsyncClient, container: Container, shop: Barber, customer: Person, recorder: Recorder
) -> None:
    repository = RelayRepository(container.database)

    async def has_token() -> bool:
        state = await repository.state()
        return state is not None and state.token is not None

    # Without a position it would begin by reading anew, which gives it no token.
    before = await book(http, customer, shop, tomorrow(10))
    async with running(a_relay(container, recorder)):
        await until(lambda: recorder.had(before) == [1])
        await until(has_token)
    booking = await book(http, customer, shop, tomorrow(9))
    async with running(a_relay(container, recorder)):
        await until(lambda: recorder.had(booking) == [1])
    state = await repository.state()
    assert state is not None
    assert state.until <= container.clock()
    assert state.token is not None
    assert state.position_at is not None
    assert state.position_at >= datetime.fromisoformat(booking["created_at"])


@pytest.mark.parametrize("token", [None, {"_data": "8200000000000000002B0229296E04"}], ids=["gone", "unknown"])
async def test_relay_without_a_valid_position_rescans_and_misses_no_event(
    http: httpx.AsyncClient,
    container: Container,
    shop: Barber,
    customer: Person,
    recorder: Recorder,
    token: dict[str, str] | None,
) -> None:
    booking = await a_day(http, container, shop, customer)
    await container.database["relay"].update_one(
        {"_id": "relay"}, {"$set": {"token": token, "position_at": container.clock() - timedelta(minutes=1)}}
    )
    async with running(a_relay(container, recorder)):
        later = await book(http, customer, shop, tomorrow(12))
        await until(lambda: recorder.had(booking) == [1, 2, 3, 4])
        await until(lambda: set(recorder.had(later)) == {1})
    assert set(recorder.had(booking)) == {1, 2, 3, 4}  # reading anew may tell an event twice


async def test_relay_with_an_unavailable_dependency_retries_the_subscriber(
    http: httpx.AsyncClient, container: Container, shop: Barber, customer: Person, recorder: Recorder
) -> None:
    recorder.failures = [RedisConnectionError("away")] * 2
    async with running(a_relay(container, recorder)):
        booking = await a_day(http, container, shop, customer)
        await until(lambda: len(recorder.had(booking)) == 4)
    assert set(recorder.had(booking)) == {1, 2, 3, 4}  # reading anew may tell an event twice


async def test_relay_with_a_failing_subscriber_serves_the_others_and_defers_its_events(
    http: httpx.AsyncClient, container: Container, shop: Barber, customer: Person, recorder: Recorder
) -> None:
    broken = Recorder()
    broken.failures = [KeyError("a bug") for _ in range(10)]  # one for each batch, whatever else has happened
    async with running(a_relay(container, broken, recorder)):
        booking = await book(http, customer, shop, tomorrow(9))
        await until(lambda: recorder.had(booking) == [1])
    assert broken.had(booking) == []
    (entry,) = await history(http, customer.auth, booking)
    aside = await container.get(JobQueue).find(f"{entry['id']}:follow:recorder 0")
    assert aside is not None
    assert aside.state is State.PENDING
    event = container.get(DeferredEvents).read(aside.payload)
    assert event.type is EventType.BOOKING_REQUESTED
    assert event.origin
    assert event.origin.address
    assert event.origin.address not in str(aside.payload)


async def test_deferred_event_reaches_its_subscriber(container: Container) -> None:
    event = Event(
        id=new_id(),
        type=EventType.BOOKING_STARTED,
        at=container.clock(),
        subject_id=new_id(),
        version=3,
        people=(new_id(), new_id()),
    )
    earlier = structs.replace(event, id=new_id(), version=2)
    unsealed = {"follower": "audit trail", "event": msgspec.to_builtins(earlier)}  # of an earlier release
    async with run_worker(container, HANDLERS):
        await container.get(DeferredEvents).add("audit trail", [event])
        await container.get(JobQueue).add(NewJob(f"{earlier.id}:follow:audit trail", REDELIVER, unsealed))

        async def are_recorded() -> bool:
            return await container.database["audit"].count_documents({"_id": {"$in": [event.id, earlier.id]}}) == 2

        await until(are_recorded)
    record = await container.database["audit"].find_one({"_id": event.id})
    assert record is not None
    assert (record["type"], record["version"], record["people"]) == (event.type, 3, list(event.people))


async def test_relay_dispatches_account_events(http: httpx.AsyncClient, container: Container) -> None:
    async with running(container.get(Relay)):
        person = await register(http)
        signing_in = {"email": person.email, "password": PASSWORD, "device": {"id": "another"}}
        assert (await http.post("/v1/auth/login", json=signing_in)).status_code == 200

        async def types() -> list[str]:
            records = container.database["audit"].find({"subject_id": person.id}).sort("version", 1)
            return [record["type"] async for record in records]

        async def both() -> bool:
            return await types() == ["account.registered", "account.new_device"]

        await until(both)


async def test_relay_publishes_a_barber_changed_directly_in_the_database(container: Container, shop: Barber) -> None:
    heard: list[BarberChange] = []

    class Listening:
        def on_change(self, change: BarberChange) -> None:
            heard.append(change)

        def on_gap(self) -> None:
            heard.clear()

    container.get(BarberChangeFeed).subscribe(Listening())
    async with running(container.get(Relay)):
        await container.database["barbers"].update_one(
            {"_id": shop.person.id}, {"$set": {"rating": 4.5}, "$inc": {"version": 1}}
        )
        await until(lambda: any(change.barber.rating == 4.5 for change in heard))
    assert {change.barber.id for change in heard if change.barber.rating == 4.5} == {shop.person.id}


@pytest.mark.parametrize("rescanned", [False, True])
async def test_relay_with_an_unreadable_history_entry_dispatches_the_others(
    http: httpx.AsyncClient,
    container: Container,
    shop: Barber,
    customer: Person,
    recorder: Recorder,
    rescanned: bool,  # noqa: FBT001
) -> None:
    booking = await book(http, customer, shop, tomorrow(9))
    stored = await container.database["bookings"].find_one({"_id": UUID(booking["id"])})
    assert stored
    readable = {**stored["history"][0], "id": new_id(), "version": 2}
    bad = {"ticks": [1], "version": 2, "history": [{**stored["history"][0], "action": "unheard_of"}, readable]}
    headless = {"ticks": [2], "barber_id": new_id(), "customer_id": 0, "history": "none"}
    if rescanned:
        update = {"$set": {"token": None, "position_at": container.clock() - timedelta(minutes=1)}}
        await container.database["relay"].update_one({"_id": "relay"}, update)
    async with running(a_relay(container, recorder)):
        before = FAILED_ITEMS["relay"]
        bookings = container.database["bookings"]
        added = await store_unreadable(container.database, "bookings", stored, **bad)
        worse = await store_unreadable(container.database, "bookings", stored, **headless)
        later = await book(http, customer, shop, tomorrow(12))
        await until(lambda: set(recorder.had(later)) == {1})
        assert set(recorder.versions[added["_id"]]) == {2}
        assert FAILED_ITEMS["relay"] > before
    await bookings.delete_many({"_id": {"$in": [added["_id"], worse["_id"]]}})


async def test_relay_whose_leader_fails_starts_again(
    http: httpx.AsyncClient, container: Container, shop: Barber, customer: Person, recorder: Recorder
) -> None:
    class Failing(RelayRepository):
        left = 1

        async def renew(self, state: RelayState, lease_ms: int, fields: Document) -> bool:
            if self.left:
                self.left -= 1
                raise KeyError("a bug")
            return await super().renew(state, lease_ms, fields)

    failing = Failing(container.database)
    async with running(
        Relay(failing, PROJECTION, {"recorder": recorder}, no_caches, container.get(DeferredEvents), container.clock)
    ):
        await until(lambda: failing.left == 0)
        booking = await book(http, customer, shop, tomorrow(9))
        await until(lambda: set(recorder.had(booking)) == {1})
    assert failing.left == 0


async def test_relay_with_an_unreadable_barber_publishes_the_others(container: Container, shop: Barber) -> None:
    stored = await container.database["barbers"].find_one({"_id": shop.person.id})
    assert stored
    told: list[BarberChange] = []

    class Telling:
        async def publish(self, change: BarberChange) -> None:
            told.append(change)

    documents = {**stored, "rating": "none"}, stored
    changes = [ChangeRecord("barbers", document, None, container.clock()) for document in documents]
    await BarberCacheInvalidation(cast("BarberChangeFeed", Telling())).handle(changes)
    assert [change.barber.id for change in told] == [shop.person.id]


async def test_relay_with_a_booking_of_maximum_size_dispatches_all_events(
    http: httpx.AsyncClient, container: Container, shop: Barber, customer: Person, recorder: Recorder
) -> None:
    bookings, booking = container.database["bookings"], await book(http, customer, shop, tomorrow(9))
    mine = {"_id": UUID(booking["id"])}
    stored = await bookings.find_one(mine)
    assert stored
    async with running(a_relay(container, recorder)):
        await until(lambda: set(recorder.had(booking)) == {1})
        room_b = 16 * 1024 * 1024 - 4_096
        await bookings.update_one(mine, {"$set": {"barber_note": "x" * room_b}})
        entry = {**stored["history"][0], "id": new_id(), "version": 2, "action": "note"}
        await bookings.update_one(mine, {"$push": {"history": entry}, "$set": {"version": 2}})
        later = await book(http, customer, shop, tomorrow(12))
        await until(lambda: set(recorder.had(later)) == {1})
        assert set(recorder.had(booking)) == {1, 2}
    await bookings.delete_one(mine)


async def test_relay_with_a_change_over_the_size_limit_rescans_and_misses_no_event(
    http: httpx.AsyncClient, container: Container, shop: Barber, customer: Person, recorder: Recorder
) -> None:
    barbers = container.database["barbers"]
    large = {"_id": new_id(), "outbox": "x" * (9 * 1024 * 1024)}
    async with running(a_relay(container, recorder)):
        first = await book(http, customer, shop, tomorrow(9))
        await until(lambda: set(recorder.had(first)) == {1})
        before = FAILED_ITEMS["relay"]
        await barbers.insert_one(large, bypass_document_validation=True)
        # The change and the document after it, which come together, have the text twice.
        double = {"$set": {"outbox": "y" * len(large["outbox"])}}
        await barbers.update_one({"_id": large["_id"]}, double, bypass_document_validation=True)
        later = await book(http, customer, shop, tomorrow(12))
        await until(lambda: set(recorder.had(later)) == {1})
        assert FAILED_ITEMS["relay"] > before
    await barbers.delete_one({"_id": large["_id"]})


async def test_relay_dispatches_no_event_again_when_personal_values_are_erased_from_its_entry(
    http: httpx.AsyncClient, container: Container, shop: Barber, customer: Person, recorder: Recorder
) -> None:
    repository = RelayRepository(container.database)

    async def has_token() -> bool:
        state = await repository.state()
        return state is not None and state.token is not None

    async with running(a_relay(container, recorder)):
        # A relay without a position reads everything anew while it follows the changes, and may dispatch twice.
        await until(has_token)
        booking = await book(http, customer, shop, tomorrow(9))
        renamed = await http.patch("/v1/me", json={"name": "Zadie Quill"}, headers=customer.auth)
        assert renamed.status_code == 200, renamed.text
        await until(lambda: recorder.had(booking) == [1])
        entries, booking_id = PersonalEntries(container.database), UUID(booking["id"])
        await entries.erase_addresses("booking", [booking_id], container.clock() + timedelta(days=1))
        without_address = await container.database.bookings.find_one({"_id": booking_id})
        assert without_address
        assert set(without_address["history"][0]["origin"]) >= {"request_id"}
        assert "address" not in without_address["history"][0]["origin"]
        await entries.erase(customer.id)
        later = await book(http, customer, shop, tomorrow(11))
        await until(lambda: recorder.had(later) == [1])
    assert recorder.had(booking) == [1]
    assert len(recorder.versions[customer.id]) == len(set(recorder.versions[customer.id]))
    stored = await container.database.bookings.find_one({"_id": booking_id})
    account = await container.database.users.find_one({"_id": customer.id})
    assert stored
    assert account
    assert "origin" not in stored["history"][0]
    assert not any(entry.get(name) for entry in account["outbox"] for name in ("origin", "changes"))
