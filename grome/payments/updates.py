"""Change payments with optimistic locking: a change and its ledger entries are one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from grome.common.clock import Clock
from grome.common.errors import NotFound
from grome.common.ids import new_id
from grome.common.origin import origin_by
from grome.infrastructure.figures import count
from grome.infrastructure.mongo.client import Document
from grome.infrastructure.mongo.transactions import Transaction, Transactions
from grome.infrastructure.outbox.models import EventType
from grome.ledger.models import Entry
from grome.ledger.service import Ledger
from grome.payments.errors import PaymentBusy
from grome.payments.models import MAX_ENTRIES, Payment, PaymentEntry, PaymentState
from grome.payments.repository import PaymentRepository

# No plausible concurrency makes an update lose this many times in a row.
_ATTEMPTS: Final = 8
# Entries that customers can repeat with one card after another.
REPEATABLE: Final = frozenset(
    {
        EventType.PAYMENT_CREATED,
        EventType.PAYMENT_REQUIRES_ACTION,
        EventType.PAYMENT_PROCESSING,
        EventType.PAYMENT_FAILED,
        EventType.PAYMENT_CANCELED,
        EventType.PAYMENT_LAPSED,
    }
)
_KEPT_FOR_MONEY: Final = 200
# A changed payment is looked at again after this time, in case the process dies before it takes the next step.
CHECK_AFTER: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Happening:
    """Holds the facts of a history entry."""

    type: EventType
    amount: int = 0
    note: str = ""
    actor_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentChange:
    """Holds the new state, the fields by their paths, the history entries and the ledger entries of a change."""

    state: PaymentState
    fields: Document = field(default_factory=dict)
    happenings: Sequence[Happening] = ()
    postings: Sequence[Entry] = ()


# Called with the payment as read and the time. Returns None if nothing has to change; raises an ApiError if the change
# is not allowed.
ChangeRule = Callable[[Payment, datetime], PaymentChange | None]


class PaymentUpdater:
    """Applies all changes of existing payments."""

    def __init__(self, payments: PaymentRepository, ledger: Ledger, transactions: Transactions, clock: Clock) -> None:
        self._payments, self._ledger, self._transactions, self._clock = payments, ledger, transactions, clock

    async def update(self, payment_id: UUID, rule: ChangeRule) -> Payment:
        """Apply the change that `rule` returns, and return the payment as written; unchanged if there is no change.

        Raises NotFound, PaymentBusy after many lost races, and the errors of `rule`.
        """
        for _ in range(_ATTEMPTS):
            payment = await self._payments.find({}, payment_id)
            if payment is None:
                raise NotFound
            change = rule(payment, self._clock())
            if change is None:
                return payment
            if written := await self._write(payment, change):
                for happening in change.happenings:
                    count("payment_changes", happening.type.value, payment.currency)
                    count("payment_amounts", happening.type.value, payment.currency, by=happening.amount)
                return written
        raise PaymentBusy

    async def _write(self, payment: Payment, change: PaymentChange) -> Payment | None:
        """Write the change; return None if the payment has changed since it was read."""
        now = self._clock()
        told = [each for each in change.happenings if has_room(payment, each)]
        entries = [
            PaymentEntry(
                id=new_id(),
                version=payment.version + number,
                type=each.type,
                state=change.state,
                at=now,
                amount=each.amount,
                currency=payment.currency,
                actor_id=each.actor_id,
                note=each.note,
                origin=origin_by(each.actor_id),
            )
            for number, each in enumerate(told, start=1)
        ]
        fields: Document = {
            "check_at": now + CHECK_AFTER,
            **change.fields,
            "state": change.state.value,
            "updated_at": now,
        }
        if not change.postings:
            return await self._payments.update_if_version(None, payment, fields, entries)

        async def work(transaction: Transaction) -> Payment | None:
            written = await self._payments.update_if_version(transaction.session, payment, fields, entries)
            if written:
                await self._ledger.post(transaction.session, *change.postings)
            return written

        return await self._transactions.run(payment.id, work)


def has_room(payment: Payment, happening: Happening) -> bool:
    """Return whether the history takes a further entry of this type.

    A customer can have cards declined without end, so the last entries are left to money that moves.
    """
    return happening.type not in REPEATABLE or len(payment.history) < MAX_ENTRIES - _KEPT_FOR_MONEY
