"""The data of events in rooms, by the family of the event.

All fields may be seen by everybody in the event's rooms. A field has the name and the value that it has in the REST
answer about the same subject, so a client can copy it over the state that it has loaded.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from grome.bookings.models import OnTheWay, Party, Payment, Reason, Settlement, Status
from grome.bookings.schemas import ProposalOut
from grome.common.geo import LatLng
from grome.infrastructure.outbox.models import EventType
from grome.payments.models import PaymentState, Purpose
from grome.walk_ins.models import State


class BookingData(Struct, frozen=True, kw_only=True):
    """A booking after the event.

    If a later event has already changed the booking, the fields that its history does not keep are absent; the later
    event follows and has them.
    """

    id: UUID
    customer_id: UUID | None
    barber_id: UUID
    status: Status
    scheduled_at: datetime
    ends_at: datetime
    service_names: list[str]
    price: int
    currency: str
    version: int
    reason: Reason | UnsetType | None = UNSET
    awaits: Party | UnsetType | None = UNSET
    answer_by: datetime | UnsetType | None = UNSET
    proposal: ProposalOut | UnsetType | None = UNSET
    late_min: int | UnsetType = UNSET
    on_the_way: OnTheWay | UnsetType | None = UNSET
    payment: Payment | UnsetType = UNSET
    settlement: Settlement | UnsetType | None = UNSET
    customer_note: str | UnsetType | None = UNSET


class PaymentData(Struct, frozen=True, kw_only=True):
    """A payment after the event. `received` and `refunded` are absent if a later event follows."""

    id: UUID
    booking_id: UUID
    purpose: Purpose
    status: PaymentState
    amount: int
    currency: str
    version: int
    received: int | UnsetType = UNSET
    refunded: int | UnsetType = UNSET


class ReviewData(Struct, frozen=True):
    """A shown review; its texts are read by REST, because a review can be changed without an event."""

    booking_id: UUID
    rating: int
    is_answered: bool


class MessageData(Struct, frozen=True, kw_only=True):
    """A message as it is now. A deleted message has no text and no photos."""

    id: UUID
    booking_id: UUID
    sender_id: UUID
    number: int
    text: str
    photo_ids: list[UUID]
    version: int
    created_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None


class MarkData(Struct, frozen=True, kw_only=True):
    """The side `user_id` has received or read the messages up to the number of this message."""

    booking_id: UUID
    user_id: UUID
    message_id: UUID
    number: int


class WalkInData(Struct, frozen=True, kw_only=True):
    """A place in the queue after the event; `ahead` walk-ins come first, null unless the state is `waiting`."""

    id: UUID
    barber_id: UUID
    state: State
    ahead: int | None
    booking_id: UUID | None


class BarberData(Struct, frozen=True, kw_only=True):
    """A barber in the area. A barber that moves goes offline in the old area, and online in the new area."""

    id: UUID
    name: str
    location: LatLng
    is_online: bool


class MoneyData(Struct, frozen=True):
    """The money of a payout or an adjustment; null for an event without money."""

    amount: int | None
    currency: str | None


class NoData(Struct, frozen=True):
    """The event has no data, or its subject is gone."""


class EventBody(Struct, frozen=True, kw_only=True):
    """An event of a room. `version` grows with each event of a subject and family."""

    id: UUID
    type: EventType
    at: datetime
    subject: UUID
    version: int
    data: Struct


# The events about accounts and commissions have no data.
DATA_OF_FAMILIES: Final[Mapping[str, tuple[type[Struct], ...]]] = {
    "booking": (BookingData,),
    "payment": (PaymentData,),
    "review": (ReviewData,),
    "message": (MessageData, MarkData),
    "walk_in": (WalkInData,),
    "barber": (BarberData,),
    "payout": (MoneyData,),
    "adjustment": (MoneyData,),
}
