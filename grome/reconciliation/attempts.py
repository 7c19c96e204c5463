"""Report operations at Stripe that have no final answer for a long time."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from grome.common.clock import Clock
from grome.infrastructure.isolated_items import Tally, for_each
from grome.payments.models import Payment
from grome.payments.queries import PaymentQueries
from grome.reconciliation.findings import Findings
from grome.reconciliation.models import Difference, FindingKind

_STUCK_AFTER: Final = timedelta(hours=1)
_BATCH: Final = 200


class AttemptCheck:
    def __init__(self, payments: PaymentQueries, findings: Findings, clock: Clock) -> None:
        self._payments, self._findings, self._clock = payments, findings, clock

    async def run(self) -> Tally:
        """Report the payments with the oldest operations; they are run again each few minutes in any case."""
        stuck = await self._payments.list_stuck(self._clock() - _STUCK_AFTER, _BATCH)
        return await for_each(stuck, self._report, name="check_attempts")

    async def is_over(self, payment_id: UUID) -> bool:
        attempt = (await self._payments.get(payment_id)).attempt
        return attempt is None or attempt.at > self._clock() - _STUCK_AFTER

    async def _report(self, payment: Payment) -> None:
        if attempt := payment.attempt:
            await self._findings.report(
                Difference(
                    kind=FindingKind.STUCK_ATTEMPT,
                    subject=str(payment.id),
                    amount=attempt.amount or payment.amount,
                    currency=payment.currency,
                    objects=(str(payment.booking_id), attempt.key_of(payment.id)),
                    note=f"{attempt.op.value} since {attempt.at:%Y-%m-%d %H:%M} UTC",
                )
            )
