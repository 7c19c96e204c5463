"""Payouts to barbers, and the accounts at Stripe that receive them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID, uuid5

from msgspec import Meta, Struct, field

from grome.common.money import Amount
from grome.common.origin import RequestOrigin
from grome.infrastructure.jobs.models import JobKind, Queue
from grome.infrastructure.mongo.schema import stored_items
from grome.infrastructure.outbox.models import EventType, MovedMoney
from grome.infrastructure.stripe.models import Requirement
from grome.ledger.models import LedgerAmount

MAX_REQUIREMENTS: Final = 50
MAX_FORMER_ACCOUNTS: Final = 10
MAX_ENTRIES: Final = 100
MAX_REASON_LENGTH: Final = 300
TRANSFERS_ACTIVE: Final = "active"
_NAMESPACE: Final = UUID("0f4a7c52-8d5e-4f0e-b4c1-6a1f5f2f9a37")
# A payout that Stripe does not answer is repeated under the same key for an hour; then the cron adds the job again.
SEND_PAYOUT: Final = JobKind("payout", Queue.DEFAULT, 60, (2, 10, 60, 300, 600, 1200, 1800))

Reason = Annotated[str, Meta(max_length=MAX_REASON_LENGTH)]


class PayoutState(StrEnum):
    """The states of a payout.

    `created`: decided and booked, not yet transferred. `sent`: transferred to the barber's account at Stripe.
    `failed`: Stripe refused the transfer. `returned`: the whole transfer was reversed later. After the last two the
    money is payable again.
    """

    CREATED = "created"
    SENT = "sent"
    FAILED = "failed"
    RETURNED = "returned"


class TransferAttempt(Struct, frozen=True):
    """An attempt to transfer, stored before Stripe is called under the key `grome:payout:<payout>:<n>`.

    There is a new `n` only after the listing of transfers has shown that the attempt before had no effect.
    """

    n: Annotated[int, Meta(ge=1)]
    at: datetime


class PayoutSums(Struct, frozen=True):
    """The barber's balance at the time of the decision, and its parts that the payout leaves out."""

    balance: LedgerAmount
    """The barber's whole balance at the decision, in minor units; the sum of the parts and the payout."""
    on_hold: LedgerAmount
    """Earned too recently to be paid out, in minor units."""
    disputed: LedgerAmount
    """Belongs to visits under dispute, in minor units."""
    carried: LedgerAmount
    """Left for the next payout, in minor units; negative if the barber owes money."""


class PayoutEntry(Struct, frozen=True, kw_only=True):
    """Records one change of a payout in the same write; the entries are the outbox. `version` grows."""

    id: UUID
    version: int
    type: EventType
    state: PayoutState
    at: datetime
    money: MovedMoney | None = None
    actor_id: UUID | None = None
    note: Reason = ""
    origin: RequestOrigin | None = None


class Payout(Struct, frozen=True, kw_only=True):
    """A payout, stored under an id that follows from barber, currency and period.

    It pays entries of the ledger after `since` and up to `until`. `destination` is the account at Stripe, fixed by the
    decision so that a repeat sends the same request. `returned` was reversed at Stripe. `open` is set while there is
    something to do at Stripe: to transfer, or to take back a transfer of a failed payout.
    """

    id: UUID = field(name="_id")
    barber_id: UUID
    amount: Amount
    currency: str
    period: Annotated[str, Meta(max_length=60)]
    since: datetime | None
    until: datetime
    sums: PayoutSums
    destination: str
    state: PayoutState
    open: bool = True
    attempt: TransferAttempt
    transfer_id: str | None = None
    returned: Amount = 0
    failure: Reason | None = None
    history: Annotated[list[PayoutEntry], stored_items(at_most=MAX_ENTRIES)]
    version: Annotated[int, Meta(ge=1)] = 1
    created_at: datetime
    sent_at: datetime | None = None
    updated_at: datetime

    @property
    def transfer_key(self) -> str:
        return f"grome:payout:{self.id}:{self.attempt.n}"


class PayoutHold(Struct, frozen=True):
    """Stops the payouts of a barber until an admin ends it."""

    reason: Reason
    by: UUID
    at: datetime


class FormerAccount(Struct, frozen=True):
    """An account at Stripe that a new one has replaced, e.g. after a move to another country."""

    stripe_id: Annotated[str, Meta(examples=["acct_example"])]
    """Id of the account at Stripe, which receives no more payouts."""
    country: Annotated[str, Meta(examples=["AT"])]
    """ISO 3166-1 code of the account's country."""
    until: datetime
    """Time at which the new account replaced it."""


class AccountEntry(Struct, frozen=True, kw_only=True):
    """Records one change of a payout account in the same write; the entries are the outbox."""

    id: UUID
    version: int
    type: EventType
    at: datetime
    actor_id: UUID | None = None
    note: Reason = ""
    origin: RequestOrigin | None = None


class PayoutAccount(Struct, frozen=True, kw_only=True):
    """The account of a barber at Stripe, stored under the barber's id.

    `number` counts the accounts that were asked for, so that a lost answer cannot lead to two. `transfers` is Stripe's
    word for the capability. `activated_at` is the first time at which transfers were allowed. `bank_failed_at` is the
    last time at which the bank refused the money, unless a payment to the bank has succeeded since. `planned` is the
    last period for which payouts were decided, and `decisions` counts the decisions: each changes the document, so that
    two of them cannot spend the same balance.
    """

    id: UUID = field(name="_id")
    number: Annotated[int, Meta(ge=1)] = 1
    country: str
    stripe_id: str | None = None
    transfers: str = ""
    currency: str | None = None
    requirements: Annotated[list[Requirement], stored_items(at_most=MAX_REQUIREMENTS)] = []
    closed: bool = False
    checked_at: datetime | None = None
    activated_at: datetime | None = None
    former: Annotated[list[FormerAccount], stored_items(at_most=MAX_FORMER_ACCOUNTS)] = []
    hold: PayoutHold | None = None
    bank_failed_at: datetime | None = None
    bank_paid_at: datetime | None = None
    planned: str = ""
    decisions: Annotated[int, Meta(ge=0)] = 0
    outbox: Annotated[list[AccountEntry], stored_items(at_most=MAX_ENTRIES)] = []
    version: Annotated[int, Meta(ge=1)] = 1
    created_at: datetime
    updated_at: datetime

    @property
    def creation_key(self) -> str:
        return f"grome:account:{self.id}:{self.number}"

    @property
    def can_receive(self) -> bool:
        return self.stripe_id is not None and self.transfers == TRANSFERS_ACTIVE and not self.closed


def payout_id_for(barber_id: UUID, currency: str, period: str) -> UUID:
    """Return the id of the one payout to a barber in a currency and period."""
    return uuid5(_NAMESPACE, f"{barber_id}:{currency}:{period}")
