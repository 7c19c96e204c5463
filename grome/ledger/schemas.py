"""Define requests and responses about the ledger."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from grome.common.field_faults import FAULT
from grome.common.text import END
from grome.infrastructure.http import NextCursor, PageQuery
from grome.ledger.models import COMMISSION, AccountBalance, Entry, EntryKind, barber_payable

AccountName = Annotated[
    str,
    Meta(
        max_length=120,
        pattern=rf"^[a-z_]+(:[A-Za-z0-9_-]+)?{END}",
        extra={FAULT: "is not the name of an account, such as held:01890a5d-ac96-774b-bcce-b302099a8057"},
        examples=["held:01890a5d-ac96-774b-bcce-b302099a8057"],
    ),
]

ShownAccount = Annotated[str, Meta(examples=["held:01890a5d-ac96-774b-bcce-b302099a8057"])]
EntryId = Annotated[str, Meta(examples=["payment:01890a5d-ac96-774b-bcce-b302099a8057:released"])]


class JournalQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Filters journal entries; all given conditions hold."""

    booking_id: UUID | None = None
    """Entries about this booking."""
    payment_id: UUID | None = None
    """Entries about this payment."""
    account: AccountName | None = None
    """Entries with a line on this account, such as `held:` with the id of a booking."""


class AccountBalanceQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Selects accounts by the beginning of their names."""

    prefix: Annotated[
        str,
        Meta(
            max_length=120,
            pattern=rf"^[a-z_]+:?[A-Za-z0-9_-]*{END}",
            extra={FAULT: "is not the beginning of the name of an account, such as held:"},
            examples=["barber_payable:"],
        ),
    ] = ""
    """Beginning of the names, e.g. `barber_payable:`; without a colon, of kinds."""


class JournalLineOut(Struct, frozen=True):
    """Debits or credits an account."""

    account: ShownAccount
    """Name of the account, with the id of its object after a colon."""
    amount: int
    """Minor units; a debit is positive, a credit negative."""


class JournalEntryOut(Struct, frozen=True, kw_only=True):
    """Describes a journal entry; its lines add up to 0."""

    id: EntryId
    """Names the object and the event, such as `payment:…:released`."""
    type: EntryKind
    """The event that is booked."""
    at: datetime
    """Time of the event; for money at Stripe, by its balance transaction."""
    currency: str
    """Currency of all lines."""
    lines: list[JournalLineOut]
    """Two to twelve lines."""
    booking_id: UUID | None
    """Booking that the entry is about; null for none."""
    payment_id: UUID | None
    """Payment that the entry is about; null for none."""
    barber_id: UUID | None
    """Barber of the visit or payout; null for none."""
    reverses: EntryId | None
    """Id of the entry that this entry takes back; null for none."""
    external_ref: Annotated[str, Meta(examples=["txn_1QxTn2LkdIwHu7ix"])] | None
    """Balance transaction at Stripe that the entry books; null for none."""
    memo: Annotated[str, Meta(examples=["Chair was double-booked by our fault."])]
    """Reason given by an admin; empty for most entries."""
    seq: int | None
    """Number in the sealed chain, without gaps; null until it is sealed."""
    hash: Annotated[str, Meta(examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"])] | None
    """SHA-256 over the entry and the hash before, in hexadecimal; null until it is sealed."""


class JournalPage(Struct, frozen=True):
    """Holds a page of journal entries."""

    items: list[JournalEntryOut]
    """Newest entry first."""
    next_cursor: NextCursor


class AccountBalanceOut(Struct, frozen=True):
    """Describes the balance of an account, or of all accounts of a kind."""

    account: ShownAccount
    """Name of the account, or of the kind without a colon."""
    currency: str
    """Currency of `amount`."""
    amount: int
    """Minor units; a debit is positive, a credit negative."""


class AccountBalancePage(Struct, frozen=True):
    """Holds a page of balances."""

    items: list[AccountBalanceOut]
    """By the name of the account."""
    next_cursor: NextCursor


class StatementLine(Struct, frozen=True, kw_only=True):
    """Describes a change of your balance."""

    id: EntryId
    """Id of the journal entry."""
    type: EntryKind
    """The event that is booked."""
    at: datetime
    """Time of the event."""
    currency: str
    """Currency of the amounts."""
    amount: int
    """Minor units; positive if your balance grows."""
    commission: int
    """Commission of Grome in minor units, already deducted from `amount`; negative if it is returned."""
    booking_id: UUID | None
    """Booking that the change is about; null for payouts and the like."""


class StatementPage(Struct, frozen=True):
    """Holds a page of your statement."""

    items: list[StatementLine]
    """Newest change first."""
    next_cursor: NextCursor


def entry_out(entry: Entry) -> JournalEntryOut:
    return JournalEntryOut(
        id=entry.id,
        type=entry.kind,
        at=entry.at,
        currency=entry.currency,
        lines=[JournalLineOut(line.account, line.amount) for line in entry.lines],
        booking_id=entry.booking_id,
        payment_id=entry.payment_id,
        barber_id=entry.barber_id,
        reverses=entry.reverses,
        external_ref=entry.external_ref,
        memo=entry.memo,
        seq=entry.seq,
        hash=entry.hash.hex() if entry.hash else None,
    )


def statement_line(entry: Entry, barber_id: UUID) -> StatementLine:
    """Show an entry as the barber sees it: amounts to the barber are positive."""
    account = barber_payable(barber_id)
    return StatementLine(
        id=entry.id,
        type=entry.kind,
        at=entry.at,
        currency=entry.currency,
        amount=-sum(line.amount for line in entry.lines if line.account == account),
        commission=-sum(line.amount for line in entry.lines if line.account == COMMISSION),
        booking_id=entry.booking_id,
    )


def balance_out(balance: AccountBalance) -> AccountBalanceOut:
    return AccountBalanceOut(balance.account, balance.currency, balance.amount)
