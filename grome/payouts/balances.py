"""The balance of a barber: the one definition for payouts and for the barber."""

from datetime import datetime
from uuid import UUID

from config.sections.money import PayoutSettings
from grome.common.actor import Actor
from grome.common.clock import Clock
from grome.infrastructure.mongo.transactions import Session
from grome.ledger.payables import Payable, Payables
from grome.ledger.service import Ledger
from grome.payouts.repository import PayoutAccountRepository, PayoutRepository
from grome.payouts.schedule import next_period
from grome.payouts.schemas import BarberBalanceList, BarberBalanceOut


class BarberBalances:
    def __init__(
        self,
        payouts: PayoutRepository,
        accounts: PayoutAccountRepository,
        payables: Payables,
        ledger: Ledger,
        settings: PayoutSettings,
        clock: Clock,
    ) -> None:
        self._payouts, self._accounts, self._payables, self._ledger = payouts, accounts, payables, ledger
        self._settings, self._clock = settings, clock

    async def list_payable(self, session: Session, barber_id: UUID, until: datetime) -> list[Payable]:
        """Return the barber's balance in each currency, as a payout has it that pays entries up to `until`."""
        return [
            Payable(
                currency=sums.currency,
                balance=sums.payable,
                on_hold=await self._payables.credited_after(session, barber_id, sums.currency, until),
                disputed=await self._disputed(session, barber_id, sums.currency, until),
                held=sums.held,
            )
            for sums in await self._ledger.barber_sums(session, barber_id)
        ]

    async def read(self, actor: Actor) -> BarberBalanceList:
        """Return the barber's balance as the next payout has it; the list is empty before the first entry."""
        async with self._ledger.snapshot() as session:
            account = await self._accounts.find(actor.id, session)
            period = next_period(self._clock(), self._settings.schedule, planned=account.planned if account else "")
            payable = await self.list_payable(session, actor.id, period.paid_until(self._settings.hold_h))
        return BarberBalanceList([_balance_out(one) for one in payable])

    async def _disputed(self, session: Session, barber_id: UUID, currency: str, until: datetime) -> int:
        disputed = 0
        for credit in await self._payables.disputed_credits(session, barber_id, currency, until):
            # Money that was paid out before the dispute is not held back from other visits.
            if not await self._payouts.was_paid(
                session, barber_id, currency, at=credit.credited_at, before=credit.disputed_at
            ):
                disputed += credit.amount
        return disputed


def _balance_out(payable: Payable) -> BarberBalanceOut:
    return BarberBalanceOut(
        currency=payable.currency,
        available=payable.available,
        pending=payable.on_hold,
        disputed=payable.disputed,
        held=payable.held,
    )
