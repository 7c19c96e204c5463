"""Request and response bodies of payouts."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from grome.common.money import Amount
from grome.common.text import END, NOTE
from grome.infrastructure.http import PageQuery
from grome.ledger.models import LedgerAmount
from grome.payouts.models import (
    MAX_REASON_LENGTH,
    FormerAccount,
    Payout,
    PayoutEntry,
    PayoutState,
    PayoutSums,
)

OnboardingStatus = Literal["none", "incomplete", "pending", "active", "restricted", "closed"]


class OnboardingIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Names the country of the payout account, as ISO 3166; without it, the country stays as it is.

    Another country than before opens a new account, and the payouts go there from then on.
    """

    country: Annotated[str, Meta(pattern="^[A-Z]{2}" + END, examples=["DE"])] | None = None


class OnboardingLink(Struct, frozen=True):
    """Holds the address of Stripe's form; it works once, and for some minutes."""

    url: str


class RequirementOut(Struct, frozen=True):
    """Describes information that is asked for. `due` is `eventually`, `currently` or `past`."""

    name: str
    due: str
    deadline: datetime | None


class OnboardingState(Struct, frozen=True):
    """Describes the payout account of a barber.

    `incomplete`: information is missing. `pending`: Stripe checks it. `restricted`: payouts were allowed before, or are
    not possible. `payouts_allowed` is also false while an admin holds the payouts.
    """

    status: OnboardingStatus
    country: str | None
    currency: str | None
    requirements: list[RequirementOut]
    payouts_allowed: bool


class PayoutOut(Struct, frozen=True):
    """Describes a payout. `period` is the first day of the day or week that it was made in."""

    id: UUID
    barber_id: UUID
    amount: Amount
    currency: str
    period: str
    status: PayoutState
    returned: Amount
    failure: str | None
    created_at: datetime
    sent_at: datetime | None


class PayoutBooking(Struct, frozen=True):
    """Sums up the entries of a booking in a payout; the amount is negative if refunds prevail."""

    booking_id: UUID
    amount: LedgerAmount


class PayoutChange(Struct, frozen=True):
    type: str
    status: PayoutState
    at: datetime
    note: str


class PayoutDetails(Struct, frozen=True):
    """Explains a payout: the sums at its decision, its changes, and up to 100 of its bookings."""

    payout: PayoutOut
    sums: PayoutSums
    bookings: list[PayoutBooking]
    more_bookings: bool
    changes: list[PayoutChange]


class PayoutPage(Struct, frozen=True):
    items: list[PayoutOut]
    next_cursor: str | None


class PayoutQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    status: PayoutState | None = None


class AdminPayoutQuery(PayoutQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    barber_id: UUID | None = None


class HoldIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Gives the reason, which is kept for the audit and not shown to the barber."""

    reason: Annotated[str, Meta(min_length=1, max_length=MAX_REASON_LENGTH), NOTE]


class HoldOut(Struct, frozen=True):
    reason: str
    by: UUID
    at: datetime


class AccountOut(Struct, frozen=True):
    """Describes a payout account to admins."""

    barber_id: UUID
    stripe_id: str | None
    onboarding: OnboardingState
    hold: HoldOut | None
    former: list[FormerAccount]


class BarberBalanceOut(Struct, frozen=True, kw_only=True):
    """Describes your money in a currency, in minor units.

    `available` is paid out next; less than the least amount of a payout is carried over, and it is negative if you owe
    money. `pending` was earned too recently for the next payout, and `disputed` waits for the end of a dispute. `held`
    is the price of visits that are not over yet.
    """

    currency: str
    available: LedgerAmount
    pending: LedgerAmount
    disputed: LedgerAmount
    held: LedgerAmount


class BarberBalanceList(Struct, frozen=True):
    items: list[BarberBalanceOut]


def payout_out(payout: Payout) -> PayoutOut:
    return PayoutOut(
        payout.id,
        payout.barber_id,
        payout.amount,
        payout.currency,
        payout.period,
        payout.state,
        payout.returned,
        payout.failure,
        payout.created_at,
        payout.sent_at,
    )


def change_out(entry: PayoutEntry) -> PayoutChange:
    return PayoutChange(entry.type.value, entry.state, entry.at, entry.note)
