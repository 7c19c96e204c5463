"""Stripe, payments, the ledger and payouts."""

from grome.infrastructure.container import Container, Providers
from grome.infrastructure.stripe.client import StripeApi
from grome.infrastructure.stripe.connect import StripeConnect
from grome.infrastructure.stripe.customers import StripeCustomers
from grome.infrastructure.stripe.history import StripeHistory
from grome.infrastructure.stripe.payments import StripePayments
from grome.ledger.repository import LedgerRepository
from grome.ledger.service import Ledger

payments = Providers()


@payments.provide
def ledger(container: Container) -> Ledger:
    return Ledger(LedgerRepository(container.database))


@payments.provide
def stripe_api(container: Container) -> StripeApi:
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
