"""Transfer payouts at Stripe, and book their transfers and reversals."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from loguru import logger

from grome.common.clock import Clock
from grome.common.ids import new_id
from grome.infrastructure.mongo.client import to_document
from grome.infrastructure.mongo.transactions import Transaction, Transactions
from grome.infrastructure.outbox.models import EventType, MovedMoney
from grome.infrastructure.stripe.connect import StripeConnect
from grome.infrastructure.stripe.errors import StripeRejectedError, StripeUnsureError
from grome.infrastructure.stripe.models import BalanceLine, StripeTransfer
from grome.infrastructure.stripe.requests import NewTransfer
from grome.ledger.postings import payout_paid, payout_returned, payout_reversed
from grome.ledger.service import Ledger
from grome.payouts.models import MAX_REASON_LENGTH, Payout, PayoutEntry, PayoutState, TransferAttempt
from grome.payouts.payout_jobs import PayoutJobs
from grome.payouts.repository import PayoutRepository

# Stripe may forget a key after 24 h. Between the two bounds nothing is sent, so that a request that is under way has
# ended when the transfers are listed.
_FIRST_TRY: Final = timedelta(seconds=30)
_REPEAT_WITHIN: Final = timedelta(hours=22)
_LIST_AFTER: Final = timedelta(hours=23)
# The answer to a repeat that differs from the first request, which may have made a transfer.
_NOT_FINAL: Final = "idempotency_error"
PAYOUT_ID: Final = "payout_id"


class PayoutSender:
    def __init__(
        self,
        payouts: PayoutRepository,
        connect: StripeConnect,
        ledger: Ledger,
        transactions: Transactions,
        jobs: PayoutJobs,
        clock: Clock,
    ) -> None:
        self._payouts, self._connect, self._ledger = payouts, connect, ledger
        self._transactions, self._jobs, self._clock = transactions, jobs, clock

    async def send(self, payout_id: UUID) -> None:
        """Transfer an open payout, or take the transfer of a failed payout back.

        Raises StripeUnsureError if Stripe gave no final answer; the call must then be repeated.
        """
        payout = await self._payouts.find(payout_id)
        if payout is None or not payout.open:
            return
        if payout.state is PayoutState.CREATED:
            await self._transfer(payout)
        elif payout.transfer_id:
            await self._take_back(payout, payout.transfer_id)

    async def transfer_changed(self, transfer_id: str) -> None:
        """Apply the current state of a transfer; transfers that are no payouts are ignored."""
        transfer = await self._connect.get_transfer(transfer_id)
        payout_id = _payout_id_of(transfer)
        payout = await self._payouts.find(payout_id) if payout_id else None
        if payout is None:
            logger.warning("Transfer {} belongs to no payout", transfer_id)
            return
        await self._apply(payout, transfer)

    async def _transfer(self, payout: Payout) -> None:
        age = self._clock() - payout.attempt.at
        if age >= _REPEAT_WITHIN:
            if age < _LIST_AFTER:
                raise StripeUnsureError(f"payout {payout.id} waits until its last request has ended")
            transfer = await self._find_transfer(payout)
            if transfer is None:
                await self._begin_attempt(payout)
                return
        else:
            try:
                transfer = await self._connect.create_transfer(payout.transfer_key, transfer_request(payout))
            except StripeUnsureError:
                # Stripe answers a key with the same 500 again, even if the transfer was made.
                found = await self._find_transfer(payout) if age > _FIRST_TRY else None
                if found is None:
                    raise
                transfer = found
            except StripeRejectedError as error:
                if error.code == _NOT_FINAL:
                    raise StripeUnsureError(str(error)) from error
                await self._fail(payout, error)
                return
        await self._apply(payout, transfer)

    async def _find_transfer(self, payout: Payout) -> StripeTransfer | None:
        since = payout.created_at - timedelta(hours=1)
        found = [one for one in await self._connect.list_transfers(since) if _payout_id_of(one) == payout.id]
        return found[0] if found else None

    async def _begin_attempt(self, payout: Payout) -> None:
        """Begin another attempt, since the attempt before made no transfer; the next job executes it."""
        attempt = TransferAttempt(payout.attempt.n + 1, self._clock())
        begun = await self._payouts.update(payout, {"attempt": to_document(attempt), "updated_at": attempt.at}, None)
        if begun:
            await self._jobs.ensure(begun)

    async def _fail(self, payout: Payout, error: StripeRejectedError) -> None:
        """Give the money back to the barber's balance, once: the state is written in the same transaction."""
        now, reason = self._clock(), f"{error.code}: {error.message}"[:MAX_REASON_LENGTH]

        async def fail(transaction: Transaction) -> None:
            fields = {"state": PayoutState.FAILED.value, "failure": reason, "open": False, "updated_at": now}
            entry = self._entry(payout, EventType.PAYOUT_FAILED, PayoutState.FAILED, note=reason)
            if await self._payouts.update(payout, fields, entry, transaction.session):
                mirror = payout_reversed(
                    payout_id=payout.id,
                    barber_id=payout.barber_id,
                    amount=payout.amount,
                    currency=payout.currency,
                    at=now,
                )
                await self._ledger.post(transaction.session, *mirror)

        await self._transactions.run(payout.id, fail)

    async def _apply(self, payout: Payout, transfer: StripeTransfer) -> None:
        """Book a transfer and its reversals, each once, with the state that follows from them."""
        if transfer.balance is None:
            raise StripeUnsureError(f"transfer {transfer.id} has no balance transaction yet")
        line = transfer.balance

        async def apply(transaction: Transaction) -> Payout | None:
            current = await self._payouts.find(payout.id, session=transaction.session)
            if current is None or current.transfer_id not in {None, transfer.id}:
                # Another attempt has made a transfer too: reconciliation reports it with its amount.
                logger.error("Payout {} has another transfer than {}", payout.id, transfer.id)
                return None
            if current.transfer_id is None:
                current = await self._book_transfer(transaction, current, transfer, line)
            return await self._book_reversals(transaction, current, transfer)

        applied = await self._transactions.run(payout.id, apply)
        if applied and applied.open:
            await self._jobs.ensure(applied)

    async def _book_transfer(
        self, transaction: Transaction, payout: Payout, transfer: StripeTransfer, line: BalanceLine
    ) -> Payout:
        now = self._clock()
        fields: dict[str, Any] = {"transfer_id": transfer.id, "updated_at": now}
        entry = None
        if payout.state is PayoutState.CREATED:
            fields |= {"state": PayoutState.SENT.value, "open": False, "sent_at": now}
            entry = self._entry(payout, EventType.PAYOUT_SENT, PayoutState.SENT)
        else:
            # The money of a failed payout is payable again, and perhaps paid: a late transfer is taken back.
            fields |= {"open": True}
        booked = payout_paid(
            payout_id=payout.id,
            barber_id=payout.barber_id,
            amount=payout.amount,
            currency=payout.currency,
            line=line,
        )
        await self._ledger.post(transaction.session, *booked)
        return await self._update(transaction, payout, fields, entry)

    async def _book_reversals(self, transaction: Transaction, payout: Payout, transfer: StripeTransfer) -> Payout:
        """Book the reversals that are not booked yet: to the barber's balance, unless it has the money back already."""
        if transfer.amount_reversed <= payout.returned:
            return payout
        for line in transfer.reversal_lines:
            about: dict[str, Any] = {
                "payout_id": payout.id,
                "barber_id": payout.barber_id,
                "amount": line.amount,
                "currency": payout.currency,
            }
            entries = payout_returned(**about, line=line)
            if payout.state is not PayoutState.FAILED:
                entries += payout_reversed(**about, at=line.created, part=line.id)
            await self._ledger.post(transaction.session, *entries)
        returned = sum(line.amount for line in transfer.reversal_lines)
        is_whole = returned >= payout.amount
        fields: dict[str, Any] = {"returned": returned, "updated_at": self._clock()}
        if payout.state is PayoutState.FAILED:
            return await self._update(transaction, payout, fields | {"open": not is_whole}, None)
        state = PayoutState.RETURNED if is_whole else payout.state
        entry = self._entry(payout, EventType.PAYOUT_RETURNED, state, amount=returned - payout.returned)
        return await self._update(transaction, payout, fields | {"state": state.value}, entry)

    async def _take_back(self, payout: Payout, transfer_id: str) -> None:
        transfer = await self._connect.get_transfer(transfer_id)
        left = transfer.amount - transfer.amount_reversed
        if left > 0:
            # A refusal is stored under its key, so that each day has another. Stripe reverses no more than is left.
            key = f"grome:payout:{payout.id}:take_back:{self._clock():%Y%m%d}"
            await self._connect.reverse_transfer(key, transfer_id, left, payout.currency)
            transfer = await self._connect.get_transfer(transfer_id)
        await self._apply(payout, transfer)

    async def _update(
        self, transaction: Transaction, payout: Payout, fields: dict[str, Any], entry: PayoutEntry | None
    ) -> Payout:
        updated = await self._payouts.update(payout, fields, entry, transaction.session)
        assert updated is not None  # noqa: S101 -- read in the same transaction
        return updated

    def _entry(
        self, payout: Payout, kind: EventType, state: PayoutState, *, amount: int | None = None, note: str = ""
    ) -> PayoutEntry:
        """Build the entry of a change; its amount is the payout's unless another is given."""
        return PayoutEntry(
            id=new_id(),
            version=payout.version + 1,
            type=kind,
            state=state,
            at=self._clock(),
            money=MovedMoney(payout.amount if amount is None else amount, payout.currency),
            note=note,
        )


def transfer_request(payout: Payout) -> NewTransfer:
    """Build the request from stored values only: a repeat under the same key must be equal to the first."""
    return NewTransfer(
        amount=payout.amount,
        currency=payout.currency,
        destination=payout.destination,
        transfer_group=f"payout:{payout.id}",
        metadata={PAYOUT_ID: str(payout.id), "barber_id": str(payout.barber_id)},
    )


def _payout_id_of(transfer: StripeTransfer) -> UUID | None:
    try:
        return UUID(transfer.metadata.get(PAYOUT_ID, ""))
    except ValueError:
        return None
