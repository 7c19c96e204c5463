"""Request and response bodies of payouts."""

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from msgspec import Meta, Struct

from grome.common.field_faults import FAULT
from grome.common.money import Amount
from grome.common.text import END, NOTE
from grome.infrastructure.http import NextCursor, PageQuery
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

FailureText = Annotated[str, Meta(examples=["The account cannot receive transfers."])]
_HOLD_REASON: Final = "Several customers dispute their payments."


class OnboardingIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Names the country of the payout account, as ISO 3166; without it, the country stays as it is.

    Another country than before opens a new account, and the payouts go there from then on.
    """

    country: (
        Annotated[
            str,
            Meta(
                pattern="^[A-Z]{2}" + END,
                extra={FAULT: "is not a country of two capital letters (ISO 3166), such as DE"},
                examples=["DE"],
            ),
        ]
        | None
    ) = None
    """ISO 3166-1 code; null keeps the country. Another country opens a new account for all later payouts."""


class OnboardingLink(Struct, frozen=True):
    """Holds the address of Stripe's form; it works once, and for some minutes."""

    url: Annotated[str, Meta(examples=["https://connect.stripe.com/setup/s/example"])]
    """Stripe's form: open it in a browser at once. It works once, and for some minutes."""


class RequirementOut(Struct, frozen=True):
    """Describes information that Stripe asks for."""

    name: Annotated[str, Meta(examples=["A bank account for your payouts"])]
    """The information to give, in plain English for the barber."""
    due: Annotated[str, Meta(examples=["currently"])]
    """`past` and `currently` block payouts or soon will; `eventually` can wait."""
    deadline: datetime | None
    """Payouts may stop if the information is missing by then; null without a deadline."""


class OnboardingState(Struct, frozen=True):
    """Describes the payout account of a barber.

    `incomplete`: information is missing. `pending`: Stripe checks it. `restricted`: payouts were allowed before, or are
    not possible.
    """

    status: OnboardingStatus
    """`none`: not begun. `pending`: Stripe checks. `restricted`: paused or impossible. Payouts need `active`."""
    country: Annotated[str, Meta(examples=["DE"])] | None
    """ISO 3166-1 code of the account's country; null before onboarding."""
    currency: str | None
    """ISO 4217 code in which the account receives money; null until Stripe has set it."""
    requirements: list[RequirementOut]
    """Information that is still missing; send the barber to Stripe's form to give it."""
    payouts_allowed: bool
    """Whether payouts are made now; false also while an admin holds them."""


class PayoutOut(Struct, frozen=True):
    """Describes a payout."""

    id: UUID
    """Id of the payout; the path parameter `payout_id`."""
    barber_id: UUID
    """The barber that receives the money."""
    amount: Amount
    """Transferred amount, in minor units of `currency`."""
    currency: str
    """ISO 4217 code; each currency has payouts of its own."""
    period: Annotated[str, Meta(examples=["2026-11-30"])]
    """First date of the day or week in which it was made, in UTC; a `+` marks a replacement."""
    status: PayoutState
    """`sent` means on the barber's account at Stripe; the bank gets the money some days later."""
    returned: Amount
    """Part that was reversed at Stripe later, in minor units; 0 if none."""
    failure: FailureText | None
    """Reason for which Stripe refused the transfer; null if it did not."""
    created_at: datetime
    """Time at which the payout was decided."""
    sent_at: datetime | None
    """Time of the transfer; null until then."""


class PayoutBooking(Struct, frozen=True):
    """Sums up the entries of a booking in a payout; the amount is negative if refunds prevail."""

    booking_id: UUID
    """The paid visit; the path parameter `booking_id`."""
    amount: LedgerAmount
    """The barber's share in minor units; negative if refunds prevail."""


class PayoutChange(Struct, frozen=True):
    """Describes one change of a payout."""

    type: Annotated[str, Meta(examples=["payout.failed"])]
    """Type of the event, e.g. `payout.sent`."""
    status: PayoutState
    """State of the payout after the change."""
    at: datetime
    """Time of the change."""
    note: FailureText
    """Reason of a failure; empty for other changes."""


class PayoutDetails(Struct, frozen=True):
    """Explains a payout: the sums at its decision, its changes, and up to 100 of its bookings."""

    payout: PayoutOut
    """The payout itself."""
    sums: PayoutSums
    """The balance from which the amount was decided."""
    bookings: list[PayoutBooking]
    """The bookings that the payout pays, 100 at most."""
    more_bookings: bool
    """Whether the payout pays more bookings than the 100 shown."""
    changes: list[PayoutChange]
    """All changes of the payout, oldest first."""


class PayoutPage(Struct, frozen=True):
    """Holds a page of payouts, newest first."""

    items: list[PayoutOut]
    """Payouts, newest first."""
    next_cursor: NextCursor


class PayoutQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    status: PayoutState | None = None
    """Only payouts in this state."""


class AdminPayoutQuery(PayoutQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    barber_id: UUID | None = None
    """Only payouts to this barber."""


class HoldIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Gives the reason, which is kept for the audit and not shown to the barber."""

    reason: Annotated[str, Meta(min_length=1, max_length=MAX_REASON_LENGTH, examples=[_HOLD_REASON]), NOTE]
    """For the audit trail and other admins; the barber does not see it."""


class HoldOut(Struct, frozen=True):
    """Describes the hold that stops the payouts of a barber."""

    reason: Annotated[str, Meta(examples=[_HOLD_REASON])]
    """Reason that the admin gave; the barber does not see it."""
    by: UUID
    """Account id of the admin that holds the payouts."""
    at: datetime
    """Start of the hold."""


class AccountOut(Struct, frozen=True):
    """Describes a payout account to admins."""

    barber_id: UUID
    """The barber that owns the account; the path parameter `barber_id`."""
    stripe_id: Annotated[str, Meta(examples=["acct_example"])] | None
    """Id of the account at Stripe; null until Stripe has created it."""
    onboarding: OnboardingState
    """The state that the barber sees."""
    hold: HoldOut | None
    """The hold that stops the payouts; null if there is none."""
    former: list[FormerAccount]
    """Accounts that were replaced, e.g. after a move to another country."""


class BarberBalanceOut(Struct, frozen=True, kw_only=True):
    """Describes your money in one currency, in minor units."""

    currency: str
    """ISO 4217 code; the amounts are in its minor units."""
    available: LedgerAmount
    """Paid out next, unless it is below the least amount of a payout; negative if you owe money."""
    pending: LedgerAmount
    """Earned too recently for the next payout."""
    disputed: LedgerAmount
    """Held back until the dispute of a customer has ended."""
    held: LedgerAmount
    """Paid by customers for visits that are not over yet."""


class BarberBalanceList(Struct, frozen=True):
    """Holds your balances."""

    items: list[BarberBalanceOut]
    """One balance for each currency; empty before you have earned money."""


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
