"""Journal entries of the double-entry ledger, and the names of its accounts."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct, field

# Sums of many payments: beyond the bound of one amount, within 64 bits.
LedgerAmount = Annotated[int, Meta(ge=-(2**53), le=2**53)]

STRIPE: Final = "stripe"  # asset: the platform's balance at Stripe
BANK: Final = "bank"  # asset: money that Stripe paid out to the platform's bank account
COMMISSION: Final = "commission"  # income
STRIPE_FEES: Final = "stripe_fees"  # expense, as are the accounts below
PROMO_PLATFORM: Final = "promo_platform"
DISPUTE_FEES: Final = "dispute_fees"
GOODWILL: Final = "goodwill"
WRITE_OFFS: Final = "write_offs"
FX: Final = "fx"
ROUNDING: Final = "rounding"
BARBERS_PAYABLE: Final = "barber_payable:"


def held(booking_id: UUID) -> str:
    """Return the liability for money of a visit that is not over yet; 0 for every ended booking."""
    return f"held:{booking_id}"


def barber_payable(barber_id: UUID) -> str:
    """Return the liability to a barber. A positive balance means that the barber owes money."""
    return f"{BARBERS_PAYABLE}{barber_id}"


def refund_transit(refund_id: UUID) -> str:
    """Return the clearing account of a refund between our decision and Stripe's balance."""
    return f"refund_transit:{refund_id}"


def payout_transit(payout_id: UUID) -> str:
    """Return the clearing account of a payout between our decision and Stripe's transfer."""
    return f"payout_transit:{payout_id}"


def disputes_held(dispute_id: str) -> str:
    """Return the clearing account of a dispute until it is won or lost."""
    return f"disputes_held:{dispute_id}"


class EntryKind(StrEnum):
    """The events that are booked; each has a function in `postings`."""

    PAYMENT_RECEIVED = "payment_received"
    TIP_RECEIVED = "tip_received"
    VISIT_RELEASED = "visit_released"
    PROMO_FUNDED = "promo_funded"
    REFUND_CREATED = "refund_created"
    REFUND_REVERSED = "refund_reversed"
    REFUND_PAID = "refund_paid"
    REFUND_RETURNED = "refund_returned"
    PAYOUT_CREATED = "payout_created"
    PAYOUT_REVERSED = "payout_reversed"
    PAYOUT_PAID = "payout_paid"
    PAYOUT_RETURNED = "payout_returned"
    DISPUTE_OPENED = "dispute_opened"
    DISPUTE_WON = "dispute_won"
    DISPUTE_LOST = "dispute_lost"
    GOODWILL = "goodwill"
    WRITE_OFF = "write_off"
    BANK_PAYOUT = "bank_payout"


class Line(Struct, frozen=True):
    """Debits `account` if `amount` is positive, and credits it if negative."""

    account: Annotated[str, Meta(max_length=120)]
    amount: LedgerAmount


class Entry(Struct, frozen=True, kw_only=True):
    """An immutable journal entry in one currency; the sum of its lines is 0.

    The id names the object and the event, e.g. `re_123:paid`, so that posting again changes nothing. `external_ref` is
    the balance transaction at Stripe that the entry books; each is booked once. `barber_id` is the barber of the visit
    or payout; the barber's statement shows the entries with a line on `barber_payable`. `seq`, `prev_hash` and `hash`
    are set once, when the entry is sealed.
    """

    id: Annotated[str, Meta(max_length=200)] = field(name="_id")
    kind: EntryKind
    at: datetime
    currency: str
    lines: Annotated[list[Line], Meta(min_length=2, max_length=12)]
    booking_id: UUID | None = None
    payment_id: UUID | None = None
    barber_id: UUID | None = None
    reverses: str | None = None
    external_ref: str | None = None
    memo: Annotated[str, Meta(max_length=300)] = ""
    seq: int | None = None
    prev_hash: bytes | None = None
    hash: bytes | None = None


def barbers_of(entry: Entry) -> list[UUID]:
    """Return the barbers with a balance that the entry changes."""
    accounts = [line.account for line in entry.lines if line.account.startswith(BARBERS_PAYABLE)]
    return [UUID(account.removeprefix(BARBERS_PAYABLE)) for account in accounts]


class AccountBalance(Struct, frozen=True, order=True):
    """The sum of an account's lines in a currency; a positive balance is a debit."""

    account: str
    currency: str
    amount: int


class StoredTotal(Struct, frozen=True, kw_only=True):
    """The balance of an account, or of a kind of accounts, over the entries up to the number `seq`."""

    id: str = field(name="_id")
    name: Annotated[str, Meta(max_length=120)]
    currency: str
    amount: int
    seq: int


Total = tuple[str, str]  # name and currency


class BarberSums(Struct, frozen=True):
    """The money that Grome owes to a barber in a currency. `held` belongs to visits that are not over yet."""

    currency: str
    payable: int
    held: int
