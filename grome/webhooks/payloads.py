"""Encode webhook payloads: an event's type, its time, and its subject at that time."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct

from grome.bookings.models import Booking, snapshot_at_version
from grome.bookings.schemas import booking_out
from grome.infrastructure.outbox.models import Event
from grome.webhooks.models import PING

_encode: Final = msgspec.json.Encoder().encode


class _Payload(Struct, frozen=True):
    type: str
    timestamp: datetime
    data: Any


class _AccountData(Struct, frozen=True):
    """Holds ids only: a receiver with access fetches the account by the API."""

    user_id: UUID
    version: int


class _ReviewData(Struct, frozen=True):
    """Holds ids only, so that no receiver keeps a text that was changed or removed since."""

    booking_id: UUID
    version: int


class _PingData(Struct, frozen=True):
    endpoint_id: UUID


def booking_payload(event: Event, booking: Booking) -> bytes | None:
    """Encode the booking as the API shows it, at the version of the event.

    Returns None if the booking's history has no such version.
    """
    then = snapshot_at_version(booking, event.version)
    return _encode(_Payload(event.type.value, event.at, booking_out(then))) if then else None


def account_payload(event: Event) -> bytes:
    return _encode(_Payload(event.type.value, event.at, _AccountData(event.subject_id, event.version)))


def review_payload(event: Event) -> bytes:
    return _encode(_Payload(event.type.value, event.at, _ReviewData(event.subject_id, event.version)))


def ping_payload(endpoint_id: UUID, now: datetime) -> bytes:
    return _encode(_Payload(PING, now, _PingData(endpoint_id)))
