"""Stripe, payments, the ledger and payouts."""

from grome.accounts.service import AccountService
from grome.adjustments.repository import AdjustmentRepository
from grome.adjustments.service import Adjustments
from grome.barbers.service import BarberService
from grome.bookings.payment_projection import PaymentProjector
from grome.bookings.queries import BookingQueries
from grome.bookings.tips_and_notes import TipsAndNotes
from grome.infrastructure.container import Container, Providers
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.mongo.transactions import Transactions
from grome.infrastructure.stripe.client import StripeApi
from grome.infrastructure.stripe.connect import StripeConnect
from grome.infrastructure.stripe.customers import StripeCustomers
from grome.infrastructure.stripe.history import StripeHistory
from grome.infrastructure.stripe.payments import StripePayments
from grome.ledger.export import LedgerExport
from grome.ledger.repository import LedgerRepository
from grome.ledger.sealer import Sealer
from grome.ledger.service import Ledger
from grome.ledger.statements import Statements
from grome.ledger.verifier import LedgerVerifier
from grome.payments.attempts import AttemptRunner
from grome.payments.customers import Cards
from grome.payments.errors import PaymentsOff
from grome.payments.inbox.repository import StripeEventRepository
from grome.payments.inbox.service import StripeEventProcessor, StripeInbox
from grome.payments.queries import PaymentQueries
from grome.payments.refunds import Refunds
from grome.payments.repository import PaymentRepository
from grome.payments.service import PaymentService
from grome.payments.settler import PaymentSettler
from grome.payments.subscriber import SettlementSubscriber
from grome.payments.sync import PaymentSync
from grome.payments.updates import PaymentUpdater
from grome.payouts.onboarding import PayoutOnboarding
from grome.payouts.sender import PayoutSender

payments = Providers()


@payments.provide
def ledger(container: Container) -> Ledger:
    return Ledger(LedgerRepository(container.database))


@payments.provide
def sealer(container: Container) -> Sealer:
    return Sealer(LedgerRepository(container.database), container.get(Transactions), container.clock)


@payments.provide
def statements(container: Container) -> Statements:
    return Statements(LedgerRepository(container.database), container.get(Ledger))


@payments.provide
def ledger_export(container: Container) -> LedgerExport:
    return LedgerExport(LedgerRepository(container.database))


@payments.provide
def ledger_verifier(container: Container) -> LedgerVerifier:
    return LedgerVerifier(LedgerRepository(container.database))


@payments.provide
def adjustments(container: Container) -> Adjustments:
    get = container.get
    return Adjustments(
        AdjustmentRepository(container.database),
        get(Ledger),
        get(BarberService),
        get(BookingQueries),
        get(Transactions),
        container.clock,
    )


@payments.provide
def stripe_api(container: Container) -> StripeApi:
    """Raises PaymentsOff if no key of Stripe is set."""
    if not container.settings.stripe.secret_key:
        raise PaymentsOff
    api = StripeApi(container.settings.stripe)
    container.close_with(api.close)
    return api


@payments.provide
def stripe_payments(container: Container) -> StripePayments:
    return StripePayments(container.get(StripeApi))


@payments.provide
def stripe_customers(container: Container) -> StripeCustomers:
    return StripeCustomers(container.get(StripeApi))


@payments.provide
def stripe_connect(container: Container) -> StripeConnect:
    return StripeConnect(container.get(StripeApi))


@payments.provide
def stripe_history(container: Container) -> StripeHistory:
    return StripeHistory(container.get(StripeApi))


@payments.provide
def payment_repository(container: Container) -> PaymentRepository:
    return PaymentRepository(container.database)


@payments.provide
def payment_queries(container: Container) -> PaymentQueries:
    return PaymentQueries(container.get(PaymentRepository), container.clock)


@payments.provide
def payment_updater(container: Container) -> PaymentUpdater:
    get = container.get
    return PaymentUpdater(get(PaymentRepository), get(Ledger), get(Transactions), container.clock)


@payments.provide
def attempt_runner(container: Container) -> AttemptRunner:
    get = container.get
    return AttemptRunner(get(PaymentUpdater), get(StripePayments), get(StripeCustomers), container.clock)


@payments.provide
def payment_settler(container: Container) -> PaymentSettler:
    get = container.get
    return PaymentSettler(
        get(PaymentRepository),
        get(PaymentUpdater),
        get(AttemptRunner),
        get(BookingQueries),
        get(PaymentProjector),
        (get(Ledger), get(Transactions)),
        container.clock,
    )


@payments.provide
def payment_sync(container: Container) -> PaymentSync:
    get = container.get
    return PaymentSync(
        get(PaymentRepository),
        get(PaymentUpdater),
        get(AttemptRunner),
        get(PaymentSettler),
        get(StripePayments),
        get(StripeCustomers),
    )


@payments.provide
def cards(container: Container) -> Cards:
    get = container.get
    return Cards(
        get(PaymentRepository),
        get(StripeCustomers),
        get(StripePayments),
        get(AccountService),
        container.settings.stripe.publishable_key,
        container.clock,
    )


@payments.provide
def payment_service(container: Container) -> PaymentService:
    get = container.get
    return PaymentService(
        get(PaymentRepository),
        get(PaymentUpdater),
        get(AttemptRunner),
        get(BookingQueries),
        get(TipsAndNotes),
        get(Cards),
        container.clock,
    )


@payments.provide
def refunds(container: Container) -> Refunds:
    get = container.get
    return Refunds(get(PaymentRepository), get(PaymentUpdater), get(AttemptRunner), get(PaymentSettler))


@payments.provide
def settlement_subscriber(container: Container) -> SettlementSubscriber:
    return SettlementSubscriber(container.get(JobQueue), payments_on=bool(container.settings.stripe.secret_key))


@payments.provide
def stripe_inbox(container: Container) -> StripeInbox:
    get, listed = container.get, container.settings.stripe.webhook_secrets.split(",")
    secrets = [secret.strip() for secret in listed if secret.strip()]
    return StripeInbox(StripeEventRepository(container.database), get(JobQueue), secrets, container.clock)


@payments.provide
def stripe_event_processor(container: Container) -> StripeEventProcessor:
    get, events = container.get, StripeEventRepository(container.database)
    return StripeEventProcessor(events, get(PaymentSync), get(PayoutSender), get(PayoutOnboarding), container.clock)
