"""The personal data of all collections: each declared once, and the parts that code of a feature treats."""

from datetime import timedelta
from typing import Final

from grome.accounts.deletions import AccountDeletions
from grome.accounts.own_password import OwnPassword
from grome.accounts.personal_data import PERSONAL_DATA as ACCOUNTS
from grome.accounts.personal_data import AccountData
from grome.accounts.repository import UserRepository
from grome.accounts.sessions import SessionService
from grome.adjustments.personal_data import PERSONAL_DATA as ADJUSTMENTS
from grome.audit.old_addresses import OldAddresses
from grome.audit.personal_data import PERSONAL_DATA as AUDIT
from grome.audit.repository import AuditRepository
from grome.barbers.personal_data import PERSONAL_DATA as BARBERS
from grome.barbers.personal_data import ShopData
from grome.barbers.service import BarberService
from grome.bookings.key_claims.personal_data import PERSONAL_DATA as KEY_CLAIMS
from grome.bookings.personal_data import PERSONAL_DATA as BOOKINGS
from grome.bookings.personal_data import VisitDetails
from grome.bookings.queries import BookingQueries
from grome.bookings.repository import BookingRepository
from grome.calendar_feeds.personal_data import PERSONAL_DATA as CALENDAR_FEEDS
from grome.catalogue.personal_data import PERSONAL_DATA as CATALOGUE
from grome.chat.personal_data import PERSONAL_DATA as CHAT
from grome.chat.personal_data import MessageData, OldMessageReports, OldMessages
from grome.chat.repository import MessageReportRepository, MessageRepository
from grome.codes.personal_data import PERSONAL_DATA as CODES
from grome.factors.personal_data import PERSONAL_DATA as FACTORS
from grome.favourites.personal_data import PERSONAL_DATA as FAVOURITES
from grome.infrastructure.container import Container, Providers
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.repository import COLLECTION as JOBS
from grome.infrastructure.mongo.budgets import COLLECTION as BUDGETS
from grome.infrastructure.mongo.budgets import Budgets
from grome.infrastructure.mongo.client import Database
from grome.infrastructure.mongo.personal_documents import (
    Declared,
    Fate,
    PersonalCollection,
    PersonalDocuments,
    Share,
    UnownedCollection,
)
from grome.infrastructure.outbox.personal_entries import PersonalEntries
from grome.infrastructure.outbox.repository import COLLECTION as RELAY
from grome.infrastructure.person_keys.repository import COLLECTION as PERSON_KEYS
from grome.infrastructure.person_keys.service import PersonKeys
from grome.infrastructure.personal_data import Person, PersonalData
from grome.infrastructure.storage.protocol import Storage
from grome.ledger.personal_data import PERSONAL_DATA as LEDGER
from grome.ledger.personal_data import StatementData
from grome.ledger.service import Ledger
from grome.ledger.statements import Statements
from grome.notifications.personal_data import PERSONAL_DATA as NOTIFICATIONS
from grome.payments.customers import Cards
from grome.payments.inbox.personal_data import PERSONAL_DATA as STRIPE_INBOX
from grome.payments.personal_data import PERSONAL_DATA as PAYMENTS
from grome.payments.personal_data import StripeCustomerData
from grome.payments.repository import PaymentRepository
from grome.payouts.personal_data import PERSONAL_DATA as PAYOUTS
from grome.payouts.personal_data import PayoutAccountData
from grome.photos.personal_data import PERSONAL_DATA as PHOTOS
from grome.privacy.deletion import DeletionService, Eraser
from grome.privacy.exporter import Exporter
from grome.privacy.inventory import Inventory
from grome.privacy.personal_data import PERSONAL_DATA as EXPORTS
from grome.privacy.personal_data import ExportData
from grome.privacy.repository import ExportRepository, RetentionMarks
from grome.privacy.retention import Retention, RetentionRule
from grome.privacy.service import ExportService
from grome.promos.personal_data import PERSONAL_DATA as PROMOS
from grome.quotes.personal_data import PERSONAL_DATA as QUOTES
from grome.reconciliation.personal_data import PERSONAL_DATA as RECONCILIATION
from grome.reports.personal_data import PERSONAL_DATA as REPORTS
from grome.reports.personal_data import ReportData
from grome.reports.service import ReportService
from grome.reviews.personal_data import PERSONAL_DATA as REVIEWS
from grome.series.personal_data import PERSONAL_DATA as SERIES
from grome.uploads.personal_data import PERSONAL_DATA as UPLOADS
from grome.uploads.personal_data import UploadData
from grome.uploads.service import UploadService
from grome.verification.personal_data import PERSONAL_DATA as VERIFICATION
from grome.waitlist.personal_data import PERSONAL_DATA as WAITLIST
from grome.walk_ins.personal_data import PERSONAL_DATA as WALK_INS
from grome.webhooks.personal_data import PERSONAL_DATA as WEBHOOKS

_PERSON_KEYS: Final = PersonalCollection(
    spec=PERSON_KEYS,
    shares=(
        Share(
            owner="_id",
            fate=Fate.ANONYMISED,
            reason="A mark stays that the key is destroyed which could open personal values in the audit trail.",
        ),
    ),
    internal=frozenset({"sealed", "created_at", "destroyed_at"}),
    handled_apart=True,
)
_MACHINERY: Final[tuple[Declared, ...]] = (
    UnownedCollection(JOBS, "Ids of documents, deleted 7 days after a job is done and 90 days after it has failed."),
    UnownedCollection(BUDGETS, "Digests and counts, deleted at the end of their window."),
    UnownedCollection(RELAY, "The position of the relay of events."),
    _PERSON_KEYS,
)
# The account is the last, so that an interrupted deletion still knows the person.
DECLARED: Final[tuple[Declared, ...]] = (
    *BARBERS,
    *FAVOURITES,
    *WAITLIST,
    *WALK_INS,
    *QUOTES,
    *SERIES,
    *CALENDAR_FEEDS,
    *CHAT,
    *REVIEWS,
    *BOOKINGS,
    *KEY_CLAIMS,
    *PROMOS,
    *PAYMENTS,
    *STRIPE_INBOX,
    *PAYOUTS,
    *ADJUSTMENTS,
    *LEDGER,
    *RECONCILIATION,
    *REPORTS,
    *EXPORTS,
    *VERIFICATION,
    *PHOTOS,
    *UPLOADS,
    *WEBHOOKS,
    *NOTIFICATIONS,
    *AUDIT,
    *CATALOGUE,
    *_MACHINERY,
    *CODES,
    *FACTORS,
    *ACCOUNTS,
)

personal_data = Providers()


class PersonKeyData(PersonalDocuments):
    """The key of a person. Without it, the personal values in the audit trail cannot be read by anybody.

    The same values are removed from the outbox entries that the trail was made from.
    """

    def __init__(self, database: Database, keys: PersonKeys) -> None:
        super().__init__(database, _PERSON_KEYS)
        self._keys, self._entries = keys, PersonalEntries(database)

    async def erase(self, person: Person) -> None:
        await self._keys.destroy(person.id)
        await self._entries.erase(person.id)


@personal_data.provide
def inventory(container: Container) -> Inventory:
    database, get, clock = container.database, container.get, container.clock
    apart: tuple[PersonalData, ...] = (
        ShopData(database, get(BarberService)),
        MessageData(database, get(MessageRepository), clock),
        StripeCustomerData(database, get(PaymentRepository), lambda: get(Cards)),
        PayoutAccountData(database, get(Ledger)),
        StatementData(database, get(Statements), clock),
        ReportData(database, get(ReportService)),
        UploadData(database, get(UploadService)),
        ExportData(database, get(ExportService)),
        PersonKeyData(database, get(PersonKeys)),
        AccountData(database, get(UserRepository), clock),
    )
    by_name = {part.name: part for part in apart}
    return Inventory(
        [
            by_name[declared.spec.name] if declared.handled_apart else PersonalDocuments(database, declared)
            for declared in DECLARED
            if isinstance(declared, PersonalCollection)
        ]
    )


@personal_data.provide
def export_repository(container: Container) -> ExportRepository:
    return ExportRepository(container.database)


@personal_data.provide
def exports(container: Container) -> ExportService:
    get = container.get
    return ExportService(get(ExportRepository), get(Storage), get(JobQueue), get(Budgets), container.clock)


@personal_data.provide
def exporter(container: Container) -> Exporter:
    get, max_mb = container.get, container.settings.privacy.export_max_mb
    return Exporter(get(ExportRepository), get(Inventory), get(Storage), max_mb, container.clock)


@personal_data.provide
def account_deletions(container: Container) -> AccountDeletions:
    return AccountDeletions(container.get(UserRepository), container.get(SessionService), container.clock)


@personal_data.provide
def eraser(container: Container) -> Eraser:
    return Eraser(container.get(Inventory), container.get(AccountDeletions))


@personal_data.provide
def deletions(container: Container) -> DeletionService:
    get = container.get
    return DeletionService(
        get(Inventory),
        get(AccountDeletions),
        get(BarberService),
        get(JobQueue),
        get(OwnPassword).require_current,
        timedelta(minutes=container.settings.privacy.erase_after_min),
        container.clock,
    )


@personal_data.provide
def retention(container: Container) -> Retention:
    get, settings = container.get, container.settings.privacy
    addresses = OldAddresses(get(AuditRepository), PersonalEntries(container.database))
    messages = OldMessages(get(MessageRepository), get(BookingQueries), get(UploadService), container.clock)
    rules = [
        RetentionRule(VisitDetails(get(BookingRepository)), settings.booking_details_days),
        RetentionRule(messages, settings.messages_days),
        RetentionRule(OldMessageReports(get(MessageReportRepository)), settings.message_reports_days),
        RetentionRule(addresses, container.settings.audit.address_days),
    ]
    return Retention(rules, RetentionMarks(container.database), container.clock)
