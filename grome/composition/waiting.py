"""The waitlist for booked-out times, and the queue of walk-ins."""

from grome.accounts.service import AccountService
from grome.barbers.service import BarberService
from grome.bookings.create import BookingCreator
from grome.bookings.lifecycle import BookingLifecycle
from grome.bookings.queries import BookingQueries
from grome.bookings.repository import BookingRepository
from grome.bookings.walk_in_start import WalkInStarter
from grome.catalogue.service import CatalogueService
from grome.composition.bookings import platform_terms
from grome.infrastructure.container import Container, Providers
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.waitlist.matching import WaitlistMatcher
from grome.waitlist.repository import WaitlistRepository
from grome.waitlist.service import WaitlistService
from grome.waitlist.subscriber import WaitlistSubscriber
from grome.walk_ins.queries import WalkInQueries
from grome.walk_ins.queue import QueueLoader
from grome.walk_ins.repository import WalkInRepository
from grome.walk_ins.service import WalkInService

waiting = Providers()


@waiting.provide
def waitlist_repository(container: Container) -> WaitlistRepository:
    return WaitlistRepository(container.database)


@waiting.provide
def waitlist(container: Container) -> WaitlistService:
    get = container.get
    return WaitlistService(
        get(WaitlistRepository),
        get(WaitlistMatcher),
        get(BarberService),
        get(CatalogueService),
        get(BookingQueries),
        container.clock,
    )


@waiting.provide
def waitlist_matcher(container: Container) -> WaitlistMatcher:
    get = container.get
    return WaitlistMatcher(
        get(WaitlistRepository), get(BarberService), get(BookingQueries), get(BookingCreator), container.clock
    )


@waiting.provide
def waitlist_subscriber(container: Container) -> WaitlistSubscriber:
    return WaitlistSubscriber(container.get(JobQueue), container.clock)


@waiting.provide
def walk_in_repository(container: Container) -> WalkInRepository:
    return WalkInRepository(container.database)


@waiting.provide
def walk_in_queries(container: Container) -> WalkInQueries:
    get = container.get
    return WalkInQueries(get(WalkInRepository), get(BarberService), container.clock)


@waiting.provide
def walk_ins(container: Container) -> WalkInService:
    get, clock, repository = container.get, container.clock, container.get(WalkInRepository)
    bookings = WalkInStarter(get(BookingRepository), get(BookingLifecycle), platform_terms(container.settings), clock)
    queues = QueueLoader(repository, get(BookingQueries), clock)
    return WalkInService(repository, get(BarberService), get(AccountService), bookings, queues, clock)
