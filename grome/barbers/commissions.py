"""Agree on commissions with barbers. New bookings copy the rate; existing bookings and quotes keep theirs."""

from functools import partial
from uuid import UUID

from grome.barbers.change_feed import BarberChange, BarberChangeFeed
from grome.barbers.models import Commission, CommissionChange
from grome.barbers.repository import BarberRepository
from grome.barbers.schemas import CommissionChangeOut, CommissionDetails, CommissionIn, CommissionOut
from grome.common.actor import Actor
from grome.common.clock import Clock
from grome.common.errors import NotFound
from grome.common.ids import new_id
from grome.common.origin import origin_by
from grome.infrastructure.mongo.transactions import Transaction, Transactions


class Commissions:
    """Reads and changes rates; `ordinary_bp` is the rate of barbers without an agreement."""

    def __init__(
        self,
        barbers: BarberRepository,
        changes: BarberChangeFeed,
        transactions: Transactions,
        ordinary_bp: int,
        clock: Clock,
    ) -> None:
        self._barbers, self._changes, self._transactions = barbers, changes, transactions
        self._ordinary_bp, self._clock = ordinary_bp, clock

    async def read_own(self, actor: Actor) -> CommissionOut:
        """Return the rate of the actor's new bookings."""
        return self._rate_of(await self._barbers.read_commission(actor.id))

    async def read(self, barber_id: UUID) -> CommissionDetails:
        """Return the rate of a barber with its changes. Raises NotFound without a profile or an agreement."""
        commission = await self._barbers.read_commission(barber_id)
        if not commission.version and await self._barbers.find(barber_id) is None:
            raise NotFound
        rate = self._rate_of(commission)
        changes = [
            CommissionChangeOut(change.basis_points, change.before, change.reason, change.actor_id, change.at)
            for change in reversed(commission.outbox)
        ]
        return CommissionDetails(commission.id, rate.basis_points, rate.is_ordinary, changes)

    async def put(self, actor: Actor, barber_id: UUID, wanted: CommissionIn) -> CommissionDetails:
        """Set the rate of new bookings; the present rate again changes nothing. Raises NotFound without a profile."""

        async def change(transaction: Transaction) -> None:
            present = await self._barbers.read_commission(barber_id, transaction.session)
            if present.basis_points == wanted.basis_points:
                return
            entry = CommissionChange(
                id=new_id(),
                version=present.version + 1,
                basis_points=wanted.basis_points,
                before=present.basis_points,
                reason=wanted.reason,
                actor_id=actor.id,
                at=self._clock(),
                origin=origin_by(actor.id),
            )
            barber = await self._barbers.change_commission(transaction.session, barber_id, entry)
            if barber is None:
                raise NotFound
            transaction.on_commit(partial(self._changes.publish, BarberChange(barber)))

        await self._transactions.run(barber_id, change)
        return await self.read(barber_id)

    def _rate_of(self, commission: Commission) -> CommissionOut:
        agreed = commission.basis_points
        return CommissionOut(self._ordinary_bp if agreed is None else agreed, agreed is None)
