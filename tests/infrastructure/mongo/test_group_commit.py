"""Group commit: bookings that are stored together get the answers that each would have had alone."""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from uuid import UUID

import httpx
import msgspec
import psutil
import pytest
from pymongo import WriteConcern
from pymongo.errors import WriteConcernError, WriteError

from config.sections.servers import MongoSettings
from config.settings import Settings
from grome.bookings.errors import KeyInFlight, SlotTaken
from grome.bookings.models import Action, Booking, BookingKey, HistoryEntry, Party, Payment, PaymentStatus, Status
from grome.bookings.repository import COLLECTION, BookingRepository
from grome.common.ids import new_id
from grome.dev.embedded import embedded_servers
from grome.infrastructure.container import Container
from grome.infrastructure.mongo.client import apply_collection, close_mongo, database, is_transient_fault, open_mongo
from grome.infrastructure.mongo.group_commit import MOST_TOGETHER, GroupCommit
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import ask, book, tomorrow
from tests.builders.people import Person, register
from tests.support.eventually import PATIENCE_S, until
from tests.support.http_client import http_client
from tests.support.processes import RunningGrome, running_grome

Verdicts = list[BaseException | None]
START = datetime(2030, 1, 1, 9, tzinfo=UTC)


# Over HTTP: both ways of storing give the same answers.


@pytest.fixture(scope="module")
def apart(settings: Settings, database: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGrome]:  # noqa: ARG001
    """A Grome that stores each booking by a write of its own."""
    off = {"GROME_JOBS_WORKERS": "0", "GROME_BOOKINGS_GROUP_COMMIT": "false"}
    with running_grome(settings, tmp_path_factory.mktemp("apart"), workers=1, **off) as started:
        yield started


@pytest.fixture(params=["together", "apart"])
async def api(
    request: pytest.FixtureRequest, http: httpx.AsyncClient, apart: RunningGrome
) -> AsyncIterator[httpx.AsyncClient]:
    if request.param == "together":
        yield http
        return
    async with http_client(apart.url) as client:
        yield client


@pytest.fixture
async def customer(http: httpx.AsyncClient) -> Person:
    return await register(http)


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    return await barber(http, container)


async def test_booking_of_one_time_by_200_customers_succeeds_once(
    api: httpx.AsyncClient, customer: Person, shop: Barber
) -> None:
    answers = await asyncio.gather(*(ask(api, customer, shop, tomorrow(9)) for _ in range(200)))
    told = Counter((answer.status_code, answer.json().get("code")) for answer in answers)
    assert told == {(201, None): 1, (409, "slot_taken"): 199}


async def test_concurrent_bookings_get_their_own_responses(
    api: httpx.AsyncClient, customer: Person, shop: Barber
) -> None:
    first = await book(api, customer, shop, tomorrow(8), key="k")
    taken, unknown = tomorrow(8, 15), tomorrow(9, 1)
    answers = await asyncio.gather(
        *(ask(api, customer, shop, tomorrow(10) + timedelta(minutes=30 * number)) for number in range(10)),
        ask(api, customer, shop, taken),
        ask(api, customer, shop, tomorrow(8), key="k"),
        ask(api, customer, shop, tomorrow(17), key="k"),
        ask(api, customer, shop, unknown),
    )
    assert [answer.status_code for answer in answers[:10]] == [201] * 10
    assert len({answer.json()["id"] for answer in answers[:10]}) == 10
    assert [(answer.status_code, answer.json().get("code")) for answer in answers[10:]] == [
        (409, "slot_taken"), (201, None), (422, "idempotency_key_reused"), (422, "slot_not_offered"),
    ]  # fmt: skip
    assert answers[11].json() == first


# In the database: the verdicts on a batch.


def wish(barber_id: UUID, tick: int, *, customer_id: UUID | None = None, key: str | None = None) -> Booking:
    """Half an hour from the tick on."""
    start = START + timedelta(minutes=5 * tick)
    return Booking(
        id=new_id(),
        customer_id=customer_id or new_id(),
        barber_id=barber_id,
        services=[],
        scheduled_at=start,
        ends_at=start + timedelta(minutes=30),
        ticks=list(range(tick, tick + 6)),
        active=True,
        status=Status.REQUESTED,
        price=0,
        currency="EUR",
        payment=Payment(PaymentStatus.PENDING, 0, "EUR"),
        version=1,
        idempotency=BookingKey(key, b"") if key else None,
        history=[
            HistoryEntry(
                id=new_id(),
                version=1,
                action=Action.CREATE,
                status=Status.REQUESTED,
                by=Party.CUSTOMER,
                actor_id=None,
                at=START,
            )
        ],
        created_at=START,
    )


@pytest.fixture
def repository(container: Container) -> BookingRepository:
    return BookingRepository(container.database)


async def outcome(inserting: Awaitable[None]) -> BaseException | None:
    [told] = await asyncio.gather(inserting, return_exceptions=True)
    return told


async def outcomes(insert: Callable[[Booking], Awaitable[None]], bookings: Sequence[Booking]) -> Verdicts:
    return await asyncio.gather(*(outcome(insert(booking)) for booking in bookings))


def together(repository: BookingRepository) -> GroupCommit[Booking]:
    return GroupCommit(repository.insert, repository.insert_many)


async def stored(container: Container, bookings: Sequence[Booking]) -> set[UUID]:
    found = container.database["bookings"].find({"_id": {"$in": [booking.id for booking in bookings]}}, {"_id": 1})
    return {document["_id"] async for document in found}


async def test_batch_insert_has_an_outcome_for_each_booking(
    container: Container, repository: BookingRepository
) -> None:
    shop, somebody = new_id(), new_id()
    await repository.insert(wish(shop, 0, customer_id=somebody, key="k"))
    batch = [
        wish(shop, 10),
        wish(shop, 3),
        wish(shop, 20, customer_id=somebody, key="k"),
        msgspec.structs.replace(wish(shop, 30), version=0),
        wish(shop, 12),
        wish(shop, 40, key="k"),
        wish(shop, 50, customer_id=somebody, key="other"),
        wish(shop, 60, customer_id=somebody, key="other"),
    ]
    told = await outcomes(together(repository).insert, batch)
    none = type(None)
    assert [type(one) for one in told] == [none, SlotTaken, KeyInFlight, WriteError, SlotTaken, none, none, KeyInFlight]
    assert await stored(container, batch) == {batch[number].id for number in (0, 5, 6)}


async def test_batch_insert_error_text_contains_no_booking(repository: BookingRepository) -> None:
    wrong = [msgspec.structs.replace(wish(new_id(), 0), version=0, currency="a secret") for _ in range(2)]
    told = await outcomes(together(repository).insert, wrong)
    assert [type(one) for one in told] == [WriteError] * 2
    assert "a secret" not in str(told)


async def test_insert_without_majority_confirmation_raises_a_transient_error(container: Container) -> None:
    """Two members must have it, and there is one. Alone or together, everybody is told to try again."""
    unsure = BookingRepository(container.database.with_options(write_concern=WriteConcern(w=2)))
    shop = new_id()
    batch = [wish(shop, tick) for tick in (0, 10, 10)]
    for told in (await outcomes(unsure.insert, [wish(shop, 90)]), await outcomes(together(unsure).insert, batch)):
        assert [type(one) for one in told] == [WriteConcernError] * len(told)
        assert all(is_transient_fault(one) for one in told if one)
    assert await stored(container, batch) == {batch[0].id, batch[1].id}


@pytest.mark.parametrize("seed", range(8))
async def test_batch_insert_has_the_outcomes_of_sequential_inserts(
    container: Container, repository: BookingRepository, seed: int
) -> None:
    """First come, first served: the order of arrival decides the outcome."""
    draw = random.Random(seed)  # noqa: S311 -- a reproducible crowd, not a secret
    drawn = [(draw.randrange(2), draw.randrange(60), draw.randrange(3), draw.choice("abcdef----")) for _ in range(80)]

    def crowd() -> list[Booking]:
        shops, people = [new_id() for _ in range(2)], [new_id() for _ in range(3)]
        return [
            wish(shops[shop], tick, customer_id=people[person], key=None if key == "-" else key)
            for shop, tick, person, key in drawn
        ]

    alone, crowded = crowd(), crowd()
    expected = [await outcome(repository.insert(booking)) for booking in alone]
    told = await outcomes(together(repository).insert, crowded)
    assert [type(one) for one in told] == [type(one) for one in expected]
    assert await stored(container, crowded) == {
        one.id for one, refused in zip(crowded, told, strict=True) if not refused
    }


@pytest.mark.parametrize("seed", range(4))
async def test_cancelled_insert_leaves_the_other_outcomes_unchanged(
    container: Container, repository: BookingRepository, seed: int
) -> None:
    draw = random.Random(seed)  # noqa: S311 -- as above
    shop, group = new_id(), together(repository)
    crowd = [wish(shop, draw.randrange(200)) for _ in range(100)]
    calls = [asyncio.create_task(outcome(group.insert(booking))) for booking in crowd]
    for call in draw.sample(calls, 40):
        await asyncio.sleep(draw.choice([0, 0, 0.001]))
        call.cancel()
    async with asyncio.timeout(PATIENCE_S):
        told = await asyncio.gather(*calls, return_exceptions=True)
    kept = await stored(container, crowd)
    for booking, one in zip(crowd, told, strict=True):
        assert one is None or isinstance(one, SlotTaken | asyncio.CancelledError)
        assert (booking.id in kept) == (one is None) or isinstance(one, asyncio.CancelledError)
    ticks = [tick for booking in crowd if booking.id in kept for tick in booking.ticks]
    assert len(ticks) == len(set(ticks))


# With a server that stops answering.


@asynccontextmanager
async def own_repository(url: str | None) -> AsyncIterator[BookingRepository]:
    settings = MongoSettings(url=url or "", timeout_ms=1_000)
    client = open_mongo(settings)
    try:
        await apply_collection(database(client, settings), COLLECTION)
        yield BookingRepository(database(client, settings))
    finally:
        await close_mongo(client)


async def test_batch_insert_with_a_stopped_server_fails_and_succeeds_after_its_restart(tmp_path: Path) -> None:
    shop = new_id()
    batch = [wish(shop, tick) for tick in range(0, 60, 6)]
    async with AsyncExitStack() as stack:
        with embedded_servers(tmp_path, need_redis=False) as servers:
            url = servers.mongo_url
            group = together(await stack.enter_async_context(own_repository(url)))
            await group.insert(wish(shop, 100))
        told = await outcomes(group.insert, batch)
        assert all(one and is_transient_fault(one) for one in told)
        assert len({id(one) for one in told}) == len(batch)
        with embedded_servers(tmp_path, need_redis=False) as servers:
            assert servers.mongo_url == url
            assert await outcomes(group.insert, batch) == [None] * len(batch)
            await stack.aclose()


async def test_batch_insert_with_unknown_outcome_is_settled_by_a_repeat_with_the_same_key(tmp_path: Path) -> None:
    """The server is frozen while a batch is on the wire: nobody can say whether it was stored."""
    somebody, shop = new_id(), new_id()

    def crowd() -> list[Booking]:
        return [wish(shop, 6 * number, customer_id=somebody, key=f"k{number}") for number in range(20)]

    with embedded_servers(tmp_path, need_redis=False) as servers:
        async with own_repository(servers.mongo_url) as repository:
            group = together(repository)
            await group.insert(wish(shop, 1_000))
            pid = mongod_of(tmp_path)
            os.kill(pid, signal.SIGSTOP)
            await until(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED)
            try:
                told = await outcomes(group.insert, crowd())
            finally:
                os.kill(pid, signal.SIGCONT)
            assert all(one and is_transient_fault(one) for one in told)
            again = await outcomes(group.insert, crowd())
            assert {type(one) for one in again} <= {type(None), SlotTaken, KeyInFlight}
            kept = [await repository.find_by_key(somebody, f"k{number}") for number in range(20)]
            assert [one.ticks[0] for one in kept if one] == list(range(0, 120, 6))


def mongod_of(home: Path) -> int:
    return int((home / "mongo" / "mongod.lock").read_text())


# The queue alone: what is stored goes into a list, when the test lets it.


REQUEST = ContextVar("REQUEST", default="nobody's")


class Store:
    """Records the batches; a batch waits while `wire` is not set."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.requests: list[str] = []
        self.wire = asyncio.Event()
        self.fault: Exception | None = None
        self.group = GroupCommit(self._insert, self._insert_many)

    async def _insert(self, item: int) -> None:
        await self._insert_many([item])

    async def _insert_many(self, items: Sequence[int]) -> Verdicts:
        self.batches.append(list(items))
        self.requests.append(REQUEST.get())
        await self.wire.wait()
        if self.fault:
            raise self.fault
        return [None] * len(items)

    async def begin(self, items: Sequence[int]) -> list[asyncio.Task[None]]:
        tasks = [asyncio.create_task(self.group.insert(item)) for item in items]
        for _ in range(5):  # rounds of the event loop until the first batch is on the wire
            await asyncio.sleep(0)
        return tasks


async def test_inserts_during_a_running_batch_form_the_next_batch_in_order() -> None:
    store = Store()
    calls = [*await store.begin([0]), *await store.begin([1, 2]), *await store.begin([3])]
    assert store.batches == [[0]]
    store.wire.set()
    await asyncio.gather(*calls)
    assert store.batches == [[0], [1, 2, 3]]
    await store.group.insert(4)
    assert store.batches[2:] == [[4]]


async def test_batch_runs_without_the_context_of_a_request() -> None:
    """Context variables of a request, such as its id in the log, do not leak to other requests."""
    store = Store()
    token = REQUEST.set("the first one's")
    calls = [*await store.begin([0]), *await store.begin([1, 2])]
    REQUEST.reset(token)
    store.wire.set()
    await asyncio.gather(*calls)
    assert store.requests == ["nobody's", "nobody's"]


async def test_batch_has_at_most_the_limit_of_items() -> None:
    store = Store()
    store.wire.set()
    await asyncio.gather(*await store.begin(range(2 * MOST_TOGETHER + 1)))
    assert [len(batch) for batch in store.batches] == [MOST_TOGETHER, MOST_TOGETHER, 1]
    assert list(chain.from_iterable(store.batches)) == list(range(2 * MOST_TOGETHER + 1))


async def test_insert_cancelled_before_its_batch_is_not_sent() -> None:
    store = Store()
    first, second, third, last = *await store.begin([0]), *await store.begin([1, 2, 3])
    first.cancel()
    second.cancel()
    store.wire.set()
    await asyncio.gather(third, last)
    assert store.batches == [[0], [2, 3]]
    assert (first.cancelled(), second.cancelled()) == (True, True)


async def test_batch_of_cancelled_inserts_is_skipped() -> None:
    store = Store()
    first, *left = *await store.begin([0]), *await store.begin(range(1, MOST_TOGETHER + 10))
    for call in left:
        call.cancel()
    [last] = await store.begin([-1])
    store.wire.set()
    await asyncio.gather(first, last)
    assert store.batches == [[0], [-1]]


async def test_failed_batch_raises_a_separate_exception_for_each_insert() -> None:
    store = Store()
    store.fault = UnicodeEncodeError("utf-8", "?", 0, 1, "a bug in the middle of it")  # no fault of the driver's
    calls = [*await store.begin([0]), *await store.begin([1, 2, 3])]
    store.wire.set()
    told = await asyncio.gather(*calls, return_exceptions=True)
    assert [str(one) for one in told] == [str(store.fault)] * 4
    assert len({id(one) for one in told}) == 4
    assert all(isinstance(one, UnicodeEncodeError) and one.__cause__ is store.fault for one in told)
    store.fault = None
    await store.group.insert(4)
    assert store.batches == [[0], [1, 2, 3], [4]]
