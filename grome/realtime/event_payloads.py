"""Build the events of rooms from an event and the documents that it is about. No I/O.

An event has one payload for all of its rooms, so it holds only fields that everybody in them may see.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid5

import msgspec
from msgspec import Struct

from grome.barbers.models import Barber
from grome.bookings.models import Booking, snapshot_at_version
from grome.bookings.schemas import booking_out
from grome.chat.schemas import MessageOut
from grome.common.geo import to_lat_lng
from grome.infrastructure.outbox.models import Event, EventType
from grome.nearby.areas import area_of
from grome.payments.models import Payment
from grome.realtime.event_schemas import (
    BarberData,
    BookingData,
    EventBody,
    MarkData,
    MessageData,
    MoneyData,
    NoData,
    PaymentData,
    ReviewData,
    WalkInData,
)
from grome.realtime.models import RoomEvent
from grome.realtime.rooms import area_room, booking_room, shop_room, user_room
from grome.reviews.models import Review
from grome.walk_ins.models import State, WalkIn, version_of_position

_NO_DATA: Final = NoData()
_MARKS: Final = frozenset({EventType.MESSAGE_DELIVERED, EventType.MESSAGE_READ})
_WALK_IN_STATES: Final = {
    EventType.WALK_IN_JOINED: State.WAITING,
    EventType.WALK_IN_SEATED: State.SEATED,
    EventType.WALK_IN_LEFT: State.LEFT,
    EventType.WALK_IN_MISSED: State.MISSED,
}
_encode: Callable[[object], bytes] = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Subjects:
    """The existing documents of a batch of events by their ids, and the waiting walk-ins of barbers in order."""

    bookings: Mapping[UUID, Booking]
    payments: Mapping[UUID, Payment]
    reviews: Mapping[UUID, Review]
    messages: Mapping[UUID, MessageOut]
    walk_ins: Mapping[UUID, WalkIn]
    queues: Mapping[UUID, Sequence[WalkIn]]
    barbers: Mapping[UUID, Barber]


def room_events(event: Event, subjects: Subjects) -> Iterator[RoomEvent]:
    """Yield the event once for each of its rooms; some events have none.

    If a walk-in no longer waits, the new positions of the walk-ins behind it follow.
    """
    if rooms := _rooms_of(event, subjects):
        build_data = _DATA_BUILDERS.get(event.family)
        data = (build_data and build_data(event, subjects)) or _NO_DATA
        body = EventBody(
            id=event.id, type=event.type, at=event.at, subject=event.subject_id, version=event.version, data=data
        )
        payload, counted_as = _encode(body), _counted_as(event)
        for room in rooms:
            yield RoomEvent(room, event.people, counted_as, event.version, event.at, payload)
    if event.family == "walk_in" and event.type is not EventType.WALK_IN_JOINED:
        yield from _positions_behind(event, subjects)


def _counted_as(event: Event) -> str:
    """Return the name under which the versions of the event are counted.

    A relay that has lost its position reads message by message, not in the order of the conversation. So each message
    counts by itself, and each kind of mark by its author.
    """
    subject = f"{event.subject_id}:{event.family}"
    if event.family != "message":
        return subject
    return f"{subject}:{event.type}:{event.actor_id}" if event.type in _MARKS else f"{subject}:{event.item_id}"


def _rooms_of(event: Event, subjects: Subjects) -> list[str]:
    """Return the rooms of the people that the event concerns, and of its shop, its booking or its area."""
    if event.type is EventType.PAYMENT_FRAUD_WARNING:  # for admins, in their lists
        return []
    rooms = [user_room(person) for person in event.people]
    if event.family in {"booking", "walk_in"}:
        rooms.append(shop_room(event.people[-1]))
    if event.family in {"booking", "message", "review"}:
        rooms.append(booking_room(event.subject_id))
    if event.family == "payment" and (payment := subjects.payments.get(event.subject_id)):
        rooms.append(booking_room(payment.booking_id))
    if event.location:
        rooms.append(area_room(area_of(event.location)))
    return rooms


def _booking_data_of(event: Event, subjects: Subjects) -> BookingData | None:
    booking = subjects.bookings.get(event.subject_id)
    return _booking_data(booking, event.version) if booking else None


def _payment_data_of(event: Event, subjects: Subjects) -> PaymentData | None:
    payment = subjects.payments.get(event.subject_id)
    return _payment_data(payment, event.version) if payment else None


def _review_data_of(event: Event, subjects: Subjects) -> ReviewData | None:
    review = subjects.reviews.get(event.subject_id)
    return ReviewData(review.id, review.rating, review.answer is not None) if review else None


def _message_data_of(event: Event, subjects: Subjects) -> MessageData | MarkData | None:
    message = subjects.messages.get(event.item_id) if event.item_id else None
    return _message_data(event, message) if message else None


def _walk_in_data_of(event: Event, subjects: Subjects) -> WalkInData | None:
    walk_in = subjects.walk_ins.get(event.subject_id)
    return _walk_in_data(walk_in, _WALK_IN_STATES[event.type], subjects) if walk_in else None


def _barber_data_of(event: Event, subjects: Subjects) -> BarberData | None:
    barber = subjects.barbers.get(event.subject_id)
    if barber is None or event.location is None:
        return None
    is_online = event.type is EventType.BARBER_ONLINE
    return BarberData(id=barber.id, name=barber.display_name, location=to_lat_lng(event.location), is_online=is_online)


def _money_data_of(event: Event, _: Subjects) -> MoneyData | None:
    return MoneyData(event.money.amount, event.money.currency) if event.money else None


def _booking_data(booking: Booking, version: int) -> BookingData | None:
    """Return the booking at the version; None if it never had this version."""
    then = snapshot_at_version(booking, version)
    if then is None:
        return None
    data = BookingData(
        id=then.id,
        customer_id=then.customer_id,
        barber_id=then.barber_id,
        status=then.status,
        scheduled_at=then.scheduled_at,
        ends_at=then.ends_at,
        service_names=[service.name for service in then.services],
        price=then.price,
        currency=then.currency,
        version=version,
    )
    if version != booking.version:
        return data
    now = booking_out(booking)
    return msgspec.structs.replace(
        data,
        reason=now.reason,
        awaits=now.awaits,
        answer_by=now.answer_by,
        proposal=now.proposal,
        late_min=now.late_min,
        on_the_way=now.on_the_way,
        payment=now.payment,
        settlement=now.settlement,
        customer_note=now.customer_note,
    )


def _payment_data(payment: Payment, version: int) -> PaymentData | None:
    """Return the payment at the version; None if it never had this version."""
    entry = next((each for each in payment.history if each.version == version), None)
    if entry is None:
        return None
    data = PaymentData(
        id=payment.id,
        booking_id=payment.booking_id,
        purpose=payment.purpose,
        status=entry.state,
        amount=payment.amount,
        currency=payment.currency,
        version=version,
    )
    if version != payment.version:
        return data
    return msgspec.structs.replace(data, received=payment.received, refunded=payment.refunded)


def _message_data(event: Event, message: MessageOut) -> MessageData | MarkData:
    if event.type in _MARKS:
        user_id = event.actor_id or message.sender_id  # a mark always has an actor
        return MarkData(booking_id=message.booking_id, user_id=user_id, message_id=message.id, number=message.number)
    return MessageData(
        id=message.id,
        booking_id=message.booking_id,
        sender_id=message.sender_id,
        number=message.number,
        text=message.text,
        photo_ids=[photo.id for photo in message.photos],
        version=message.version,
        created_at=message.created_at,
        edited_at=message.edited_at,
        deleted_at=message.deleted_at,
    )


def _walk_in_data(walk_in: WalkIn, state: State, subjects: Subjects) -> WalkInData:
    queue = [waiting.id for waiting in subjects.queues.get(walk_in.barber_id, ())]
    ahead = queue.index(walk_in.id) if state is State.WAITING and walk_in.id in queue else None
    booking_id = walk_in.booking_id if state is State.SEATED else None
    return WalkInData(id=walk_in.id, barber_id=walk_in.barber_id, state=state, ahead=ahead, booking_id=booking_id)


def _positions_behind(event: Event, subjects: Subjects) -> Iterator[RoomEvent]:
    """Yield the positions of the customers that joined after the walk-in, each in the customer's own room."""
    left = subjects.walk_ins.get(event.subject_id)
    if left is None:
        return
    for ahead, walk_in in enumerate(subjects.queues.get(left.barber_id, ())):
        if walk_in.customer_id is None or walk_in.joined_at < left.joined_at:
            continue
        version = version_of_position(ahead)
        body = EventBody(
            id=uuid5(event.id, str(walk_in.id)),
            type=EventType.WALK_IN_MOVED,
            at=event.at,
            subject=walk_in.id,
            version=version,
            data=_walk_in_data(walk_in, State.WAITING, subjects),
        )
        people = (walk_in.customer_id,)
        yield RoomEvent(
            user_room(walk_in.customer_id), people, f"{walk_in.id}:walk_in", version, event.at, _encode(body)
        )


# The events of other families have no data.
_DATA_BUILDERS: Final[Mapping[str, Callable[[Event, Subjects], Struct | None]]] = {
    "adjustment": _money_data_of,
    "barber": _barber_data_of,
    "booking": _booking_data_of,
    "message": _message_data_of,
    "payment": _payment_data_of,
    "payout": _money_data_of,
    "review": _review_data_of,
    "walk_in": _walk_in_data_of,
}
