"""Plan payouts: one for each barber, currency and period, however often it runs."""

from typing import Final
from uuid import UUID

from config.sections.money import PayoutSettings
from grome.common.clock import Clock
from grome.infrastructure.isolated_items import Sweep, Tally
from grome.infrastructure.mongo.transactions import Transaction, Transactions
from grome.payouts.decisions import Decision, PayoutDecider
from grome.payouts.errors import PayoutNotRetryable
from grome.payouts.models import Payout, payout_id_for
from grome.payouts.payout_jobs import PayoutJobs
from grome.payouts.repository import PayoutAccountRepository, PayoutRepository
from grome.payouts.schedule import period_at

_BATCH: Final = 200


class PayoutPlanner:
    def __init__(
        self,
        payouts: PayoutRepository,
        accounts: PayoutAccountRepository,
        decider: PayoutDecider,
        transactions: Transactions,
        jobs: PayoutJobs,
        settings: PayoutSettings,
        clock: Clock,
    ) -> None:
        self._payouts, self._accounts, self._decider = payouts, accounts, decider
        self._transactions, self._jobs, self._settings, self._clock = transactions, jobs, settings, clock
        self._due = Sweep("plan_payouts", self._list_due, _BATCH)
        self._open = Sweep("send_payouts", payouts.list_open, _BATCH)

    async def plan(self) -> Tally:
        """Decide the payouts of the current period, and add the jobs of all payouts that are not transferred yet."""
        planned = await self._due.run(self.plan_barber)
        return planned + await self._open.run(self._resume)

    async def plan_barber(self, barber_id: UUID) -> list[Payout]:
        """Decide the payouts to a barber, unless a decision was made in this period, and return them."""
        decision = self._decision()

        async def decide(transaction: Transaction) -> list[Payout]:
            account = await self._accounts.begin_decision(transaction.session, barber_id, decision.period)
            return await self._decider.decide(transaction.session, account, decision) if account else []

        made = await self._transactions.run(barber_id, decide)
        for payout in made:
            await self._jobs.ensure(payout)
        return made

    async def replace(self, actor_id: UUID, old: Payout) -> Payout:
        """Pay the balance of a failed or returned payout now, and return the new payout; a repeat returns the same.

        Raises PayoutNotRetryable if there is nothing to pay, or the account cannot be paid.
        """
        current = self._decision()
        decision = Decision(f"{old.period}+", current.until, actor_id)

        async def decide(transaction: Transaction) -> Payout:
            session, payout_id = transaction.session, payout_id_for(old.barber_id, old.currency, decision.period)
            if existing := await self._payouts.find(payout_id, session=session):
                return existing
            account = await self._accounts.begin_decision(session, old.barber_id, None)
            if account is None:
                raise PayoutNotRetryable("The barber's account cannot be paid now.")
            made = await self._decider.decide(session, account, decision, old.currency)
            if not made:
                raise PayoutNotRetryable("There is nothing to pay now.")
            return made[0]

        made = await self._transactions.run(old.barber_id, decide)
        if made.open:
            await self._jobs.ensure(made)
        return made

    def _decision(self) -> Decision:
        period = period_at(self._clock(), self._settings.schedule)
        return Decision(period.name, period.paid_until(self._settings.hold_h))

    async def _list_due(self, after: UUID | None, limit: int) -> list[UUID]:
        return await self._accounts.list_due(self._decision().period, after, limit)

    async def _resume(self, payout_id: UUID) -> None:
        payout = await self._payouts.find(payout_id)
        if payout and payout.open:
            await self._jobs.ensure(payout)
