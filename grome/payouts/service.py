"""Interventions of admins: payouts made again, and payouts held."""

from typing import Any, Final
from uuid import UUID

from grome.common.actor import Actor
from grome.common.clock import Clock
from grome.common.errors import NotFound, Unavailable
from grome.common.ids import new_id
from grome.common.origin import origin_by
from grome.infrastructure.mongo.client import to_document
from grome.infrastructure.outbox.models import EventType
from grome.payouts.account_states import account_out
from grome.payouts.errors import PayoutNotRetryable
from grome.payouts.models import AccountEntry, PayoutHold, PayoutState
from grome.payouts.payout_jobs import PayoutJobs
from grome.payouts.planner import PayoutPlanner
from grome.payouts.repository import PayoutAccountRepository, PayoutRepository
from grome.payouts.schemas import AccountOut, PayoutOut, payout_out

_ATTEMPTS: Final = 8


class PayoutService:
    def __init__(
        self,
        payouts: PayoutRepository,
        accounts: PayoutAccountRepository,
        planner: PayoutPlanner,
        jobs: PayoutJobs,
        clock: Clock,
    ) -> None:
        self._payouts, self._accounts, self._planner, self._jobs = payouts, accounts, planner, jobs
        self._clock = clock

    async def retry(self, actor: Actor, payout_id: UUID) -> PayoutOut:
        """Run the job of an open payout again, or replace a failed or returned payout.

        Raises NotFound, and PayoutNotRetryable.
        """
        payout = await self._payouts.find(payout_id)
        if payout is None:
            raise NotFound
        if payout.open:
            await self._jobs.ensure(payout)
            return payout_out(payout)
        if payout.state is PayoutState.SENT:
            raise PayoutNotRetryable("The payout is sent.")
        return payout_out(await self._planner.replace(actor.id, payout))

    async def hold(self, actor: Actor, barber_id: UUID, reason: str) -> AccountOut:
        """Stop payouts to a barber; payouts that are decided already are sent all the same. Raises NotFound."""
        hold = PayoutHold(reason, actor.id, self._clock())
        return await self._change(actor, barber_id, EventType.PAYOUT_HELD, {"hold": to_document(hold)}, reason)

    async def release(self, actor: Actor, barber_id: UUID, reason: str) -> AccountOut:
        """Allow payouts to a barber again. Raises NotFound without an account or a hold."""
        return await self._change(actor, barber_id, EventType.PAYOUT_HOLD_ENDED, {"hold": None}, reason)

    async def _change(
        self, actor: Actor, barber_id: UUID, kind: EventType, fields: dict[str, Any], reason: str
    ) -> AccountOut:
        for _ in range(_ATTEMPTS):
            account = await self._accounts.find(barber_id)
            if account is None:
                raise NotFound("The barber has no payout account.")
            if kind is EventType.PAYOUT_HOLD_ENDED and account.hold is None:
                raise NotFound("The barber's payouts are not held.")
            now = self._clock()
            entry = AccountEntry(
                id=new_id(),
                version=account.version + 1,
                type=kind,
                at=now,
                actor_id=actor.id,
                note=reason,
                origin=origin_by(actor.id),
            )
            if stored := await self._accounts.update(account, {**fields, "updated_at": now}, entry):
                return account_out(stored)
        raise Unavailable("The account keeps changing; try again.")
