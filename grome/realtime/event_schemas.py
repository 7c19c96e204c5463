"""The data of events in rooms, by the family of the event.

All fields may be seen by everybody in the event's rooms. A field has the name and the value that it has in the REST
answer about the same subject, so a client can copy it over the state that it has loaded.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

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
    """Id of the booking, for `GET /v1/bookings/{booking_id}`."""
    customer_id: UUID | None
    """Account id of the customer; null for a guest."""
    barber_id: UUID
    """Barber of the visit."""
    status: Status
    """State after the event."""
    scheduled_at: datetime
    """Start of the visit."""
    ends_at: datetime
    """End of the visit."""
    service_names: list[Annotated[str, Meta(examples=["Haircut"])]]
    """Names of the services, in the order of the visit."""
    price: int
    """Price of the visit after discounts, in minor units of `currency`."""
    currency: str
    """ISO 4217 code."""
    version: int
    """Version after the event; ignore the event if you have a newer one."""
    reason: Reason | UnsetType | None = UNSET
    """Reason of a cancellation; null unless cancelled."""
    awaits: Party | UnsetType | None = UNSET
    """Side that has to answer a request; null if no answer is awaited."""
    answer_by: datetime | UnsetType | None = UNSET
    """Deadline of that answer; null if no answer is awaited."""
    proposal: ProposalOut | UnsetType | None = UNSET
    """Another time that waits for an answer; null if there is none."""
    late_min: int | UnsetType = UNSET
    """Minutes of delay against the agreed time; 0 if none."""
    on_the_way: OnTheWay | UnsetType | None = UNSET
    """Trip of the barber to a house call; null unless on the way."""
    payment: Payment | UnsetType = UNSET
    """Amounts due, paid and refunded."""
    settlement: Settlement | UnsetType | None = UNSET
    """Cost of a cancellation to the customer; null unless cancelled."""
    customer_note: Annotated[str, Meta(examples=["Short at the sides, please."])] | UnsetType | None = UNSET
    """The customer's note to the barber; null for none."""


class PaymentData(Struct, frozen=True, kw_only=True):
    """A payment after the event."""

    id: UUID
    """Id of the payment, for `GET /v1/payments/{payment_id}`."""
    booking_id: UUID
    """Booking that is paid."""
    purpose: Purpose
    """The part of the booking that is paid."""
    status: PaymentState
    """State after the event."""
    amount: int
    """Amount due, in minor units of `currency`."""
    currency: str
    """ISO 4217 code."""
    version: int
    """Version after the event; ignore the event if you have a newer one."""
    received: int | UnsetType = UNSET
    """Money collected before refunds, in minor units; absent if a later event follows."""
    refunded: int | UnsetType = UNSET
    """Refunds that are done or under way, in minor units; absent if a later event follows."""


class ReviewData(Struct, frozen=True):
    """A shown review; its texts are read by REST, because a review can be changed without an event."""

    booking_id: UUID
    """The reviewed visit."""
    rating: int
    """Whole stars, 1 to 5."""
    is_answered: bool
    """Whether the barber has answered the review."""


class MessageData(Struct, frozen=True, kw_only=True):
    """A message as it is now. A deleted message has no text and no photos."""

    id: UUID
    """Identifies the message in its conversation."""
    booking_id: UUID
    """Booking of the conversation."""
    sender_id: UUID
    """Account id of the author."""
    number: int
    """Counts the messages of the conversation from 1; the order to show them in."""
    text: Annotated[str, Meta(examples=["I am five minutes late."])]
    """Words of the message; empty if it has only photos or was deleted."""
    photo_ids: list[UUID]
    """Ids of the photos; read the conversation by REST for their addresses."""
    version: int
    """Grows with each change of the message; ignore older versions."""
    created_at: datetime
    """Time at which the message was sent."""
    edited_at: datetime | None
    """Time of the latest edit; null if unchanged."""
    deleted_at: datetime | None
    """Time of the deletion; null unless deleted."""


class MarkData(Struct, frozen=True, kw_only=True):
    """One side of a booking has received or read messages."""

    booking_id: UUID
    """Booking of the conversation."""
    user_id: UUID
    """Account id of the side that has received or read the messages."""
    message_id: UUID
    """The newest message of the mark."""
    number: int
    """Messages up to this number are received or read."""


class WalkInData(Struct, frozen=True, kw_only=True):
    """A place in the queue after the event."""

    id: UUID
    """Id of the walk-in, for `GET /v1/walk-ins/{walk_in_id}`."""
    barber_id: UUID
    """Barber of the queue."""
    state: State
    """State after the event."""
    ahead: int | None
    """Number of walk-ins that come first; null unless waiting."""
    booking_id: UUID | None
    """Booking of the visit; null unless `seated`."""


class BarberData(Struct, frozen=True, kw_only=True):
    """A barber in the area. A barber that moves goes offline in the old area, and online in the new area."""

    id: UUID
    """Id of the barber, for `GET /v1/barbers/{barber_id}`."""
    name: Annotated[str, Meta(examples=["Salon Fischer"])]
    """Name that the barber shows to customers."""
    location: LatLng
    """Place of the shop, for a pin on the map."""
    is_online: bool
    """False takes the pin off the map: offline, or moved to another area."""


class MoneyData(Struct, frozen=True):
    """The money of a payout or an adjustment; null for an event without money."""

    amount: int | None
    """In minor units of `currency`; null for an event without money."""
    currency: str | None
    """ISO 4217 code; null for an event without money."""


class NoData(Struct, frozen=True):
    """The event has no data, or its subject is gone."""


class EventBody(Struct, frozen=True, kw_only=True):
    """An event of a room."""

    id: UUID
    """Id of the event; deduplicate by it."""
    type: EventType
    """Decides the shape of `data`, by the part before the dot."""
    at: datetime
    """Time of the change."""
    subject: UUID
    """Id of the booking, payment or other object that the event is about."""
    version: int
    """Grows with each event of a subject and family; ignore older versions."""
    data: Struct
    """State after the event, by the family of `type`."""


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
