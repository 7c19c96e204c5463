"""Everything but the job queues works on a Redis Cluster: one application, and the services of a second process."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field

import httpx
import msgspec
import pytest

from config.sections.accounts import LimitSettings
from config.settings import Settings
from grome.accounts.failed_sign_ins import MANY_FAILURES, FailedSignIns
from grome.accounts.models import Device
from grome.accounts.verifier import Verifier
from grome.app import App
from grome.barbers.change_feed import BarberChange, BarberChangeFeed
from grome.common.actor import Actor, Role, SignInMethod
from grome.common.clock import system_clock
from grome.common.geo import LatLng
from grome.common.ids import new_id
from grome.composition import open_container
from grome.factors.challenges import Challenges, Purpose
from grome.factors.models import FactorKind
from grome.infrastructure.container import Container
from grome.infrastructure.figures import count
from grome.infrastructure.ops.health import check
from grome.infrastructure.ops.versions import read_redis_server
from grome.infrastructure.rate_limits.limiter import RateLimits
from grome.infrastructure.rate_limits.models import Charge, LimitClass, Quota
from grome.infrastructure.redis.client import Namespace, RedisClients
from grome.infrastructure.redis.stored_counts import StoredCounts
from grome.realtime.presence_leases import SHARDS, Connections, PresenceLeases, shard_of
from grome.realtime.tickets import Tickets
from grome.tracking.models import Trip
from grome.tracking.trip_store import Claim, ClaimRefusal, TripStore
from tests.builders.barbers import barber
from tests.builders.people import new_email, register
from tests.builders.searches import NEARBY
from tests.support.app import serve_app
from tests.support.cluster import ClusterNode, cluster_url
from tests.support.eventually import PATIENCE_S, until
from tests.support.http_client import TLS, http_client
from tests.support.live import live_socket

# A read comes back after ten seconds.
LIMITS = LimitSettings(sign_in=5, read=6)
SUBJECTS = [f"subject {number}" for number in range(100)]


@pytest.fixture(scope="module")
def clustered(settings: Settings, cluster: Sequence[ClusterNode]) -> Settings:
    redis = msgspec.structs.replace(settings.redis, url=cluster_url(cluster), queues_url=settings.redis.url)
    return msgspec.structs.replace(settings, redis=redis, limits=LIMITS)


@pytest.fixture(scope="module")
async def clustered_app(clustered: Settings, database: None) -> AsyncIterator[App]:  # noqa: ARG001
    async with serve_app(clustered) as application:
        yield application


@pytest.fixture(scope="module")
async def other(clustered: Settings, clustered_app: App) -> AsyncIterator[Container]:  # noqa: ARG001
    """The services of a second process."""
    container = await open_container(clustered)
    yield container
    await container.close()


@pytest.fixture
def container(clustered_app: App) -> Container:
    found: Container = clustered_app.ctx.container
    return found


@pytest.fixture
async def http(clustered_app: App) -> AsyncIterator[httpx.AsyncClient]:
    async with http_client(clustered_app.ctx.base_url) as client:
        yield client


async def test_sign_ins_of_an_address_are_counted_exactly(clustered_app: App) -> None:
    wrong = {"email": new_email(), "password": "not the password"}
    transport = httpx.AsyncHTTPTransport(local_address="127.0.8.1", verify=TLS)
    async with httpx.AsyncClient(base_url=clustered_app.ctx.base_url, timeout=PATIENCE_S, transport=transport) as own:
        statuses = [(await own.post("/v1/auth/login", json=wrong)).status_code for _ in range(LIMITS.sign_in + 1)]
    assert statuses == [*[401] * LIMITS.sign_in, 429]


async def test_grants_of_many_subjects_are_added_up_over_all_nodes(container: Container, other: Container) -> None:
    limits, others = container.get(RateLimits), other.get(RateLimits)
    began = time.monotonic()
    for subject in SUBJECTS:
        await limits.take(LimitClass.READ, [subject])
        await others.take(LimitClass.READ, [subject])
    await limits.share()
    await others.share()
    quota = others.buckets(LimitClass.READ).quota
    verdicts = [await others.take(LimitClass.READ, [subject]) for subject in SUBJECTS]
    three_grants_s = 3 * quota.interval_s - (time.monotonic() - began)
    assert all(verdict.ahead_s > three_grants_s - 0.1 for verdict in verdicts)


async def test_refused_charge_gives_back_the_charges_of_other_nodes(container: Container) -> None:
    limits, wide, narrow = container.get(RateLimits), Quota("wide", 100, 60.0), Quota("narrow", 1, 60.0)
    charges = [*(Charge(subject, wide) for subject in SUBJECTS[:20]), Charge("one", narrow)]
    assert not (await limits.take_all(charges)).wait_s
    refused = await limits.take_all(charges)
    assert (refused.quota, refused.wait_s > 0) == (narrow, True)
    for charge in charges[:-1]:
        assert (await limits.take_all([charge])).ahead_s <= 2 * wide.interval_s


async def test_presence_of_accounts_in_all_shards_is_written_and_read(container: Container, other: Container) -> None:
    leases, others = container.get(PresenceLeases), other.get(PresenceLeases)
    accounts = [new_id() for _ in range(4 * SHARDS)]
    for account in accounts:
        [granted] = await leases.write(shard_of(account), [Connections(account, 0, 1)])
        assert (granted.connections, granted.is_new) == (1, True)
    statuses = await others.find_statuses([*accounts, absent := new_id()])
    assert [account for account, status in statuses.items() if not status.online] == [absent]
    assert await others.has_connection(accounts[0])
    assert await others.take_departed(0) == []


async def test_search_shares_cells_and_sees_a_change_of_another_process(
    http: httpx.AsyncClient, container: Container, other: Container
) -> None:
    shop = await barber(http, container, location={"lat": -41.5, "lng": 101.5})
    found = (await http.get(NEARBY, params={"lat": -41.5, "lng": 101.5, "radius_km": 20})).json()
    assert [each["id"] for each in found["items"]] == [shop.id]
    heard = _Heard()
    other.get(BarberChangeFeed).subscribe(heard)
    await until(lambda: other.get(BarberChangeFeed).listening)
    answer = await http.put("/v1/barbers/me/online", headers=shop.auth, json={"is_online": True})
    assert answer.is_success, answer.text
    await until(lambda: (shop.person.id, True) in [(one.barber.id, one.barber.is_online) for one in heard.changes])


@dataclass
class _Heard:
    changes: list[BarberChange] = field(default_factory=list)

    def on_change(self, change: BarberChange) -> None:
        self.changes.append(change)

    def on_gap(self) -> None:
        """Nothing is cached here."""


async def test_revoked_session_is_evicted_in_another_process(http: httpx.AsyncClient, other: Container) -> None:
    person, verifier = await register(http), other.get(Verifier)
    verifier.start()
    revoked: list[object] = []
    verifier.watch_revocations(revoked.append)
    await until(lambda: None in revoked)  # it listens from here on
    token = person.access_token
    actor = await verifier.get_actor(token)
    assert (await http.post("/v1/auth/logout", headers=person.auth)).is_success
    await until(lambda: actor.session_id in revoked)
    assert verifier.cached(token) is None


async def test_tickets_challenges_and_failures_are_stored_by_one_process_and_found_by_another(
    container: Container, other: Container
) -> None:
    now, account = container.clock(), new_id()
    actor = Actor(account, Role.BARBER, new_id())
    for _ in range(20):  # keys of all nodes
        ticket = await container.get(Tickets).issue(actor, now.replace(year=now.year + 1))
        assert (await other.get(Tickets).redeem(ticket)) is not None
        methods = frozenset({SignInMethod.PASSWORD})
        token = await container.get(Challenges).begin_sign_in(account, Device(), methods, (FactorKind.TOTP,))
        assert (await other.get(Challenges).try_sign_in(token)) is not None
        assert await other.get(Challenges).finish_sign_in(token)
        token, challenge = await container.get(Challenges).begin_ceremony(Purpose.SIGN_IN)
        ceremony = await other.get(Challenges).take_ceremony(token, Purpose.SIGN_IN)
        assert ceremony is not None
        assert ceremony.challenge == challenge
    accounts = [new_id() for _ in range(20)]
    for _ in range(MANY_FAILURES):
        await container.get(FailedSignIns).add(accounts)
    assert await asyncio.gather(*(other.get(FailedSignIns).are_many(each) for each in accounts)) == [True] * 20


async def test_trip_is_claimed_by_one_process_at_a_time(container: Container, other: Container) -> None:
    stores = [TripStore(each.get(RedisClients).commands, each.get(Namespace)) for each in (container, other)]
    trips = [trip() for _ in range(20)]
    for each in trips:
        await stores[0].open(each)
        assert isinstance(await stores[0].claim(each.booking_id, each.barber_id, each.scheduled_at), Claim)
        refusal = await stores[1].claim(each.booking_id, each.barber_id, each.scheduled_at)
        assert refusal is ClaimRefusal.TOO_SOON
        await stores[1].close(each.booking_id, each.number)
        assert await stores[0].find(each.booking_id) is None


def trip() -> Trip:
    place, now = LatLng(lat=48.1, lng=11.5), system_clock()
    ids = {"booking_id": new_id(), "customer_id": new_id(), "barber_id": new_id()}
    return Trip(**ids, number=1, destination=place, scheduled_at=now, arrived=False, speed=8.0)


async def test_live_socket_is_opened_and_shows_its_account_as_online(
    clustered_app: App, http: httpx.AsyncClient, container: Container, other: Container
) -> None:
    person = await register(http)
    async with live_socket(clustered_app, person, f"user:{person.id}"):
        await until(lambda: other.get(PresenceLeases).has_connection(person.id))
    await until(lambda: is_gone(other, person.id))
    assert (await container.get(PresenceLeases).find_statuses([person.id]))[person.id].online, "for 30 seconds"


async def is_gone(container: Container, account_id: object) -> bool:
    return not await container.get(PresenceLeases).has_connection(account_id)  # type: ignore[arg-type]


async def test_counts_health_and_version_are_read(container: Container, cluster: Iterable[ClusterNode]) -> None:
    count("live_resets", by=3)
    await container.get(StoredCounts).store()
    assert (await container.get(StoredCounts).figures())[("live_resets",)] >= 3
    assert (await check(container)).dependencies["redis"].ok
    server = await read_redis_server(container.get(RedisClients).commands)
    assert (server.primaries, server.fault) == (len(list(cluster)), None)


async def test_limits_go_on_while_a_node_is_away(container: Container, cluster: Sequence[ClusterNode]) -> None:
    limits, quota, killed = container.get(RateLimits), Quota("away", 2, 600.0), cluster[2]
    killed.kill()
    try:
        for subject in SUBJECTS[:30]:
            # The subjects of the killed node get the share of this process, and the others the whole quota.
            waits = [bool((await limits.take_all([Charge(subject, quota)])).wait_s) for _ in range(quota.amount + 1)]
            assert (waits[0], waits[-1]) == (False, True)
    finally:
        killed.start()
        killed.server.wait_until(killed.serves_all_slots)
