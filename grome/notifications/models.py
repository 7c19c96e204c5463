"""Define notifications, their channels, and the facts that each message states."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from msgspec import Struct, field

from grome.bookings.models import Settlement
from grome.infrastructure.mongo.schema import stored_items
from grome.infrastructure.outbox.models import MovedMoney
from grome.payments.models import Purpose
from grome.promos.models import Discount

# The transfer failed or came back, or the bank refused the money.
PayoutFailure = Literal["failed", "returned", "bank"]
VerificationResult = Literal["approved", "rejected", "asked_again"]


class Channel(StrEnum):
    """Names a channel. IN_APP is the list of messages in the app, used alone if no other channel is open."""

    EMAIL = "email"
    PUSH = "push"
    SMS = "sms"
    IN_APP = "in_app"


class MessageKind(StrEnum):
    """Names a kind of message. Each kind has texts in every language."""

    WELCOME = "welcome"
    VERIFY_EMAIL = "verify_email"
    VERIFY_PHONE = "verify_phone"
    RESET_PASSWORD = "reset_password"  # noqa: S105 -- the name of a message
    SIGN_IN_CODE = "sign_in_code"
    SECOND_FACTOR_CODE = "second_factor_code"
    ADDRESS_TAKEN = "address_taken"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 -- the name of a message
    ACCOUNT_SUSPENDED = "account_suspended"
    ACCOUNT_RESTORED = "account_restored"
    EMAIL_CHANGED = "email_changed"
    PHONE_CHANGED = "phone_changed"
    NEW_DEVICE = "new_device"
    SESSION_ENDED = "session_ended"
    FACTOR_ADDED = "factor_added"
    FACTOR_REMOVED = "factor_removed"
    RECOVERY_CODE_USED = "recovery_code_used"
    SUSPICIOUS_SIGN_IN = "suspicious_sign_in"
    EXPORT_READY = "export_ready"
    ACCOUNT_DELETED = "account_deleted"
    BOOKING_REQUESTED = "booking_requested"
    BOOKING_ACCEPTED = "booking_accepted"
    BOOKING_DECLINED = "booking_declined"
    BOOKING_CHANGED = "booking_changed"
    BOOKING_CANCELLED = "booking_cancelled"
    BOOKING_REMINDER = "booking_reminder"
    BOOKING_OFFERED = "booking_offered"
    BOOKING_DELAYED = "booking_delayed"
    BOOKING_ON_THE_WAY = "booking_on_the_way"
    BOOKING_ARRIVED = "booking_arrived"
    BOOKING_TIME_PROPOSED = "booking_time_proposed"
    BOOKING_TIME_KEPT = "booking_time_kept"
    BOOKING_TIPPED = "booking_tipped"
    RECEIPT = "receipt"
    REVIEW_REQUEST = "review_request"
    REVIEW_POSTED = "review_posted"
    REVIEW_ANSWERED = "review_answered"
    MESSAGE_RECEIVED = "message_received"
    PAYMENT_ACTION = "payment_action"
    PAYMENT_FAILED = "payment_failed"
    PAYMENT_SCHEDULED = "payment_scheduled"
    PAYMENT_RECEIVED = "payment_received"
    PAYMENT_REFUND = "payment_refund"
    PAYMENT_DISPUTED = "payment_disputed"
    PAYOUT = "payout"
    PAYOUT_FAILED = "payout_failed"
    VERIFICATION_RESULT = "verification_result"
    WEBHOOK_FAILING = "webhook_failing"


class AccountFacts(Struct, frozen=True, kw_only=True):
    """Holds the facts of all messages about an account.

    The user types `code`; `device` is a name.
    """

    name: str
    link: str | None = None
    code: str | None = None
    device: str | None = None
    at: datetime | None = None


class BookedItem(Struct, frozen=True):
    """Holds one service of a booking. `price` is in minor units of the booking's currency."""

    name: str
    price: int


class BookingFacts(Struct, frozen=True, kw_only=True):
    """Holds the facts of all messages about bookings, including RECEIPT and REVIEW_REQUEST.

    `name` is the reader's, `other_name` the other side's. `to_barber` is true if the barber is the reader. Times are
    wall time in `timezone`, the barber's. `other_time` is the previous start, the present start if `starts_at` is
    proposed, or the proposed start that was rejected. `answer_by` is the time until which a proposed or requested time
    is held. `is_request` is true while the booking is not accepted. `settlement` is the cost of a cancellation.
    """

    booking_id: str
    name: str
    other_name: str
    to_barber: bool
    items: list[BookedItem]
    price: int
    currency: str
    starts_at: datetime
    ends_at: datetime
    timezone: str
    link: str
    reason: str | None = None
    note: str | None = None
    is_request: bool = False
    other_time: datetime | None = None
    answer_by: datetime | None = None
    late_min: int = 0
    tip: int = 0
    discount: Discount | None = None
    settlement: Settlement | None = None


class ReviewFacts(Struct, frozen=True, kw_only=True):
    """Holds the facts of REVIEW_POSTED, for the barber, and REVIEW_ANSWERED, for the customer.

    `words` is the text of the review or of the answer.
    """

    name: str
    other_name: str
    stars: int
    words: str
    link: str


class ChatFacts(Struct, frozen=True, kw_only=True):
    """Holds the facts of MESSAGE_RECEIVED: `words` are the text of the newest message, empty if it has only photos."""

    booking_id: str
    name: str
    other_name: str
    words: str
    link: str


class PaymentFacts(Struct, frozen=True, kw_only=True):
    """Holds the facts of all messages about payments.

    `name` is the reader's, `other_name` the other side's. `variant` selects the text, e.g. `late` of a refund.
    `purpose` is the payment's, and `amount` the money that the message is about. `starts_at` is the start of the visit,
    as wall time in `timezone`. The customer can pay until `pay_by`.
    """

    booking_id: str
    name: str
    other_name: str
    variant: str
    purpose: Purpose
    amount: int
    currency: str
    starts_at: datetime
    timezone: str
    link: str
    pay_by: datetime | None = None


class PayoutFacts(Struct, frozen=True, kw_only=True):
    """Holds the facts of PAYOUT, and of PAYOUT_FAILED if `failure` is set. `currency` may be empty."""

    name: str
    amount: int
    currency: str
    at: datetime
    timezone: str
    link: str
    failure: PayoutFailure | None = None


class VerificationFacts(Struct, frozen=True, kw_only=True):
    """Holds the facts of VERIFICATION_RESULT: an admin approved, rejected, or asks for other documents."""

    name: str
    result: VerificationResult
    link: str
    notes: str | None = None


class EndpointFacts(Struct, frozen=True, kw_only=True):
    """Holds the facts of WEBHOOK_FAILING: the endpoint's `host`, and `since`, when it began to fail or was disabled."""

    name: str
    host: str
    since: datetime
    is_disabled: bool
    link: str


Facts = (
    AccountFacts
    | BookingFacts
    | ReviewFacts
    | ChatFacts
    | PaymentFacts
    | PayoutFacts
    | VerificationFacts
    | EndpointFacts
)


class RenderedMessage(Struct, frozen=True):
    """Holds one message in one language.

    Mail uses `subject`, `html` and `text`; push uses `title` and `short`; SMS uses `short`, which is one paragraph of
    at most 160 characters if its facts allow it.
    """

    subject: str
    html: str
    text: str
    title: str
    short: str


class Notification(Struct, frozen=True, kw_only=True):
    """Describes one message to one person, caused by one event. The dispatcher selects its channels.

    `at` and `version` are the event's. A reminder has no event: its id follows from the booking, `hours_before` and
    `starts_at`, the start that it was planned for. About a payout, it holds the `money` and the kind of `failure`.
    `item_id` is the message of a conversation.
    """

    event_id: UUID
    kind: MessageKind
    user_id: UUID
    subject_id: UUID
    at: datetime
    version: int
    hours_before: int | None = None
    starts_at: datetime | None = None
    money: MovedMoney | None = None
    failure: PayoutFailure | None = None
    item_id: UUID | None = None

    @property
    def job_id(self) -> str:
        return f"{self.event_id}:notify:{self.kind}:{self.user_id}"

    @property
    def message_id(self) -> str:
        """Return the id that stays the same at every try and on every channel; receivers deduplicate by it."""
        return f"{self.event_id}.{self.kind}.{self.user_id}"


class ChannelDelivery(Struct, frozen=True):
    """Describes a notification on one channel."""

    notification: Notification = field(name="notice")
    channel: Channel

    @property
    def job_id(self) -> str:
        return f"{self.notification.job_id}:{self.channel}"

    @property
    def entry_id(self) -> UUID:
        """Return the id of the delivery's entry in the log."""
        return uuid5(NAMESPACE_URL, f"{self.notification.message_id}.{self.channel}")


class State(StrEnum):
    """The states of a message on one channel."""

    SENT = "sent"
    SUPPRESSED = "suppressed"
    FAILED = "failed"


class Why(StrEnum):
    """Names the reason why a message was not sent.

    OUTDATED: its content was no longer true. REFUSED: the recipient refused it permanently. UNVERIFIED: the number has
    not been verified. BUDGET: the daily limit of the address or the reader was reached.
    """

    PREFERENCE = "preference"
    NO_ADDRESS = "no_address"
    DEDUPE = "dedupe"
    BOUNCED = "bounced"
    OUTDATED = "outdated"
    REFUSED = "refused"
    UNVERIFIED = "unverified"
    BUDGET = "budget"


class LogEntry(Struct, frozen=True, kw_only=True):
    """Records the result of a channel delivery. `failed` can still become `sent`, because its job is retried.

    `provider_id` is the id of the message at the carrier. `reached` are the devices that have received the push.
    """

    id: UUID = field(name="_id")
    event_id: UUID
    kind: MessageKind
    user_id: UUID
    channel: Channel
    subject_id: UUID
    state: State
    why: Why | None = None
    provider_id: str | None = None
    reached: Annotated[list[UUID], stored_items(at_most=1_000)] = []
    at: datetime


class DedupeClaim(Struct, frozen=True):
    """Holds a deduplication claim: until `until`, only this log entry sends the message that `id` names."""

    id: str = field(name="_id")
    entry_id: UUID
    until: datetime


class Bounce(Struct, frozen=True):
    """Marks an address, as `<channel>:<address>`, that permanently refused this entry's message."""

    id: str = field(name="_id")
    entry_id: UUID
    at: datetime


class PushDevice(Struct, frozen=True, kw_only=True):
    """Holds the push token of a user's device. A token belongs to one device of one user at a time."""

    id: UUID = field(name="_id")
    user_id: UUID
    device_id: UUID
    token: str
    registered_at: datetime


class ReminderMark(Struct, frozen=True):
    """Marks the time until which all due reminders have their jobs."""

    id: str = field(name="_id")
    until: datetime
