"""Test the position of a barber on the way over HTTP: its readers, its changes and its end."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from msgspec import UNSET

from config.settings import Settings
from grome.barbers.service import BarberService
from grome.bookings.models import Booking
from grome.bookings.on_the_way import HouseCallTrips
from grome.bookings.queries import BookingQueries
from grome.bookings.repository import BookingRepository
from grome.bookings.running_late import DelayShifter
from grome.bookings.updates import BookingUpdater
from grome.common.actor import Actor, Role
from grome.common.geo import LatLng
from grome.infrastructure.container import Container
from grome.infrastructure.redis.client import Namespace, RedisClients
from grome.tracking.lateness import LatenessAdvisor
from grome.tracking.models import Trip
from grome.tracking.schemas import PositionOut
from grome.tracking.service import TrackingService
from grome.tracking.subscriber import TripSubscriber
from grome.tracking.trip_store import TRIP_TTL, TripStore
from tests.builders.barbers import barber
from tests.builders.bookings import history, move, read
from tests.builders.people import create_admin, register
from tests.conftest import AdjustableClock
from tests.notifications.booking_notices import events_of
from tests.support.app import serve_app
from tests.support.http_client import http_client
from tests.tracking.trips import HOME_M, Visit, a_visit, way_to

MINUTE = timedelta(minutes=1)
NOT_ON_THE_WAY = (409, "not_on_the_way")


@pytest.fixture
async def visit(http: httpx.AsyncClient, container: Container, clock: AdjustableClock) -> Visit:
    made = await a_visit(http, container, clock)
    await made.set_out()
    return made


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


def trip_key(container: Container, visit: Visit) -> str:
    return container.get(Namespace).key(f"trip:{visit.booking['id']}")


async def ttl_ms(container: Container, visit: Visit) -> int:
    """Return the remaining life of the trip in Redis; -2 if it is gone."""
    left: int = await container.get(RedisClients).commands.pttl(trip_key(container, visit))
    return left


async def relay(container: Container, visit: Visit) -> None:
    """Handle all events of the booking, as after a restart of the relay."""
    await TripSubscriber(container.get(TrackingService)).handle(await events_of(container, visit.booking))


async def test_both_sides_and_admins_see_the_newest_position(
    visit: Visit, http: httpx.AsyncClient, container: Container
) -> None:
    assert (await visit.look()).status_code == 204
    # Before any speed is known, a kilometre takes the three minutes of the barber's travel time.
    assert (await visit.report(HOME_M)).json()["eta_min"] == 15
    position = (await visit.report(4_900, after_s=10)).json()
    assert position["distance_m"] == pytest.approx(4_900, abs=1)
    assert not position["arrived"]
    for person in (visit.customer, visit.shop.person, await create_admin(http, container)):
        seen = await http.get(f"/v1/bookings/{visit.booking['id']}/position", headers=person.auth)
        assert seen.json() == position


async def test_strangers_see_and_report_nothing(visit: Visit, http: httpx.AsyncClient, container: Container) -> None:
    """A customer or a barber of another booking gets the answer of a booking that does not exist."""
    await visit.report(HOME_M)
    stranger = (await barber(http, container)).person
    url = f"/v1/bookings/{visit.booking['id']}/position"
    for person in (await register(http), stranger):
        assert (await visit.look(person)).status_code == 404
    place = {"lat": 52.5, "lng": 13.4}
    visit.clock.shift += timedelta(seconds=5)
    assert (await http.post(url, json=place, headers=stranger.auth)).status_code == 404
    assert (await http.post(url, json=place, headers=visit.customer.auth)).status_code == 403
    await container.get(RedisClients).commands.delete(trip_key(container, visit))
    assert (await http.post(url, json=place, headers=stranger.auth)).status_code == 404
    assert (await visit.look(await register(http))).status_code == 404


async def test_position_is_refused_and_hidden_before_setting_out_and_after_turning_back(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    visit = await a_visit(http, container, clock)
    assert refusal(await visit.report(HOME_M)) == refusal(await visit.look()) == NOT_ON_THE_WAY
    await visit.set_out()
    assert (await visit.report(HOME_M)).status_code == 200
    await visit.turn_back()
    assert await ttl_ms(container, visit) == -2
    assert refusal(await visit.report(HOME_M)) == refusal(await visit.look()) == NOT_ON_THE_WAY
    assert refusal(await visit.look(await create_admin(http, container))) == NOT_ON_THE_WAY
    await visit.set_out()
    assert (await visit.look()).status_code == 204  # nothing is left of the first trip
    await relay(container, visit)  # and a late event of the first trip does not end the second
    assert (await visit.report(HOME_M)).status_code == 200


@pytest.mark.parametrize("action", ["start", "cancel", "no-show", "reschedule"])
async def test_position_is_gone_after_the_event_that_ends_the_trip(
    visit: Visit, http: httpx.AsyncClient, container: Container, action: str
) -> None:
    await visit.report(HOME_M)
    if action == "no-show":
        visit.clock.set(visit.starts_at + 6 * MINUTE)
        visit = await visit.signed_in_again()
    boss = await create_admin(http, container)
    body: dict[str, Any] = {"scheduled_at": (visit.starts_at + 60 * MINUTE).isoformat()}
    auth, body = (boss.auth, body) if action == "reschedule" else (visit.shop.auth, {})
    assert (await move(http, auth, visit.booking, action, **body)).status_code == 200
    await relay(container, visit)
    assert await ttl_ms(container, visit) == -2
    assert refusal(await visit.report(HOME_M)) == refusal(await visit.look()) == NOT_ON_THE_WAY


async def test_lost_event_keeps_no_position_beyond_the_life_of_the_trip(visit: Visit, container: Container) -> None:
    """Reports do not prolong a trip; in the second half of its life they confirm it by the booking."""
    redis, key = container.get(RedisClients).commands, trip_key(container, visit)
    await redis.pexpire(key, TRIP_TTL * 0.9)
    assert (await visit.report(HOME_M)).status_code == 200
    assert await ttl_ms(container, visit) <= TRIP_TTL.total_seconds() * 900
    await redis.pexpire(key, TRIP_TTL * 0.4)
    assert (await visit.report(4_950)).status_code == 200
    assert await ttl_ms(container, visit) > TRIP_TTL.total_seconds() * 900
    assert (await visit.look()).json()["distance_m"] == pytest.approx(4_950, abs=1)
    assert (await move(visit.http, visit.shop.auth, visit.booking, "start")).status_code == 200
    await redis.pexpire(key, TRIP_TTL * 0.4)
    assert refusal(await visit.report(4_900)) == NOT_ON_THE_WAY


async def test_trip_lost_by_redis_is_restored_by_the_next_report(visit: Visit, container: Container) -> None:
    await visit.report(HOME_M)
    await container.get(RedisClients).commands.delete(trip_key(container, visit))
    assert (await visit.look()).status_code == 204
    assert (await visit.report(4_900)).status_code == 200
    assert (await visit.look()).json()["distance_m"] == pytest.approx(4_900, abs=1)


async def test_jump_is_not_shown_unless_the_next_position_confirms_it(visit: Visit) -> None:
    answers = [await visit.report(metres) for metres in (HOME_M, 1_000, 4_950, 1_000, 990)]
    assert [answer.status_code for answer in answers] == [200, 204, 200, 204, 200]
    assert (await visit.look()).json()["distance_m"] == pytest.approx(990, abs=1)


@pytest.fixture
async def other_process(
    settings: Settings, session_clock: AdjustableClock, http: httpx.AsyncClient
) -> AsyncIterator[tuple[httpx.AsyncClient, Container]]:
    """A second server on the same databases."""
    assert http
    async with serve_app(settings, session_clock) as app, http_client(app.ctx.base_url) as client:
        yield client, app.ctx.container


async def test_one_position_in_two_seconds_is_used_among_all_processes(
    visit: Visit, http: httpx.AsyncClient, other_process: tuple[httpx.AsyncClient, Container]
) -> None:
    clients = [http, other_process[0]]
    for metres in (HOME_M, 4_980, 4_960):
        visit.clock.shift += timedelta(seconds=2)
        visit.clock.stopped = visit.clock()
        answers = await asyncio.gather(
            *(visit.report(metres, after_s=0, to=clients[number % 2]) for number in range(10))
        )
        assert sorted(answer.status_code for answer in answers) == [200] + [204] * 9
        visit.clock.stopped = None


async def test_arrival_is_recorded_once_among_all_processes(
    visit: Visit, http: httpx.AsyncClient, container: Container, other_process: tuple[httpx.AsyncClient, Container]
) -> None:
    client, second = other_process
    reports = [
        (await visit.report(metres, after_s=60, to=(http, client)[number % 2])).json()
        for number, metres in enumerate(way_to(0, 500))
    ]
    assert [report["arrived"] for report in reports] == [False] * 10 + [True]
    etas = [report["eta_min"] for report in reports]
    assert etas == sorted(etas, reverse=True)
    assert etas[-1] == 0
    # Reports of two processes that have both seen the arrival, in any order.
    trips = [HouseCallTrips(each.get(BookingUpdater)) for each in (container, second)]
    await asyncio.gather(*(trip.arrive(UUID(visit.booking["id"])) for trip in trips * 5))
    away = (await visit.report(300, after_s=60)).json()
    assert (away["arrived"], away["eta_min"]) == (True, 0)
    booking = await read(http, visit.customer.auth, visit.booking)
    entries = await history(http, visit.customer.auth, visit.booking)
    arrivals = [entry for entry in entries if entry["action"] == "arrive"]
    assert [(entry["by"], entry["at"]) for entry in arrivals] == [("system", booking["on_the_way"]["arrived_at"])]
    await container.get(RedisClients).commands.delete(trip_key(container, visit))
    assert (await visit.report(300, after_s=60)).json()["arrived"]


async def test_late_barber_is_offered_a_report_of_the_delay(visit: Visit, container: Container) -> None:
    """The suggestion counts from the agreed time, and ends when the barber follows it."""
    assert "late_suggestion_min" not in (await visit.report(HOME_M)).json()
    visit.clock.set(visit.starts_at - 2 * MINUTE)
    visit = await visit.signed_in_again()
    told = (await visit.report(4_990)).json()
    assert (told["eta_min"], told["late_suggestion_min"]) == (15, 15)
    assert "late_suggestion_min" not in (await visit.look()).json()
    assert (await visit.look(visit.shop.person)).json() == told
    assert (await read(visit.http, visit.customer.auth, visit.booking))["late_min"] == 0
    assert (await move(visit.http, visit.shop.auth, visit.booking, "late", minutes=15)).json()["late_min"] == 15
    await relay(container, visit)
    assert "late_suggestion_min" not in (await visit.report(4_980)).json()
    visit.clock.shift += 13 * MINUTE
    assert (await visit.report(4_980)).json()["late_suggestion_min"] == 30


class CountedQueries(BookingQueries):
    """Counts the bookings that are read."""

    read_count = 0

    async def get(self, actor: Actor, booking_id: UUID) -> Booking:
        self.read_count += 1
        return await super().get(actor, booking_id)

    async def find_many(self, booking_ids: Sequence[UUID]) -> dict[UUID, Booking]:
        self.read_count += 1
        return await super().find_many(booking_ids)


class Heard:
    """Keeps the sides that were told of each position."""

    def __init__(self) -> None:
        self.people: list[tuple[UUID | None, UUID]] = []

    async def moved(self, trip: Trip, position: PositionOut) -> None:
        assert position.late_suggestion_min is UNSET
        self.people.append((trip.customer_id, trip.barber_id))


async def test_reports_and_looks_read_no_booking(visit: Visit, container: Container) -> None:
    """The access is copied to the trip when the barber sets out."""
    heard = Heard()
    queries = CountedQueries(BookingRepository(container.database), container.clock)
    service = TrackingService(
        TripStore(container.get(RedisClients).commands, container.get(Namespace)),
        HouseCallTrips(container.get(BookingUpdater)),
        queries,
        container.get(BarberService),
        LatenessAdvisor(queries, container.get(DelayShifter)),
        heard,
        container.clock,
    )
    booking_id, shop_id = UUID(visit.booking["id"]), visit.shop.person.id
    for _ in range(10):
        visit.clock.shift += timedelta(seconds=2)
        assert await service.report(Actor(shop_id, Role.BARBER, shop_id), booking_id, LatLng(52.52, 13.42))
        assert await service.latest(Actor(visit.customer.id, Role.CUSTOMER, shop_id), booking_id)
    assert queries.read_count == 0
    assert heard.people == [(visit.customer.id, shop_id)] * 10
