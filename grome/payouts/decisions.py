"""Decide a payout from the ledger, and book it."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from grome.common.clock import Clock
from grome.common.ids import new_id
from grome.common.origin import origin_by
from grome.infrastructure.mongo.transactions import Session
from grome.infrastructure.outbox.models import EventType, MovedMoney
from grome.infrastructure.stripe.units import payout_step
from grome.ledger.payables import Payable
from grome.ledger.postings import payout_created
from grome.ledger.service import Ledger
from grome.payouts.amounts import amount_to_pay
from grome.payouts.balances import BarberBalances
from grome.payouts.models import (
    Payout,
    PayoutAccount,
    PayoutEntry,
    PayoutState,
    PayoutSums,
    TransferAttempt,
    payout_id_for,
)
from grome.payouts.repository import PayoutRepository


class Decision(Struct, frozen=True):
    """The period of a payout, and the time of the latest entries that it pays."""

    period: str
    until: datetime
    actor_id: UUID | None = None


class PayoutDecider:
    """Works in the caller's transaction, which has marked the decision on the account."""

    def __init__(
        self, payouts: PayoutRepository, balances: BarberBalances, ledger: Ledger, minimum: int, clock: Clock
    ) -> None:
        self._payouts, self._balances, self._ledger = payouts, balances, ledger
        self._minimum, self._clock = minimum, clock

    async def decide(
        self, session: Session, account: PayoutAccount, decision: Decision, currency: str | None = None
    ) -> list[Payout]:
        """Store a payout and its ledger entry for each currency, or for `currency`, in which there is money to pay."""
        payables = await self._balances.list_payable(session, account.id, decision.until)
        chosen = [payable for payable in payables if currency in {None, payable.currency}]
        decided = [await self._pay(session, account, payable, decision) for payable in chosen]
        return [payout for payout in decided if payout]

    async def _pay(
        self, session: Session, account: PayoutAccount, payable: Payable, decision: Decision
    ) -> Payout | None:
        currency = payable.currency
        amount, sums = amount_to_pay(payable, self._minimum, payout_step(currency))
        if not amount or account.stripe_id is None:
            return None
        since = await self._payouts.last_until(session, account.id, currency)
        payout = self._build(account.id, account.stripe_id, currency, amount, sums, since, decision)
        await self._payouts.insert(session, payout)
        created = payout_created(
            payout_id=payout.id,
            barber_id=payout.barber_id,
            amount=amount,
            currency=currency,
            at=payout.created_at,
        )
        await self._ledger.post(session, *created)
        return payout

    def _build(
        self,
        barber_id: UUID,
        destination: str,
        currency: str,
        amount: int,
        sums: PayoutSums,
        since: datetime | None,
        decision: Decision,
    ) -> Payout:
        now = self._clock()
        entry = PayoutEntry(
            id=new_id(),
            version=1,
            type=EventType.PAYOUT_CREATED,
            state=PayoutState.CREATED,
            at=now,
            money=MovedMoney(amount, currency),
            actor_id=decision.actor_id,
            origin=origin_by(decision.actor_id),
        )
        return Payout(
            id=payout_id_for(barber_id, currency, decision.period),
            barber_id=barber_id,
            amount=amount,
            currency=currency,
            period=decision.period,
            since=since,
            until=decision.until,
            sums=sums,
            destination=destination,
            state=PayoutState.CREATED,
            attempt=TransferAttempt(1, now),
            history=[entry],
            created_at=now,
            updated_at=now,
        )
