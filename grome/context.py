"""The composition root: every client is opened and every service built here, for API and job workers alike."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from redis.asyncio import Redis
from sanic import Request

from config.settings import Settings
from grome.accounts.repository import SessionRepository, UserRepository
from grome.accounts.service import AccountService
from grome.accounts.tokens import AccessTokens
from grome.accounts.verifier import Verifier
from grome.audit.repository import AuditRepository
from grome.audit.service import AuditTrail
from grome.availability.service import AvailabilityService
from grome.barbers.changes import BarberChanges
from grome.barbers.repository import BarberRepository
from grome.barbers.search import BarberSearch
from grome.barbers.service import BarberService
from grome.bookings.create import BookingCreation
from grome.bookings.group_commit import GroupCommit
from grome.bookings.repository import BookingRepository
from grome.bookings.service import BookingService
from grome.catalogue.repository import ServiceRepository
from grome.catalogue.service import CatalogueService
from grome.common.clock import Clock, system_clock
from grome.common.file_links import FileLinks
from grome.common.mongo import Client, Database, close_mongo, database, open_mongo
from grome.common.redis import open_redis, open_subscribing_redis, open_waiting_redis
from grome.common.storage import Storage, open_storage
from grome.events.caches import BarberCaches
from grome.events.live import LiveRooms
from grome.events.relay import Follower, Relay
from grome.events.repository import RelayRepository
from grome.jobs.queues import Queues, open_queues
from grome.jobs.repository import JobRepository
from grome.jobs.service import Jobs
from grome.nearby.cells import Cells
from grome.nearby.service import NearbyService
from grome.nearby.source import CellSource
from grome.nearby.straight import StraightSearch
from grome.nearby.views import Views
from grome.notifications.mail import Mailer
from grome.notifications.mailbox import open_mailbox
from grome.notifications.smtp import SmtpMailer
from grome.reports.maker import ReportMaker
from grome.reports.repository import ReportRepository
from grome.reports.service import ReportService
from grome.webhooks.delivery import WebhookDelivery
from grome.webhooks.follower import WebhookFollower
from grome.webhooks.guard import SystemResolver
from grome.webhooks.repository import DeliveryRepository, EndpointRepository
from grome.webhooks.sender import Sender
from grome.webhooks.service import WebhookService
from grome.webhooks.signing import Vault

_MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class AppContext:
    """What a process works with. Clients connect at their first use, so a dependency that is away delays no start."""

    settings: Settings
    clock: Clock
    mongo: Client
    database: Database
    redis: Redis
    queues: Queues
    jobs: Jobs
    file_links: FileLinks
    storage: Storage
    access_tokens: AccessTokens
    verifier: Verifier
    accounts: AccountService
    catalogue: CatalogueService
    barber_changes: BarberChanges
    barbers: BarberService
    barber_search: BarberSearch
    bookings: BookingService
    booking_creation: BookingCreation
    availability: AvailabilityService
    nearby: NearbyService
    reports: ReportService
    report_maker: ReportMaker
    audit: AuditTrail
    webhooks: WebhookService
    webhook_delivery: WebhookDelivery
    followers: Mapping[str, Follower]
    relay: Relay
    mailer: Mailer
    _stack: AsyncExitStack

    @classmethod
    async def open(cls, settings: Settings, clock: Clock = system_clock) -> Self:
        """Belongs into the process and the event loop that will use it: the clients hold sockets."""
        stack = AsyncExitStack()
        mongo = open_mongo(settings.mongo)
        stack.push_async_callback(close_mongo, mongo)
        redis, waiting = open_redis(settings.redis), open_waiting_redis(settings.redis)
        stack.push_async_callback(redis.aclose)
        subscribing = open_subscribing_redis(settings.redis)
        stack.push_async_callback(waiting.aclose)
        stack.push_async_callback(subscribing.aclose)
        db = database(mongo, settings.mongo)
        queues = open_queues(waiting)
        jobs = Jobs(JobRepository(db), queues, clock)
        file_links = FileLinks(settings.accounts.signing_key, settings.http.public_url, clock)
        storage = open_storage(settings, file_links)
        stack.push_async_callback(storage.close)

        sessions = SessionRepository(db)
        access_tokens = AccessTokens(settings.accounts.signing_key, settings.accounts.access_ttl_s)
        verifier = Verifier(access_tokens, sessions, redis, subscribing, clock)
        verifier.start()
        stack.push_async_callback(verifier.close)
        accounts = AccountService(UserRepository(db), sessions, access_tokens, verifier, settings.accounts, clock)
        stack.callback(accounts.close)

        catalogue = CatalogueService(ServiceRepository(db), clock)
        changes = BarberChanges(redis, subscribing)
        changes.start()
        stack.push_async_callback(changes.close)
        barber_repository = BarberRepository(db)
        barbers = BarberService(barber_repository, catalogue, changes, clock)
        booking_repository = BookingRepository(db)
        bookings = BookingService(booking_repository, clock)
        together = GroupCommit(booking_repository.insert, booking_repository.insert_many)
        insert = together.insert if settings.bookings.group_commit else booking_repository.insert
        answer_within = timedelta(minutes=settings.bookings.answer_within_min)
        availability = AvailabilityService(barbers, bookings, clock)
        memory_bytes = settings.nearby.memory_mb * _MIB
        audit = AuditTrail(AuditRepository(db))
        endpoints, deliveries = EndpointRepository(db), DeliveryRepository(db)
        vault, resolver = Vault(settings.accounts.signing_key), SystemResolver()
        stack.callback(resolver.close)
        sender = Sender(settings.webhooks, resolver)
        stack.push_async_callback(sender.close)
        followers: dict[str, Follower] = {
            "live rooms": LiveRooms(redis),
            "audit trail": audit,
            "webhooks": WebhookFollower(endpoints, deliveries, bookings, jobs, clock),
        }
        cells = Cells(CellSource(barbers, redis).load, changes, memory_bytes * 3 // 4)
        reports = ReportRepository(db)
        keep_reports = timedelta(hours=settings.reports.keep_h)
        return cls(
            settings=settings,
            clock=clock,
            mongo=mongo,
            database=db,
            redis=redis,
            queues=queues,
            jobs=jobs,
            file_links=file_links,
            storage=storage,
            access_tokens=access_tokens,
            verifier=verifier,
            accounts=accounts,
            catalogue=catalogue,
            barber_changes=changes,
            barbers=barbers,
            barber_search=BarberSearch(barber_repository),
            bookings=bookings,
            booking_creation=BookingCreation(booking_repository, insert, barbers, answer_within, clock),
            availability=availability,
            nearby=NearbyService(
                cells, Views(cells, changes, memory_bytes // 4), StraightSearch(barbers), availability
            ),
            reports=ReportService(reports, barbers, storage, jobs, settings.reports, clock),
            report_maker=ReportMaker(reports, bookings, barbers, storage, keep_reports, clock),
            webhooks=WebhookService(
                endpoints, deliveries, vault, jobs, clock, private_addresses=settings.webhooks.private_addresses
            ),
            webhook_delivery=WebhookDelivery(endpoints, deliveries, vault, sender, clock),
            audit=audit,
            followers=followers,
            relay=Relay(RelayRepository(db), followers, BarberCaches(changes).follow, jobs, clock),
            mailer=SmtpMailer(settings.mail) if settings.mail.transport == "smtp" else open_mailbox(settings),
            _stack=stack,
        )

    async def close(self) -> None:
        """Closes in reverse what `open` opened."""
        await self._stack.aclose()


def app_context(request: Request) -> AppContext:
    context: AppContext = request.app.ctx.grome
    return context
