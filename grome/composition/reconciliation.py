"""Reconciliation of Stripe with the ledger."""

from grome.bookings.queries import BookingQueries
from grome.infrastructure.container import Container, Providers
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.mongo.transactions import Transactions
from grome.infrastructure.ops.metrics import FeatureMetrics
from grome.infrastructure.stripe.history import StripeHistory
from grome.ledger.movements import Movements
from grome.ledger.service import Ledger
from grome.payments.inbox.service import StripeInbox
from grome.payments.queries import PaymentQueries
from grome.payments.sync import PaymentSync
from grome.payouts.sender import PayoutSender
from grome.realtime.figures import LiveFigures
from grome.reconciliation.accounts import AccountCheck
from grome.reconciliation.attempts import AttemptCheck
from grome.reconciliation.figures import ReconciliationFigures
from grome.reconciliation.findings import Findings
from grome.reconciliation.healing import Healer
from grome.reconciliation.missed_events import MissedEvents
from grome.reconciliation.movements import MovementCheck
from grome.reconciliation.repository import FindingRepository, ProgressRepository, WatchedRepository
from grome.reconciliation.service import FindingService, Reconciliation

reconciliation = Providers()


@reconciliation.provide
def feature_metrics(container: Container) -> FeatureMetrics:
    figures = ReconciliationFigures(
        FindingRepository(container.database),
        ProgressRepository(container.database),
        container.clock,
        payments_on=bool(container.settings.stripe.secret_key),
    )
    return FeatureMetrics(reconciliation=figures, live=container.get(LiveFigures))


@reconciliation.provide
def finding_service(container: Container) -> FindingService:
    return FindingService(
        FindingRepository(container.database),
        container.get(JobQueue),
        container.clock,
        payments_on=bool(container.settings.stripe.secret_key),
    )


@reconciliation.provide
def movement_check(container: Container) -> MovementCheck:
    get = container.get
    return MovementCheck(
        get(StripeHistory),
        Movements(container.database),
        get(Ledger),
        Healer(get(PaymentSync), get(PayoutSender), get(Ledger), get(Transactions)),
        _findings(container),
        ProgressRepository(container.database),
        container.clock,
    )


@reconciliation.provide
def account_check(container: Container) -> AccountCheck:
    get = container.get
    return AccountCheck(
        Movements(container.database),
        get(Ledger),
        WatchedRepository(container.database),
        ProgressRepository(container.database),
        (get(BookingQueries), get(PaymentQueries)),
        (get(MovementCheck), _findings(container)),
        container.clock,
    )


@reconciliation.provide
def reconciler(container: Container) -> Reconciliation:
    """Raises PaymentsOff if no key of Stripe is set."""
    get, clock = container.get, container.clock
    progress, findings = ProgressRepository(container.database), _findings(container)
    return Reconciliation(
        MissedEvents(get(StripeHistory), get(StripeInbox), progress, clock),
        get(MovementCheck),
        get(AccountCheck),
        AttemptCheck(get(PaymentQueries), findings, clock),
        findings,
        clock,
    )


def _findings(container: Container) -> Findings:
    return Findings(FindingRepository(container.database), container.clock)
