"""Build the journal entries of each event. Pure functions: the same event gives the same ids.

All of them return a tuple for `Ledger.post`; it is empty if no money moves. Money that settled in another currency than
it was charged in goes through the account `fx` by two entries.
"""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from grome.infrastructure.stripe.models import BalanceLine
from grome.ledger.errors import UnbalancedEntryError
from grome.ledger.models import (
    BANK,
    COMMISSION,
    DISPUTE_FEES,
    FX,
    GOODWILL,
    PROMO_PLATFORM,
    STRIPE,
    STRIPE_FEES,
    WRITE_OFFS,
    Entry,
    EntryKind,
    Line,
    barber_payable,
    disputes_held,
    held,
    payout_transit,
    refund_transit,
)
from grome.ledger.rules import RefundSplit


class Subject(Struct, frozen=True, kw_only=True):
    """The objects that an entry is about, for filters and statements."""

    booking_id: UUID | None = None
    payment_id: UUID | None = None
    barber_id: UUID | None = None


Entries = tuple[Entry, ...]


def payment_received(
    *, payment_id: UUID, booking_id: UUID, barber_id: UUID, amount: int, currency: str, line: BalanceLine, tip: bool
) -> Entries:
    """Book a charge less Stripe's fee. A tip is the barber's at once; other money is held until the visit is over."""
    about = Subject(booking_id=booking_id, payment_id=payment_id, barber_id=barber_id)
    kind = EntryKind.TIP_RECEIVED if tip else EntryKind.PAYMENT_RECEIVED
    account = barber_payable(barber_id) if tip else held(booking_id)
    return _settled(kind, f"{line.source or line.id}:received", line, about, {account: -amount}, currency)


def visit_released(
    *,
    payment_id: UUID,
    booking_id: UUID,
    barber_id: UUID,
    amount: int,
    commission: int,
    currency: str,
    at: datetime,
) -> Entries:
    """Give held money to the barber, less the commission: the visit is over, or its fee is due."""
    lines = {held(booking_id): amount, barber_payable(barber_id): commission - amount, COMMISSION: -commission}
    about = Subject(booking_id=booking_id, payment_id=payment_id, barber_id=barber_id)
    return _entry(EntryKind.VISIT_RELEASED, f"payment:{payment_id}:released", at, currency, about, lines)


def promo_funded(
    *, booking_id: UUID, barber_id: UUID, amount: int, commission: int, currency: str, at: datetime
) -> Entries:
    """Give the barber the discount that the platform bears, less the commission."""
    lines = {PROMO_PLATFORM: amount, barber_payable(barber_id): commission - amount, COMMISSION: -commission}
    about = Subject(booking_id=booking_id, barber_id=barber_id)
    return _entry(EntryKind.PROMO_FUNDED, promo_entry_id(booking_id), at, currency, about, lines)


def promo_entry_id(booking_id: UUID) -> str:
    """Return the id of the one entry that pays a booking's promo to the barber."""
    return f"booking:{booking_id}:promo"


def refund_created(
    *,
    refund_id: UUID,
    payment_id: UUID,
    booking_id: UUID,
    barber_id: UUID,
    split: RefundSplit,
    currency: str,
    at: datetime,
) -> Entries:
    """Take a decided refund from the accounts that bear it."""
    lines = _borne_by(split, booking_id, barber_id) | {refund_transit(refund_id): -split.total}
    about = Subject(booking_id=booking_id, payment_id=payment_id, barber_id=barber_id)
    return _entry(EntryKind.REFUND_CREATED, f"refund:{refund_id}:created", at, currency, about, lines)


def refund_reversed(
    *,
    refund_id: UUID,
    payment_id: UUID,
    booking_id: UUID,
    barber_id: UUID,
    split: RefundSplit,
    currency: str,
    at: datetime,
) -> Entries:
    """Mirror `refund_created`: the refund failed or was canceled. `split` is the split of the refund."""
    lines = _borne_by(-split, booking_id, barber_id) | {refund_transit(refund_id): split.total}
    about = Subject(booking_id=booking_id, payment_id=payment_id, barber_id=barber_id)
    reverses = f"refund:{refund_id}:created"
    return _entry(
        EntryKind.REFUND_REVERSED, f"refund:{refund_id}:reversed", at, currency, about, lines, reverses=reverses
    )


def refund_paid(
    *, refund_id: UUID, payment_id: UUID, booking_id: UUID, amount: int, currency: str, line: BalanceLine
) -> Entries:
    """Book that the money of a refund has left the balance at Stripe."""
    about = Subject(booking_id=booking_id, payment_id=payment_id)
    return _settled(
        EntryKind.REFUND_PAID, f"refund:{refund_id}:paid", line, about, {refund_transit(refund_id): amount}, currency
    )


def refund_returned(
    *, refund_id: UUID, payment_id: UUID, booking_id: UUID, amount: int, currency: str, line: BalanceLine
) -> Entries:
    """Book that the money of a failed refund is back in the balance at Stripe."""
    about = Subject(booking_id=booking_id, payment_id=payment_id)
    return _settled(
        EntryKind.REFUND_RETURNED,
        f"refund:{refund_id}:returned",
        line,
        about,
        {refund_transit(refund_id): -amount},
        currency,
    )


def payout_created(*, payout_id: UUID, barber_id: UUID, amount: int, currency: str, at: datetime) -> Entries:
    """Take a decided payout from the barber's balance."""
    lines = {barber_payable(barber_id): amount, payout_transit(payout_id): -amount}
    return _entry(
        EntryKind.PAYOUT_CREATED, f"payout:{payout_id}:created", at, currency, Subject(barber_id=barber_id), lines
    )


def payout_paid(*, payout_id: UUID, barber_id: UUID, amount: int, currency: str, line: BalanceLine) -> Entries:
    """Book that Stripe has transferred a payout to the barber's account."""
    about = Subject(barber_id=barber_id)
    return _settled(
        EntryKind.PAYOUT_PAID, f"payout:{payout_id}:paid", line, about, {payout_transit(payout_id): amount}, currency
    )


def payout_returned(*, payout_id: UUID, barber_id: UUID, amount: int, currency: str, line: BalanceLine) -> Entries:
    """Book that a reversed transfer, or a part of it, is back in the balance at Stripe."""
    about, lines = Subject(barber_id=barber_id), {payout_transit(payout_id): -amount}
    return _settled(EntryKind.PAYOUT_RETURNED, f"payout:{payout_id}:returned:{line.id}", line, about, lines, currency)


def payout_reversed(
    *, payout_id: UUID, barber_id: UUID, amount: int, currency: str, at: datetime, part: str = ""
) -> Entries:
    """Mirror `payout_created`: the payout failed. `part` names the balance transaction of a partial reversal."""
    lines = {payout_transit(payout_id): amount, barber_payable(barber_id): -amount}
    about, suffix = Subject(barber_id=barber_id), f":{part}" if part else ""
    reverses = f"payout:{payout_id}:created"
    return _entry(
        EntryKind.PAYOUT_REVERSED, f"payout:{payout_id}:reversed{suffix}", at, currency, about, lines, reverses=reverses
    )


def dispute_opened(
    *, dispute_id: str, payment_id: UUID, booking_id: UUID, amount: int, currency: str, line: BalanceLine
) -> Entries:
    """Book the money that Stripe withdraws for a dispute, and its fee."""
    about, lines = Subject(booking_id=booking_id, payment_id=payment_id), {disputes_held(dispute_id): amount}
    entry_id = f"{dispute_id}:withdrawn:{line.id}"
    return _settled(EntryKind.DISPUTE_OPENED, entry_id, line, about, lines, currency, fees=DISPUTE_FEES)


def dispute_won(
    *, dispute_id: str, payment_id: UUID, booking_id: UUID, amount: int, currency: str, line: BalanceLine
) -> Entries:
    """Book the money that Stripe reinstates after a dispute."""
    about, lines = Subject(booking_id=booking_id, payment_id=payment_id), {disputes_held(dispute_id): -amount}
    entry_id = f"{dispute_id}:reinstated:{line.id}"
    return _settled(EntryKind.DISPUTE_WON, entry_id, line, about, lines, currency, fees=DISPUTE_FEES)


def dispute_lost(
    *,
    dispute_id: str,
    payment_id: UUID,
    booking_id: UUID,
    barber_id: UUID,
    split: RefundSplit,
    currency: str,
    at: datetime,
) -> Entries:
    """Take the disputed money from the accounts that bear it; it is split like a refund."""
    lines = _borne_by(split, booking_id, barber_id) | {disputes_held(dispute_id): -split.total}
    about = Subject(booking_id=booking_id, payment_id=payment_id, barber_id=barber_id)
    return _entry(EntryKind.DISPUTE_LOST, f"{dispute_id}:lost", at, currency, about, lines)


def goodwill_to_barber(
    *,
    goodwill_id: UUID,
    barber_id: UUID,
    booking_id: UUID | None,
    amount: int,
    currency: str,
    reason: str,
    at: datetime,
) -> Entries:
    """Give the barber money of the platform."""
    about, lines = (
        Subject(booking_id=booking_id, barber_id=barber_id),
        {
            GOODWILL: amount,
            barber_payable(barber_id): -amount,
        },
    )
    return _entry(EntryKind.GOODWILL, f"goodwill:{goodwill_id}", at, currency, about, lines, memo=reason)


def write_off(
    *, write_off_id: UUID, account: str, amount: int, currency: str, reason: str, at: datetime, about: Subject
) -> Entries:
    """Reduce the balance of an account by `amount`, which is signed, e.g. the debt of a barber."""
    lines = {WRITE_OFFS: amount, account: -amount}
    return _entry(EntryKind.WRITE_OFF, f"write_off:{write_off_id}", at, currency, about, lines, memo=reason)


def bank_payout(*, line: BalanceLine) -> Entries:
    """Book money between the balance at Stripe and the platform's bank account."""
    return _settled(EntryKind.BANK_PAYOUT, f"{line.id}:bank", line, Subject(), {BANK: -line.amount}, line.currency)


def _borne_by(split: RefundSplit, booking_id: UUID, barber_id: UUID) -> dict[str, int]:
    return {
        held(booking_id): split.held,
        barber_payable(barber_id): split.barber,
        COMMISSION: split.commission,
        GOODWILL: split.goodwill,
    }


def _settled(
    kind: EntryKind,
    entry_id: str,
    line: BalanceLine,
    about: Subject,
    lines: dict[str, int],
    currency: str,
    *,
    fees: str = STRIPE_FEES,
) -> Entries:
    """Balance `lines`, which are in the charge's currency, with a movement of the balance at Stripe."""
    stripe = {STRIPE: line.net, fees: line.fee}
    if line.currency == currency:
        return _entry(kind, entry_id, line.created, currency, about, lines | stripe, external_ref=line.id)
    charged = _entry(kind, f"{entry_id}:fx", line.created, currency, about, lines | {FX: -sum(lines.values())})
    settled = stripe | {FX: -line.amount}
    return (*charged, *_entry(kind, entry_id, line.created, line.currency, about, settled, external_ref=line.id))


def _entry(  # noqa: PLR0913 -- the fields of an entry
    kind: EntryKind,
    entry_id: str,
    at: datetime,
    currency: str,
    about: Subject,
    lines: dict[str, int],
    *,
    reverses: str | None = None,
    external_ref: str | None = None,
    memo: str = "",
) -> Entries:
    if sum(lines.values()):
        raise UnbalancedEntryError(f"the lines of {entry_id} add up to {sum(lines.values())} {currency}")
    moved = [Line(account, amount) for account, amount in lines.items() if amount]
    if not moved:
        return ()
    entry = Entry(
        id=entry_id,
        kind=kind,
        at=at,
        currency=currency,
        lines=moved,
        booking_id=about.booking_id,
        payment_id=about.payment_id,
        barber_id=about.barber_id,
        reverses=reverses,
        external_ref=external_ref,
        memo=memo,
    )
    return (entry,)
