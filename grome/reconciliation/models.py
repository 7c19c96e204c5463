"""Findings of reconciliation, its progress, and the accounts of the ledger that it watches."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID, uuid5

from msgspec import Meta, Struct, field

from grome.common.origin import RequestOrigin
from grome.infrastructure.jobs.models import JobKind, Queue
from grome.infrastructure.mongo.schema import stored_items
from grome.infrastructure.outbox.models import EventType
from grome.ledger.models import LedgerAmount

MAX_OBJECTS: Final = 10
MAX_ENTRIES: Final = 20
MAX_TEXT: Final = 300
# Resolved findings are deleted after this time.
RETENTION: Final = timedelta(days=180)
RECONCILE: Final = JobKind("reconcile", Queue.DEFAULT, 600, (30, 120, 600))
_NAMESPACE: Final = UUID("4a9d2f0e-7f5b-4f6c-8d55-0b1f6f0f9e21")

Text = Annotated[str, Meta(max_length=MAX_TEXT)]


class FindingKind(StrEnum):
    """The kinds of findings. The last five are reported after a time, which `accounts.py` and `attempts.py` have."""

    UNBOOKED_MOVEMENT = "unbooked_movement"  # Stripe moved money that the ledger does not have
    UNKNOWN_MOVEMENT = "unknown_movement"  # the ledger has a movement that Stripe does not list
    DIFFERENT_MOVEMENT = "different_movement"  # both have it, with other amounts
    BALANCE_DIFFERS = "balance_differs"
    REFUND_IN_TRANSIT = "refund_in_transit"
    PAYOUT_IN_TRANSIT = "payout_in_transit"
    DISPUTE_OPEN = "dispute_open"
    HELD_AFTER_VISIT = "held_after_visit"
    STUCK_ATTEMPT = "stuck_attempt"


MOVEMENTS: Final = frozenset(
    {FindingKind.UNBOOKED_MOVEMENT, FindingKind.UNKNOWN_MOVEMENT, FindingKind.DIFFERENT_MOVEMENT}
)


class FindingEntry(Struct, frozen=True, kw_only=True):
    """Records that an admin resolved the finding of an amount; the entries are the outbox."""

    id: UUID
    version: int
    type: EventType
    at: datetime
    actor_id: UUID
    note: Text
    amount: LedgerAmount
    currency: str
    origin: RequestOrigin | None = None


class Finding(Struct, frozen=True, kw_only=True):
    """A difference between Stripe and the ledger, or money that does not move on.

    The id follows from kind, subject and currency, so that a finding exists once. `subject` is a balance transaction,
    an account of the ledger, a payment or a currency; `objects` are related ids. `amount` is signed as in the ledger.
    `resolved_by` is None if a later run found the difference gone. `version` counts the resolutions by admins.
    """

    id: UUID = field(name="_id")
    kind: FindingKind
    subject: Annotated[str, Meta(max_length=120)]
    amount: LedgerAmount
    currency: str
    objects: Annotated[list[str], stored_items(at_most=MAX_OBJECTS)] = []
    note: Text = ""
    first_seen: datetime
    last_seen: datetime
    resolved_at: datetime | None = None
    resolved_by: UUID | None = None
    reason: Text = ""
    outbox: Annotated[list[FindingEntry], stored_items(at_most=MAX_ENTRIES)] = []
    version: int = 0


class Difference(Struct, frozen=True, kw_only=True):
    """A finding as a check sees it."""

    kind: FindingKind
    subject: str
    amount: int
    currency: str
    objects: tuple[str, ...] = ()
    note: str = ""

    @property
    def id(self) -> UUID:
        return uuid5(_NAMESPACE, f"{self.kind.value}:{self.subject}:{self.currency}")


class Progress(Struct, frozen=True, kw_only=True):
    """The progress of a loop. `until` is the time up to which it has compared, `seq` the last entry that it has read.

    `differences` are the differences of the balance by currency at the last run.
    """

    id: str = field(name="_id")
    until: datetime | None = None
    seq: int = 0
    differences: dict[str, int] = {}


class WatchedAccount(Struct, frozen=True, kw_only=True):
    """An account of the ledger that has to return to 0, from its first line until then.

    `seq` is the newest entry with a line on the account; `check_at` is the time of the next check.
    """

    id: str = field(name="_id")
    account: Annotated[str, Meta(max_length=120)]
    currency: str
    since: datetime
    seq: int
    check_at: datetime


def watched_id(account: str, currency: str) -> str:
    return f"{account}|{currency}"
