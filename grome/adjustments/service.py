"""Goodwill to barbers and write-offs of their debts, each stored and booked in one transaction."""

from uuid import UUID

from msgspec import Struct

from grome.adjustments.errors import DebtSmaller
from grome.adjustments.models import Adjustment, AdjustmentEntry, AdjustmentKind, adjustment_id_for
from grome.adjustments.repository import AdjustmentRepository
from grome.adjustments.schemas import AdjustmentOut, GoodwillIn, WriteOffIn, adjustment_out
from grome.barbers.service import BarberService
from grome.bookings.errors import KeyReused
from grome.bookings.queries import BookingQueries
from grome.common.actor import Actor
from grome.common.clock import Clock
from grome.common.errors import Invalid, NotFound
from grome.common.ids import new_id
from grome.common.origin import origin_by
from grome.infrastructure.idempotency import fingerprint_of
from grome.infrastructure.mongo.transactions import Session, Transaction, Transactions
from grome.infrastructure.outbox.models import EventType, MovedMoney
from grome.ledger.models import barber_payable
from grome.ledger.postings import Entries, Subject, goodwill_to_barber, write_off
from grome.ledger.service import Ledger


class _Order(Struct, frozen=True, kw_only=True):
    """The adjustment that a request asks for."""

    id: UUID
    barber_id: UUID
    kind: AdjustmentKind
    wanted: GoodwillIn | WriteOffIn
    fingerprint: bytes
    booking_id: UUID | None = None


class Adjustments:
    """Adjusts balances. The same key and body again changes nothing, and returns the same adjustment."""

    def __init__(
        self,
        adjustments: AdjustmentRepository,
        ledger: Ledger,
        barbers: BarberService,
        bookings: BookingQueries,
        transactions: Transactions,
        clock: Clock,
    ) -> None:
        self._adjustments, self._ledger, self._barbers, self._bookings = adjustments, ledger, barbers, bookings
        self._transactions, self._clock = transactions, clock

    async def give_goodwill(self, actor: Actor, barber_id: UUID, wanted: GoodwillIn, key: str | None) -> AdjustmentOut:
        """Give a barber money of the platform; it is paid out with the next payout.

        Raises NotFound without a profile, Invalid for a currency other than the profile's and for a booking of another
        barber, and KeyReused.
        """
        barber = await self._barbers.get(barber_id)
        if wanted.currency != barber.currency:
            raise Invalid("currency", f"is not {barber.currency}, the currency of the barber's prices")
        if wanted.booking_id:
            booking = (await self._bookings.find_many([wanted.booking_id])).get(wanted.booking_id)
            if booking is None or booking.barber_id != barber_id:
                raise Invalid("booking_id", "is not the id of a booking of this barber")
        order = _order(actor, barber_id, AdjustmentKind.GOODWILL, wanted, key)
        return await self._carry_out(actor, order)

    async def write_off(self, actor: Actor, barber_id: UUID, wanted: WriteOffIn, key: str | None) -> AdjustmentOut:
        """Give up money that a barber owes, with or without a profile.

        Raises NotFound for an account without a profile and a debt, DebtSmaller and KeyReused.
        """
        return await self._carry_out(actor, _order(actor, barber_id, AdjustmentKind.WRITE_OFF, wanted, key))

    async def _carry_out(self, actor: Actor, order: _Order) -> AdjustmentOut:
        async def carry_out(transaction: Transaction) -> Adjustment:
            session = transaction.session
            if known := await self._adjustments.find(session, order.id):
                if known.fingerprint != order.fingerprint:
                    raise KeyReused
                return known
            if order.kind is AdjustmentKind.WRITE_OFF:
                await self._check_debt(session, order)
            adjustment = self._build(actor, order, 1 + await self._adjustments.last_number(session, order.barber_id))
            await self._adjustments.insert(session, adjustment)
            await self._ledger.post(session, *_entries_of(adjustment))
            return adjustment

        return adjustment_out(await self._transactions.run(order.barber_id, carry_out))

    async def _check_debt(self, session: Session, order: _Order) -> None:
        """Raise DebtSmaller if the barber owes less than the amount. Earnings of this moment may reduce the debt."""
        wanted = order.wanted
        balance = await self._ledger.balance(barber_payable(order.barber_id), wanted.currency, session)
        debt = max(balance, 0)
        if not debt and await self._barbers.find(order.barber_id) is None:
            raise NotFound
        if wanted.amount > debt:
            raise DebtSmaller(f"The barber owes {debt} minor units of {wanted.currency}.")

    def _build(self, actor: Actor, order: _Order, number: int) -> Adjustment:
        wanted, is_goodwill = order.wanted, order.kind is AdjustmentKind.GOODWILL
        entry = AdjustmentEntry(
            id=new_id(),
            type=EventType.ADJUSTMENT_GOODWILL if is_goodwill else EventType.ADJUSTMENT_WRITE_OFF,
            at=self._clock(),
            actor_id=actor.id,
            money=MovedMoney(wanted.amount, wanted.currency),
            reason=wanted.reason,
            origin=origin_by(actor.id),
        )
        return Adjustment(
            id=order.id,
            barber_id=order.barber_id,
            number=number,
            kind=order.kind,
            amount=wanted.amount,
            currency=wanted.currency,
            booking_id=order.booking_id,
            fingerprint=order.fingerprint,
            outbox=[entry],
        )


def _order(
    actor: Actor, barber_id: UUID, kind: AdjustmentKind, wanted: GoodwillIn | WriteOffIn, key: str | None
) -> _Order:
    return _Order(
        id=adjustment_id_for(actor.id, key) if key else new_id(),
        barber_id=barber_id,
        kind=kind,
        wanted=wanted,
        fingerprint=fingerprint_of(wanted, f"{kind} {barber_id}".encode()),
        booking_id=wanted.booking_id if isinstance(wanted, GoodwillIn) else None,
    )


def _entries_of(adjustment: Adjustment) -> Entries:
    if adjustment.kind is AdjustmentKind.GOODWILL:
        return goodwill_to_barber(
            goodwill_id=adjustment.id,
            barber_id=adjustment.barber_id,
            booking_id=adjustment.booking_id,
            amount=adjustment.amount,
            currency=adjustment.currency,
            reason=adjustment.entry.reason,
            at=adjustment.entry.at,
        )
    return write_off(
        write_off_id=adjustment.id,
        account=barber_payable(adjustment.barber_id),
        amount=adjustment.amount,
        currency=adjustment.currency,
        reason=adjustment.entry.reason,
        at=adjustment.entry.at,
        about=Subject(barber_id=adjustment.barber_id),
    )
