"""Payments, the ledger and payouts."""

from grome.infrastructure.container import Container, Providers
from grome.ledger.repository import LedgerRepository
from grome.ledger.service import Ledger

payments = Providers()


@payments.provide
def ledger(container: Container) -> Ledger:
    return Ledger(LedgerRepository(container.database))
