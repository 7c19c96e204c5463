"""What people are told, on which ways, and the facts that each message tells."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from msgspec import Struct

Language = Literal["en", "es", "fr", "de", "ar", "ja"]


class Channel(StrEnum):
    EMAIL = "email"
    PUSH = "push"
    SMS = "sms"


class MessageKind(StrEnum):
    """Each has its texts in every language."""

    WELCOME = "welcome"
    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105 -- the name of a message
    NEW_DEVICE = "new_device"
    BOOKING_REQUESTED = "booking_requested"
    BOOKING_ACCEPTED = "booking_accepted"
    BOOKING_DECLINED = "booking_declined"
    BOOKING_CHANGED = "booking_changed"
    BOOKING_CANCELLED = "booking_cancelled"
    BOOKING_REMINDER = "booking_reminder"
    RECEIPT = "receipt"
    REVIEW_REQUEST = "review_request"
    PAYOUT = "payout"
    VERIFICATION_RESULT = "verification_result"


class AccountFacts(Struct, frozen=True, kw_only=True):
    """WELCOME, VERIFY_EMAIL, RESET_PASSWORD, NEW_DEVICE. `code` is to be typed, `device` a device's name."""

    name: str
    link: str | None = None
    code: str | None = None
    device: str | None = None
    at: datetime | None = None


class BookedItem(Struct, frozen=True):
    """`price` in minor units of the booking's currency."""

    name: str
    price: int


class BookingFacts(Struct, frozen=True, kw_only=True):
    """All about bookings, RECEIPT and REVIEW_REQUEST included. `name` is the reader's, `other_name` the other side's.

    `to_barber` says which of the two reads. Times are wall time in `timezone`, the barber's.
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


class PayoutFacts(Struct, frozen=True, kw_only=True):
    name: str
    amount: int
    currency: str
    at: datetime
    timezone: str
    link: str


class VerificationFacts(Struct, frozen=True, kw_only=True):
    name: str
    approved: bool
    link: str
    notes: str | None = None


Facts = AccountFacts | BookingFacts | PayoutFacts | VerificationFacts


class Rendered(Struct, frozen=True):
    """One message in one language: for mail `subject`, `html` and `text`; for push `title` and `short`, for SMS
    `short`.

    `short` is one paragraph of at most 160 characters where its facts allow it.
    """

    subject: str
    html: str
    text: str
    title: str
    short: str
