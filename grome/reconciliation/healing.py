"""Repair a missing entry by a fresh look at the object that moved the money."""

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from loguru import logger

from grome.common.ids import new_id
from grome.infrastructure.mongo.transactions import Transactions
from grome.infrastructure.stripe.errors import StripeUnsureError
from grome.infrastructure.stripe.models import BalanceLine
from grome.infrastructure.transient_errors import is_transient
from grome.ledger.postings import bank_payout
from grome.ledger.service import Ledger
from grome.payments.inbox.models import PaymentEvents

# Money between Stripe and the platform's bank account has no object of ours.
_BANK: Final = frozenset({"payout", "payout_cancel", "payout_failure"})


class TransferEvents(Protocol):
    """Applies the current state of a transfer; it may be called any number of times."""

    async def transfer_changed(self, transfer_id: str) -> None: ...


class Healer:
    def __init__(
        self, payments: PaymentEvents, transfers: TransferEvents, ledger: Ledger, transactions: Transactions
    ) -> None:
        self._ledger, self._transactions = ledger, transactions
        self._looks: dict[str, Callable[[str], Awaitable[None]]] = {
            "ch": payments.charge_changed,
            "py": payments.charge_changed,
            "re": payments.refund_changed,
            "pyr": payments.refund_changed,
            "dp": payments.dispute_changed,
            "du": payments.dispute_changed,
            "tr": transfers.transfer_changed,
        }

    async def heal(self, line: BalanceLine) -> str:
        """Look at the source of a movement, after which its entry may be posted.

        Returns the error of the look; it is empty without an error. Raises StripeUnsureError, and transient faults of
        MongoDB and Redis.
        """
        try:
            if line.type in _BANK:
                await self._transactions.run(
                    new_id(),
                    lambda transaction: self._ledger.post(transaction.session, *bank_payout(line=line)),
                )
            elif look := self._looks.get((line.source or "").partition("_")[0]):
                await look(line.source or "")
        except StripeUnsureError:
            raise
        # Any other error is part of the finding.
        except Exception as error:
            if is_transient(error):
                raise
            logger.opt(exception=error).error("Reconciliation: {} of {} cannot be applied", line.id, line.source)
            return f"{type(error).__name__}: {error}"
        return ""
