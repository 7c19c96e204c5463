"""Define requests and responses about the ledger."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from grome.common.text import END
from grome.infrastructure.http import PageQuery
from grome.ledger.models import COMMISSION, AccountBalance, Entry, EntryKind, barber_payable

AccountName = Annotated[
    str,
    Meta(
        max_length=120,
        pattern=rf"^[a-z_]+(:[A-Za-z0-9_-]+)?{END}",
        examples=["held:01890a5d-ac96-774b-bcce-b302099a8057"],
    ),
]


class JournalQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    booking_id: UUID | None = None
    payment_id: UUID | None = None
    account: AccountName | None = None


class AccountBalanceQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    prefix: Annotated[
        str,
        Meta(
            max_length=120,
            pattern=rf"^[a-z_]+:?[A-Za-z0-9_-]*{END}",
            description="Beginning of the names, e.g. `barber_payable:`; without a colon, of kinds.",
        ),
    ] = ""


class JournalLineOut(Struct, frozen=True):
    account: str
    amount: Annotated[int, Meta(description="Minor units; a debit is positive, a credit negative.")]


class JournalEntryOut(Struct, frozen=True, kw_only=True):
    """Describes a journal entry. `seq` and `hash` are null until it is sealed."""

    id: str
    type: EntryKind
    at: datetime
    currency: str
    lines: list[JournalLineOut]
    booking_id: UUID | None
    payment_id: UUID | None
    barber_id: UUID | None
    reverses: str | None
    external_ref: str | None
    memo: str
    seq: int | None
    hash: str | None


class JournalPage(Struct, frozen=True):
    """Holds a page of journal entries, newest first."""

    items: list[JournalEntryOut]
    next_cursor: str | None


class AccountBalanceOut(Struct, frozen=True):
    account: str
    currency: str
    amount: Annotated[int, Meta(description="Minor units; a debit is positive, a credit negative.")]


class AccountBalancePage(Struct, frozen=True):
    """Holds a page of balances, by account."""

    items: list[AccountBalanceOut]
    next_cursor: str | None


class StatementLine(Struct, frozen=True, kw_only=True):
    """Describes a change of your balance. `commission` is the platform's share, already deducted from `amount`."""

    id: str
    type: EntryKind
    at: datetime
    currency: str
    amount: Annotated[int, Meta(description="Minor units; positive if your balance grows.")]
    commission: Annotated[int, Meta(description="Minor units; negative if commission is returned.")]
    booking_id: UUID | None


class StatementPage(Struct, frozen=True):
    """Holds a page of your statement, newest first."""

    items: list[StatementLine]
    next_cursor: str | None


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
