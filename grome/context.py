"""The composition root: every client is opened and every service built here, for API and job workers alike."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from redis.asyncio import Redis
from sanic import Request

from config.settings import Settings
from grome.accounts.preferences import PreferenceService
from grome.accounts.repository import SessionRepository, UserRepository
from grome.accounts.service import AccountService
from grome.accounts.tokens import AccessTokens
from grome.accounts.verifier import Verifier
from grome.any_barber.service import AnyBarberService
from grome.audit.repository import AuditRepository
from grome.audit.service import AuditTrail
from grome.availability.service import AvailabilityService
from grome.barbers.changes import BarberChanges
from grome.barbers.openings import OpeningService
from grome.barbers.repository import BarberRepository
from grome.barbers.search import BarberSearch
from grome.barbers.service import BarberService
from grome.bookings.changing import BookingChanges
from grome.bookings.create import BookingCreation
from grome.bookings.extras import BookingExtras
from grome.bookings.group_commit import GroupCommit
from grome.bookings.moves import BookingMoves
from grome.bookings.rebook import Rebooking
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
from grome.jobs.admin import JobAdmin
from grome.jobs.models import Queue
from grome.jobs.queues import Queues, open_queues
from grome.jobs.repository import JobRepository
from grome.jobs.service import Jobs
from grome.nearby.cells import Cells
from grome.nearby.service import NearbyService
from grome.nearby.source import CellSource
from grome.nearby.straight import StraightSearch
from grome.nearby.views import Views
from grome.notifications.delivery import Delivery, Transports
from grome.notifications.dispatching import Dispatching
from grome.notifications.log import NotificationLog
from grome.notifications.mail import Mailer
from grome.notifications.mailbox import open_mailbox
from grome.notifications.planning import Planner
from grome.notifications.push import open_pusher
from grome.notifications.push_devices import PushDevices
from grome.notifications.recipients import Recipients
from grome.notifications.reminders import Reminders
from grome.notifications.repository import NotificationRepository, PushDeviceRepository, ReminderMarks
from grome.notifications.sending import Sending
from grome.notifications.sms import open_sms
from grome.notifications.smtp import SmtpMailer
from grome.notifications.stories import Stories
from grome.notifications.unsubscribe import UnsubscribeLinks, Unsubscribing
from grome.promos.claims import PromoClaims
from grome.promos.repository import PromoRepository, PromoUseRepository
from grome.promos.service import PromoService
from grome.quotes.repository import QuoteRepository
from grome.quotes.service import QuoteService
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
    job_admin: JobAdmin
    file_links: FileLinks
    storage: Storage
    access_tokens: AccessTokens
    verifier: Verifier
    accounts: AccountService
    preferences: PreferenceService
    catalogue: CatalogueService
    barber_changes: BarberChanges
    barbers: BarberService
    barber_search: BarberSearch
    openings: OpeningService
    bookings: BookingService
    booking_creation: BookingCreation
    quotes: QuoteService
    booking_moves: BookingMoves
    booking_extras: BookingExtras
    rebooking: Rebooking
    availability: AvailabilityService
    promos: PromoService
    promo_claims: PromoClaims
    nearby: NearbyService
    any_barber: AnyBarberService
    notification_log: NotificationLog
    push_devices: PushDevices
    unsubscribing: Unsubscribing
    dispatching: Dispatching
    sending: Sending
    reminders: Reminders
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
    async def open(cls, settings: Settings, clock: Clock = system_clock) -> Self:  # noqa: PLR0915 -- all there is
        """Belongs into the process and the event loop that will use it: the clients hold sockets."""
        stack = AsyncExitStack()
        mongo = open_mongo(settings.mongo)
        stack.push_async_callback(close_mongo, mongo)
        slots = len(Queue) * settings.jobs.concurrency
        redis, waiting = open_redis(settings.redis), open_waiting_redis(settings.redis, slots)
        stack.push_async_callback(redis.aclose)
        subscribing = open_subscribing_redis(settings.redis)
        stack.push_async_callback(waiting.aclose)
        stack.push_async_callback(subscribing.aclose)
        db = database(mongo, settings.mongo)
        queues = open_queues(waiting)
        job_repository = JobRepository(db)
        jobs = Jobs(job_repository, queues, clock)
        file_links = FileLinks(settings.accounts.signing_key, settings.http.public_url, clock)
        storage = open_storage(settings, file_links)
        stack.push_async_callback(storage.close)

        users, sessions, push_tokens = UserRepository(db), SessionRepository(db), PushDeviceRepository(db)
        access_tokens = AccessTokens(settings.accounts.signing_key, settings.accounts.access_ttl_s)
        verifier = Verifier(access_tokens, sessions, redis, subscribing, clock)
        verifier.start()
        stack.push_async_callback(verifier.close)
        accounts = AccountService(
            users, sessions, access_tokens, verifier, settings.accounts, clock, push_tokens.forget
        )
        stack.callback(accounts.close)
        preferences = PreferenceService(users)
        links = UnsubscribeLinks(settings.accounts.signing_key, settings.http.public_url)

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
        changes_of_bookings = BookingChanges(booking_repository, clock)
        moves = BookingMoves(booking_repository, changes_of_bookings, barbers, answer_within, clock)
        availability = AvailabilityService(barbers, bookings, clock)
        nearby = _nearby(settings, redis, changes, barbers, availability)
        promo_claims = PromoClaims(PromoRepository(db), PromoUseRepository(db), bookings, clock)
        creation = BookingCreation(booking_repository, insert, barbers, moves, promo_claims, answer_within, clock)
        audit = AuditTrail(AuditRepository(db))
        endpoints, deliveries = EndpointRepository(db), DeliveryRepository(db)
        vault, sender = Vault(settings.accounts.signing_key), _open_sender(settings, stack)
        followers: dict[str, Follower] = {
            "live rooms": LiveRooms(redis),
            "audit trail": audit,
            "webhooks": WebhookFollower(endpoints, deliveries, bookings, jobs, clock),
            "messages": Planner(jobs),
            "promo codes": promo_claims,
        }
        transports = _open_transports(settings, clock, stack)
        push_devices = PushDevices(push_tokens, accounts, clock)
        recipients = Recipients(accounts, push_devices)
        stories = Stories(accounts, bookings, barbers, settings.http.public_url, clock)
        log = NotificationLog(NotificationRepository(db), clock)
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
            job_admin=JobAdmin(jobs, job_repository, clock),
            file_links=file_links,
            storage=storage,
            access_tokens=access_tokens,
            verifier=verifier,
            accounts=accounts,
            preferences=preferences,
            catalogue=catalogue,
            barber_changes=changes,
            barbers=barbers,
            barber_search=BarberSearch(barber_repository),
            openings=OpeningService(barber_repository, barbers, clock),
            bookings=bookings,
            booking_creation=creation,
            quotes=QuoteService(QuoteRepository(db), creation, barbers, promo_claims, clock),
            booking_moves=moves,
            booking_extras=BookingExtras(booking_repository, changes_of_bookings),
            rebooking=Rebooking(changes_of_bookings, barbers, creation),
            availability=availability,
            promos=PromoService(PromoRepository(db), PromoUseRepository(db), barbers, catalogue, clock),
            promo_claims=promo_claims,
            nearby=nearby,
            any_barber=AnyBarberService(nearby, barbers, availability, creation),
            notification_log=log,
            push_devices=push_devices,
            unsubscribing=Unsubscribing(links, preferences),
            dispatching=Dispatching(recipients, stories, log, jobs, clock),
            sending=Sending(recipients, stories, log, push_devices, Delivery(transports, links), clock),
            reminders=Reminders(bookings, ReminderMarks(db), jobs, clock),
            reports=ReportService(reports, barbers, storage, jobs, settings.reports, clock),
            report_maker=ReportMaker(reports, bookings, barbers, storage, keep_reports, clock),
            webhooks=WebhookService(
                endpoints, deliveries, vault, jobs, clock, private_addresses=settings.webhooks.private_addresses
            ),
            webhook_delivery=WebhookDelivery(endpoints, deliveries, vault, sender, clock),
            audit=audit,
            followers=followers,
            relay=Relay(RelayRepository(db), followers, BarberCaches(changes).follow, jobs, clock),
            mailer=transports.mailer,
            _stack=stack,
        )

    async def close(self) -> None:
        """Closes in reverse what `open` opened."""
        await self._stack.aclose()


def _nearby(
    settings: Settings, redis: Redis, changes: BarberChanges, barbers: BarberService, availability: AvailabilityService
) -> NearbyService:
    memory_bytes = settings.nearby.memory_mb * _MIB
    cells = Cells(CellSource(barbers, redis).load, changes, memory_bytes * 3 // 4)
    views = Views(cells, changes, memory_bytes // 4)
    return NearbyService(cells, views, StraightSearch(barbers), availability)


def _open_sender(settings: Settings, stack: AsyncExitStack) -> Sender:
    resolver = SystemResolver()
    stack.callback(resolver.close)
    sender = Sender(settings.webhooks, resolver)
    stack.push_async_callback(sender.close)
    return sender


def _open_transports(settings: Settings, clock: Clock, stack: AsyncExitStack) -> Transports:
    mailer = SmtpMailer(settings.mail) if settings.mail.transport == "smtp" else open_mailbox(settings)
    pusher, sms = open_pusher(settings, clock), open_sms(settings, clock)
    stack.push_async_callback(pusher.aclose)
    stack.push_async_callback(sms.aclose)
    return Transports(mailer, pusher, sms)


def app_context(request: Request) -> AppContext:
    context: AppContext = request.app.ctx.grome
    return context
