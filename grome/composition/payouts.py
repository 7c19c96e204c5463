"""Payouts to barbers, and their accounts at Stripe."""

from grome.accounts.service import AccountService
from grome.barbers.service import BarberService
from grome.infrastructure.container import Container, Providers
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.mongo.budgets import Budgets
from grome.infrastructure.mongo.transactions import Transactions
from grome.infrastructure.stripe.connect import StripeConnect
from grome.ledger.payables import Payables
from grome.ledger.service import Ledger
from grome.payouts.balances import BarberBalances
from grome.payouts.decisions import PayoutDecider
from grome.payouts.onboarding import OnboardingSettings, PayoutOnboarding
from grome.payouts.payout_jobs import PayoutJobs
from grome.payouts.planner import PayoutPlanner
from grome.payouts.queries import PayoutQueries
from grome.payouts.repository import PayoutAccountRepository, PayoutRepository
from grome.payouts.sender import PayoutSender
from grome.payouts.service import PayoutService

payouts = Providers()


@payouts.provide
def payables(container: Container) -> Payables:
    return Payables(container.database)


@payouts.provide
def payout_repository(container: Container) -> PayoutRepository:
    return PayoutRepository(container.database)


@payouts.provide
def payout_account_repository(container: Container) -> PayoutAccountRepository:
    return PayoutAccountRepository(container.database)


@payouts.provide
def payout_onboarding(container: Container) -> PayoutOnboarding:
    get, settings = container.get, container.settings
    return PayoutOnboarding(
        get(PayoutAccountRepository),
        get(StripeConnect),
        get(BarberService),
        get(AccountService),
        get(Budgets),
        OnboardingSettings(settings.stripe.country, settings.http.app_base),
        container.clock,
    )


@payouts.provide
def payout_jobs(container: Container) -> PayoutJobs:
    return PayoutJobs(container.get(JobQueue))


@payouts.provide
def barber_balances(container: Container) -> BarberBalances:
    get = container.get
    return BarberBalances(
        get(PayoutRepository),
        get(PayoutAccountRepository),
        get(Payables),
        get(Ledger),
        container.settings.payouts,
        container.clock,
    )


@payouts.provide
def payout_decider(container: Container) -> PayoutDecider:
    get, minimum = container.get, container.settings.payouts.minimum
    return PayoutDecider(get(PayoutRepository), get(BarberBalances), get(Ledger), minimum, container.clock)


@payouts.provide
def payout_planner(container: Container) -> PayoutPlanner:
    get = container.get
    return PayoutPlanner(
        get(PayoutRepository),
        get(PayoutAccountRepository),
        get(PayoutDecider),
        get(Transactions),
        get(PayoutJobs),
        container.settings.payouts,
        container.clock,
    )


@payouts.provide
def payout_sender(container: Container) -> PayoutSender:
    get = container.get
    return PayoutSender(
        get(PayoutRepository),
        get(StripeConnect),
        get(Ledger),
        get(Transactions),
        get(PayoutJobs),
        container.clock,
    )


@payouts.provide
def payout_queries(container: Container) -> PayoutQueries:
    return PayoutQueries(container.get(PayoutRepository), container.get(Payables))


@payouts.provide
def payout_service(container: Container) -> PayoutService:
    get = container.get
    return PayoutService(
        get(PayoutRepository), get(PayoutAccountRepository), get(PayoutPlanner), get(PayoutJobs), container.clock
    )
