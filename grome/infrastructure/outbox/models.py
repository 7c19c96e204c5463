"""Events, and the changed documents that they are derived from."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID

from msgspec import Meta, Struct

from grome.common.geo import GeoPoint
from grome.common.origin import RequestOrigin
from grome.infrastructure.mongo.client import Document

# The collections that the relay watches.
ADJUSTMENTS: Final = "adjustments"
BOOKINGS: Final = "bookings"
USERS: Final = "users"
SESSIONS: Final = "sessions"
CODES: Final = "codes"
BARBERS: Final = "barbers"
COMMISSIONS: Final = "commissions"
REVIEWS: Final = "reviews"
PAYMENTS: Final = "payments"
PAYOUTS: Final = "payouts"
PAYOUT_ACCOUNTS: Final = "payout_accounts"
FINDINGS: Final = "reconciliation_findings"
CONVERSATIONS: Final = "conversations"
MESSAGES: Final = "messages"
PROMOS: Final = "promos"
MESSAGE_REPORTS: Final = "message_reports"
WALK_INS: Final = "walk_ins"
FACTORS: Final = "factors"
EXPORTS: Final = "exports"
VERIFICATIONS: Final = "verifications"
# The field with the outbox entries of each collection; every entry has a time `at`.
OUTBOXES: Final = {
    ADJUSTMENTS: "outbox",
    BARBERS: "notice",
    BOOKINGS: "history",
    COMMISSIONS: "outbox",
    PAYMENTS: "history",
    PAYOUTS: "history",
    PAYOUT_ACCOUNTS: "outbox",
    FINDINGS: "outbox",
    PROMOS: "outbox",
    REVIEWS: "outbox",
    USERS: "outbox",
    SESSIONS: "notice",
    CODES: "outbox",
    CONVERSATIONS: "notice",
    MESSAGES: "outbox",
    MESSAGE_REPORTS: "outbox",
    WALK_INS: "outbox",
    FACTORS: "outbox",
    EXPORTS: "outbox",
    VERIFICATIONS: "history",
}


class EventType(StrEnum):
    """The values are stable: clients, webhook receivers and templates depend on them."""

    BOOKING_REQUESTED = "booking.requested"
    BOOKING_ACCEPTED = "booking.accepted"
    BOOKING_DECLINED = "booking.declined"
    BOOKING_STARTED = "booking.started"
    BOOKING_COMPLETED = "booking.completed"
    BOOKING_CANCELLED = "booking.cancelled"
    BOOKING_EXPIRED = "booking.expired"
    BOOKING_OFFERED = "booking.offered"
    BOOKING_NO_SHOW = "booking.no_show"
    BOOKING_RESCHEDULED = "booking.rescheduled"
    BOOKING_TIME_PROPOSED = "booking.time_proposed"
    BOOKING_PROPOSAL_REJECTED = "booking.proposal_rejected"
    BOOKING_PROPOSAL_WITHDRAWN = "booking.proposal_withdrawn"
    BOOKING_PROPOSAL_LAPSED = "booking.proposal_lapsed"
    BOOKING_DELAYED = "booking.delayed"
    BOOKING_START_UNDONE = "booking.start_undone"
    BOOKING_NO_SHOW_UNDONE = "booking.no_show_undone"
    BOOKING_TIPPED = "booking.tipped"
    BOOKING_NOTED = "booking.noted"
    BOOKING_PAYMENT_CHANGED = "booking.payment_changed"
    BOOKING_ON_THE_WAY = "booking.on_the_way"
    BOOKING_ON_THE_WAY_ENDED = "booking.on_the_way_ended"
    BOOKING_ARRIVED = "booking.arrived"
    PAYMENT_CREATED = "payment.created"
    PAYMENT_REQUIRES_ACTION = "payment.requires_action"
    PAYMENT_PROCESSING = "payment.processing"
    PAYMENT_SCHEDULED = "payment.scheduled"
    PAYMENT_AUTHORIZED = "payment.authorized"
    PAYMENT_PAID = "payment.paid"
    PAYMENT_FAILED = "payment.failed"
    PAYMENT_CANCELED = "payment.canceled"
    PAYMENT_LAPSED = "payment.lapsed"
    PAYMENT_REFUND_STARTED = "payment.refund_started"
    PAYMENT_REFUNDED = "payment.refunded"
    PAYMENT_REFUND_FAILED = "payment.refund_failed"
    PAYMENT_FRAUD_WARNING = "payment.fraud_warning"
    PAYMENT_DISPUTED = "payment.disputed"
    PAYMENT_DISPUTE_CLOSED = "payment.dispute_closed"
    PAYOUT_CREATED = "payout.created"
    PAYOUT_SENT = "payout.sent"
    PAYOUT_FAILED = "payout.failed"
    PAYOUT_RETURNED = "payout.returned"
    PAYOUT_BANK_FAILED = "payout.bank_failed"
    PAYOUT_ACCOUNT_CHANGED = "payout.account_changed"
    PAYOUT_HELD = "payout.held"
    PAYOUT_HOLD_ENDED = "payout.hold_ended"
    FINDING_RESOLVED = "finding.resolved"
    ADJUSTMENT_GOODWILL = "adjustment.goodwill"
    ADJUSTMENT_WRITE_OFF = "adjustment.write_off"
    BARBER_COMMISSION_CHANGED = "barber.commission_changed"
    BARBER_ONLINE = "barber.online"
    BARBER_OFFLINE = "barber.offline"
    WALK_IN_JOINED = "walk_in.joined"
    WALK_IN_MOVED = "walk_in.moved"
    WALK_IN_SEATED = "walk_in.seated"
    WALK_IN_LEFT = "walk_in.left"
    WALK_IN_MISSED = "walk_in.missed"
    REVIEW_POSTED = "review.posted"
    REVIEW_ANSWERED = "review.answered"
    REVIEW_REMOVED = "review.removed"
    MESSAGE_SENT = "message.sent"
    MESSAGE_EDITED = "message.edited"
    MESSAGE_DELETED = "message.deleted"
    MESSAGE_DELIVERED = "message.delivered"
    MESSAGE_READ = "message.read"
    MESSAGE_REPORT_RESOLVED = "message_report.resolved"
    PROMO_CREATED = "promo.created"
    PROMO_CHANGED = "promo.changed"
    ACCOUNT_REGISTERED = "account.registered"
    ACCOUNT_PROFILE_CHANGED = "account.profile_changed"
    ACCOUNT_NEW_DEVICE = "account.new_device"
    ACCOUNT_SESSION_REUSED = "account.session_reused"
    ACCOUNT_SESSIONS_REVOKED = "account.sessions_revoked"
    ACCOUNT_SUSPICIOUS_SIGN_IN = "account.suspicious_sign_in"
    ACCOUNT_CODE_REQUESTED = "account.code_requested"
    ACCOUNT_ADDRESS_TAKEN = "account.address_taken"
    ACCOUNT_PASSWORD_CHANGED = "account.password_changed"  # noqa: S105 -- the name of an event
    ACCOUNT_EMAIL_CHANGED = "account.email_changed"
    ACCOUNT_PHONE_CHANGED = "account.phone_changed"
    ACCOUNT_FACTOR_ADDED = "account.factor_added"
    ACCOUNT_FACTOR_REMOVED = "account.factor_removed"
    ACCOUNT_RECOVERY_CODE_USED = "account.recovery_code_used"
    ACCOUNT_SUSPENDED = "account.suspended"
    ACCOUNT_RESTORED = "account.restored"
    ACCOUNT_EXPORT_REQUESTED = "account.export_requested"
    ACCOUNT_EXPORTED = "account.exported"
    ACCOUNT_DELETION_REQUESTED = "account.deletion_requested"
    ACCOUNT_DELETED = "account.deleted"
    VERIFICATION_SUBMITTED = "verification.submitted"
    VERIFICATION_APPROVED = "verification.approved"
    VERIFICATION_REJECTED = "verification.rejected"
    VERIFICATION_ASKED_AGAIN = "verification.asked_again"


# Only live clients follow these events: they are neither audited nor sent to webhooks.
LIVE_ONLY: Final = frozenset({EventType.BARBER_ONLINE, EventType.BARBER_OFFLINE}) | frozenset(
    kind for kind in EventType if kind.value.startswith(("message.", "walk_in."))
)


class MovedMoney(Struct, frozen=True):
    """The money of an event about a payment or a payout, in minor units."""

    amount: int
    """In minor units of `currency`."""
    currency: str
    """ISO 4217 code."""


# Of one event.
MAX_CHANGES: Final = 40
ChangedValue = Annotated[str, Meta(max_length=1_000)] | int | bool | None


class Change(Struct, frozen=True):
    """A changed field with its values before and after.

    A personal value, e.g. a name or an address, is stored in the audit trail only under the key of its person: the
    account that the event is about.
    """

    field: Annotated[str, Meta(max_length=100, examples=["minimum_price"])]
    """Name of the changed field, with dots for nested fields."""
    before: ChangedValue = None
    """Value before the change; null if there was none."""
    after: ChangedValue = None
    """Value after the change; null if the field was cleared."""
    is_personal: bool = False
    """Whether the values are personal data, which the erasure of the account makes unreadable."""


class Event(Struct, frozen=True, kw_only=True):
    """An event about a subject, e.g. a booking.

    `subject_id` is the id of the booking, payment, payout, adjustment, finding, promo, walk-in, barber or user; a
    review has the id of its booking, and a payout account the id of its barber. `version` grows with each event of a
    subject and family. `people` are the account ids of the customer, if there is an account, and the barber, or of the
    user; a finding and a promo concern nobody, and a barber that goes online concerns everybody around `location`.
    `actor_id` is the account that caused the event, None if Grome did. `reason` is the actor's or the bank's, for the
    audit trail. `item_id` is the message of an event about a conversation or a report. `origin` is the request that
    caused the event, and `changes` are fields with their values before and after; both are for the audit trail.
    """

    id: UUID
    type: EventType
    at: datetime
    subject_id: UUID
    version: int
    people: tuple[UUID, ...]
    actor_id: UUID | None = None
    money: MovedMoney | None = None
    reason: str = ""
    item_id: UUID | None = None
    location: GeoPoint | None = None
    origin: RequestOrigin | None = None
    changes: tuple[Change, ...] = ()

    @property
    def family(self) -> str:
        """Return the first part of the type: e.g. `booking`."""
        return self.type.partition(".")[0]


class ChangeRecord(Struct, frozen=True):
    """A document after a write, with the time `at` of the write by the server's clock.

    `updated` maps the paths that the write set to their values; None if the write replaced the whole document.
    """

    collection: str
    document: Document
    updated: Mapping[str, Any] | None
    at: datetime

    @property
    def id(self) -> str:
        """Return collection and id, for log lines."""
        return f"{self.collection} {self.document.get('_id')}"


class RelayStats(Struct, frozen=True):
    """The progress of the relay, as its leader stored it `silent_s` ago.

    `lag_s` is the age of the oldest change that is being dispatched.
    """

    lag_s: float
    silent_s: float
    position_at: datetime | None
    handed_on: int
