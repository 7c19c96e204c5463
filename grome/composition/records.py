"""Reviews, calendar feeds and reports."""

from datetime import timedelta

from grome.accounts.service import AccountService
from grome.barbers.service import BarberService
from grome.bookings.queries import BookingQueries
from grome.calendar_feeds.feed_loader import FeedLoader
from grome.calendar_feeds.feed_urls import FeedUrls
from grome.calendar_feeds.repository import CalendarRepository
from grome.calendar_feeds.service import CalendarService
from grome.infrastructure.container import Container, Providers
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.mongo.budgets import Budgets
from grome.infrastructure.mongo.transactions import Transactions
from grome.infrastructure.secret_keys import SecretKeys
from grome.infrastructure.storage.protocol import Storage
from grome.ledger.statements import Statements
from grome.payments.queries import PaymentQueries
from grome.payouts.queries import PayoutQueries
from grome.receipts.links import ReceiptLinks
from grome.receipts.service import ReceiptService
from grome.reports.builder import ReportBuilder
from grome.reports.repository import ReportRepository
from grome.reports.service import ReportService
from grome.reports.sources import ReportSources
from grome.reviews.repository import ReviewRepository
from grome.reviews.service import ReviewService

records = Providers()


@records.provide
def reviews(container: Container) -> ReviewService:
    get = container.get
    return ReviewService(
        ReviewRepository(container.database),
        get(BookingQueries),
        get(BarberService),
        get(AccountService),
        get(Transactions),
        container.clock,
    )


@records.provide
def calendar(container: Container) -> CalendarService:
    get, settings, clock = container.get, container.settings, container.clock
    addresses = FeedUrls(get(SecretKeys), settings.http.api_base)
    visits = FeedLoader(get(AccountService), get(BookingQueries), get(BarberService), settings.http.app_base, clock)
    return CalendarService(CalendarRepository(container.database), addresses, get(AccountService), visits, clock)


@records.provide
def report_repository(container: Container) -> ReportRepository:
    return ReportRepository(container.database)


@records.provide
def reports(container: Container) -> ReportService:
    get = container.get
    return ReportService(
        get(ReportRepository),
        get(BarberService),
        get(Storage),
        get(JobQueue),
        get(Budgets),
        container.settings.reports,
        container.clock,
    )


@records.provide
def report_builder(container: Container) -> ReportBuilder:
    get, kept = container.get, timedelta(hours=container.settings.reports.keep_h)
    sources = ReportSources(get(BookingQueries), get(PayoutQueries), get(Statements))
    return ReportBuilder(get(ReportRepository), sources, get(BarberService), get(Storage), kept, container.clock)


@records.provide
def receipt_links(container: Container) -> ReceiptLinks:
    return ReceiptLinks(container.get(SecretKeys), container.settings.http.api_base, container.clock)


@records.provide
def receipts(container: Container) -> ReceiptService:
    get = container.get
    return ReceiptService(
        get(BookingQueries),
        get(PaymentQueries),
        (get(AccountService), get(BarberService)),
        get(ReceiptLinks),
        container.settings.payments.tax_bp,
        container.clock,
    )
