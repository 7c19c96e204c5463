"""Encode webhook payloads: an event's type, its time, and its subject at that time."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct

from grome.bookings.models import Booking, snapshot_at_version
from grome.bookings.schemas import booking_out
from grome.infrastructure.outbox.models import Event
from grome.payments.models import Payment, PaymentState, Purpose
from grome.webhooks.models import PING

_encode: Final = msgspec.json.Encoder().encode


class _Payload(Struct, frozen=True):
    type: str
    timestamp: datetime
    data: Any


class AccountEventData(Struct, frozen=True):
    """Holds ids only: a receiver with access fetches the account by the API."""

    user_id: UUID
    """The account."""
    version: int
    """Grows with each change of the account."""


class ReviewEventData(Struct, frozen=True):
    """Holds ids only, so that no receiver keeps a text that was changed or removed since."""

    booking_id: UUID
    """The reviewed booking; `GET /v1/bookings/{booking_id}/review` has the review."""
    version: int
    """Grows with each change of the review."""


class PaymentEventData(Struct, frozen=True):
    """Describes a payment right after an event. `moved` is the money that the event is about, e.g. of a refund.

    Cards and secrets of Stripe are no part of it.
    """

    id: UUID
    """The payment."""
    booking_id: UUID
    """The booking that it pays."""
    purpose: Purpose
    """Share of the booking's price that it pays, or a tip or fee."""
    status: PaymentState
    """Right after this event."""
    amount: int
    """Whole amount of the payment, in minor units of `currency`."""
    moved: int
    """Money that this event is about, in minor units: that of a refund, for example."""
    currency: str
    """ISO 4217 code."""
    version: int
    """Grows with each event of the payment."""


class MoneyEventData(Struct, frozen=True):
    """Describes an event of a payout, a payout account, an adjustment, a finding or a report of a message.

    A payout account has the id of its barber.
    """

    id: UUID
    """The payout, adjustment, finding or report; for events of a payout account the barber."""
    amount: int | None
    """In minor units of `currency`; null for an event without money."""
    currency: str | None
    """ISO 4217 code; null for an event without money."""
    version: int
    """Grows with each event of the object."""


class BarberEventData(Struct, frozen=True):
    """Holds ids only: a receiver with access fetches the commission by the API."""

    barber_id: UUID
    """The barber, which is also the id of its account."""
    version: int
    """Grows with each event of the barber."""


class PromoEventData(Struct, frozen=True):
    """Holds ids only: an admin fetches a promo of the platform by the API."""

    promo_id: UUID
    """The promo, of the platform or of a barber."""
    version: int
    """Grows with each change of the terms, and each time that the promo is switched on or off."""


class PingData(Struct, frozen=True):
    """Holds the endpoint that asked for the test."""

    endpoint_id: UUID
    """The endpoint that is tested."""


def booking_payload(event: Event, booking: Booking) -> bytes | None:
    """Encode the booking as the API shows it, at the version of the event.

    Returns None if the booking's history has no such version.
    """
    then = snapshot_at_version(booking, event.version)
    return _encode(_Payload(event.type.value, event.at, booking_out(then))) if then else None


def account_payload(event: Event) -> bytes:
    return _encode(_Payload(event.type.value, event.at, AccountEventData(event.subject_id, event.version)))


def review_payload(event: Event) -> bytes:
    return _encode(_Payload(event.type.value, event.at, ReviewEventData(event.subject_id, event.version)))


def payment_payload(event: Event, payment: Payment) -> bytes | None:
    """Encode the payment at the version of the event. Returns None if its history has no such version."""
    entry = next((entry for entry in payment.history if entry.version == event.version), None)
    if entry is None:
        return None
    data = PaymentEventData(
        id=payment.id,
        booking_id=payment.booking_id,
        purpose=payment.purpose,
        status=entry.state,
        amount=payment.amount,
        moved=entry.amount,
        currency=payment.currency,
        version=entry.version,
    )
    return _encode(_Payload(event.type.value, event.at, data))


def money_payload(event: Event) -> bytes:
    money = event.money
    amount, currency = (money.amount, money.currency) if money else (None, None)
    data = MoneyEventData(event.subject_id, amount, currency, event.version)
    return _encode(_Payload(event.type.value, event.at, data))


def barber_payload(event: Event) -> bytes:
    return _encode(_Payload(event.type.value, event.at, BarberEventData(event.subject_id, event.version)))


def promo_payload(event: Event) -> bytes:
    return _encode(_Payload(event.type.value, event.at, PromoEventData(event.subject_id, event.version)))


def ping_payload(endpoint_id: UUID, now: datetime) -> bytes:
    return _encode(_Payload(PING, now, PingData(endpoint_id)))
