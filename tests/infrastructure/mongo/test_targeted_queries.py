"""Requests of hot paths name the shard key of each sharded collection that they use (decision 24)."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import msgspec
import pytest
from pymongo import monitoring

from config.settings import Settings
from deploy.mongodb.shard import SHARD_KEYS
from grome.app import App
from grome.bookings.key_indexes import KeyIndexes
from grome.composition import open_container
from grome.infrastructure.container import Container
from grome.infrastructure.migrations import migrate
from grome.migrations import MIGRATIONS
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, move, tomorrow
from tests.builders.people import PASSWORD, Person, register
from tests.support.app import serve_app, with_database
from tests.support.http_client import http_client
from tests.support.live import live_socket

# Asked of all shards: collection and sorted fields of the filter, with the reason. Each is one index look-up a shard.
SCATTERED: Final = {
    ("bookings", "_id customer_id"): "a customer reads a booking by its id; the id does not name the barber",
    ("bookings", "customer_id"): "a customer's list spans barbers",
    ("bookings", "customer_id idempotency.key"): "a repeated request looks for its booking; any barber may have it",
    ("bookings", "customer_id scheduled_at status"): "a live connection begins with the customer's open bookings",
    ("sessions", "device.id revoked_at user_id"): "a login replaces the session of its device",
    ("sessions", "device.id user_id"): "a login finds out whether the device is new",
    ("sessions", "expires_at revoked_at user_id"): "a login counts the live sessions of the account",
    ("sessions", "user_id"): "a login compares the places of earlier sign-ins",
    ("sessions", "$or user_id"): "a login drops the oldest ended sessions of the account",
}


@dataclass(frozen=True)
class Query:
    """A filter that the driver sent, or a document that it inserted."""

    collection: str
    filter: dict[str, Any]

    @property
    def shape(self) -> tuple[str, str]:
        return self.collection, " ".join(sorted(self.filter))

    @property
    def is_targeted(self) -> bool:
        wanted = self.filter.get(SHARD_KEYS[self.collection].field)
        ranges = isinstance(wanted, dict) and not wanted.keys() <= {"$in", "$eq"}
        return wanted is not None and not ranges


@dataclass
class Recorder(monitoring.CommandListener):
    """Keeps the queries of sharded collections while it records."""

    queries: list[Query] = field(default_factory=list)
    records: bool = False

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        collection = event.command.get(event.command_name)
        if self.records and collection in SHARD_KEYS:
            self.queries += [Query(collection, wanted) for wanted in _filters(event.command_name, event.command)]

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Nothing to do."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Nothing to do."""

    @contextmanager
    def recording(self) -> Iterator[list[Query]]:
        self.queries, self.records = [], True
        yield self.queries
        self.records = False


def _filters(name: str, command: Any) -> list[dict[str, Any]]:
    """Return the filters of a command, and the documents of an insert."""
    match name:
        case "aggregate":
            found = [stage["$match"] for stage in command["pipeline"][:1] if "$match" in stage]
        case "insert":
            found = command["documents"]
        case "update" | "delete":
            found = [each["q"] for each in command[f"{name}s"]]
        case "find":
            found = [command["filter"]]
        case _:
            found = [command.get("query", {})]
    return [dict(each) for each in found]


RECORDER: Final = Recorder()


@dataclass
class World:
    app: App
    http: httpx.AsyncClient
    container: Container
    shop: Barber
    customer: Person


@pytest.fixture(scope="module")
async def world(settings: Settings) -> AsyncIterator[World]:
    """A Grome of its own, prepared for shards, with clients of MongoDB that tell the recorder their commands."""
    listeners = monitoring._LISTENERS.command_listeners  # noqa: SLF001 -- the driver cannot unregister a listener
    monitoring.register(RECORDER)
    own = with_database(settings, "targeted")
    own = msgspec.structs.replace(own, mongo=msgspec.structs.replace(own.mongo, sharded_bookings=True))
    container = await open_container(own)
    async for _ in migrate(container.database, MIGRATIONS, container.clock):
        pass
    await container.get(KeyIndexes).replace()
    async with serve_app(own) as app, http_client(app.ctx.base_url) as http:
        shop = await barber(http, container)
        yield World(app, http, container, shop, await register(http, device={"id": "a-device-of-a-customer"}))
    await container.close()
    listeners.remove(RECORDER)


def _check(queries: list[Query]) -> None:
    scattered = {query.shape for query in queries if not query.is_targeted}
    assert scattered <= SCATTERED.keys(), scattered - SCATTERED.keys()


async def _get(world: World, path: str, person: Person) -> Any:
    answer = await world.http.get(path, headers=person.auth)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_visit_from_slots_to_accept_is_targeted(world: World) -> None:
    shop, customer = world.shop, world.customer
    day, service = tomorrow(9).date().isoformat(), shop.services[0][0]
    with RECORDER.recording() as queries:
        await _get(world, f"/v1/barbers/{shop.id}/slots?from={day}&to={day}&service_ids={service}", customer)
        booking = await book(world.http, customer, shop, tomorrow(9), key="a-key-of-a-customer")
        assert (await move(world.http, shop.auth, booking, "accept")).status_code == 200
        await _get(world, f"/v1/bookings/{booking['id']}", customer)
        await _get(world, f"/v1/bookings/{booking['id']}/history", shop.person)
        await _get(world, "/v1/bookings", shop.person)
        await _get(world, "/v1/bookings", customer)
    assert {query.collection for query in queries} >= {"bookings", "booking_keys"}
    _check(queries)


async def test_a_repeated_request_asks_all_shards_for_its_booking_only(world: World) -> None:
    await book(world.http, world.customer, world.shop, tomorrow(10), key="a-key-of-a-repeat")
    with RECORDER.recording() as queries:
        await book(world.http, world.customer, world.shop, tomorrow(10), key="a-key-of-a-repeat")
    scattered = [query.shape for query in queries if not query.is_targeted]
    assert scattered == [("bookings", "customer_id idempotency.key")]


async def test_live_connection_and_the_state_of_its_rooms_are_targeted(world: World) -> None:
    shop, customer = world.shop, world.customer
    booking = await book(world.http, customer, shop, tomorrow(14))
    room, messages = f"booking:{booking['id']}", f"/v1/bookings/{booking['id']}/messages"
    with RECORDER.recording() as queries:
        async with live_socket(world.app, customer) as phone, live_socket(world.app, shop.person) as chair:
            joined = [*await phone.subscribe("user", room), *await chair.subscribe(f"shop:{shop.id}", room)]
            assert not [each for each in joined if "error" in each]
            sent = await world.http.post(messages, json={"text": "On my way", "key": "k1"}, headers=customer.auth)
            assert sent.status_code == 201, sent.text
            for person in (customer, shop.person):
                await _get(world, f"/v1/bookings/{booking['id']}", person)
                await _get(world, messages, person)
            await _get(world, "/v1/bookings", shop.person)
    assert {query.collection for query in queries} >= {"bookings", "messages", "conversations"}
    _check(queries)


async def test_nearby_reads_no_sharded_collection(world: World) -> None:
    await _get(world, "/v1/me", world.customer)  # the process remembers the token from now on
    with RECORDER.recording() as queries:
        await _get(world, "/v1/barbers/nearby?lat=52.52&lng=13.405", world.customer)
    assert queries == []


async def test_sign_in_and_refresh_are_targeted(world: World) -> None:
    name = {"email": world.customer.email, "password": PASSWORD, "device": {"id": "a-device-of-a-customer"}}
    with RECORDER.recording() as queries:
        login = await world.http.post("/v1/auth/login", json=name)
        assert login.status_code == 200, login.text
        again = await world.http.post("/v1/auth/refresh", json={"refresh_token": login.json()["refresh_token"]})
        assert again.status_code == 200, again.text
    assert {query.collection for query in queries} >= {"sessions"}
    _check(queries)


def test_queries_without_the_shard_key_are_found() -> None:
    assert not Query("bookings", {"customer_id": 1}).is_targeted
    assert not Query("bookings", {"barber_id": {"$gt": 1}}).is_targeted
    assert Query("bookings", {"barber_id": 1, "status": "requested"}).is_targeted
    assert Query("sessions", {"_id": {"$in": [1]}}).is_targeted
