"""Decide about conversations without I/O: how long they are open, and the state after a message or a mark."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct, structs

from grome.bookings.models import Action, Booking, Party, Status, find_newest_entry
from grome.chat.errors import ChatFull
from grome.chat.models import (
    BURST_WINDOW,
    MAX_BURST,
    MAX_MESSAGES,
    OPEN_AFTER_END,
    Conversation,
    Message,
    Side,
)
from grome.common.errors import TooManyRequests


class Seat(Struct, frozen=True, kw_only=True):
    """One side of a booking's chat. Both sides can write until `open_until`."""

    booking_id: UUID
    customer_id: UUID
    barber_id: UUID
    party: Party
    open_until: datetime

    @property
    def account_id(self) -> UUID:
        return self.customer_id if self.party is Party.CUSTOMER else self.barber_id

    @property
    def other_id(self) -> UUID:
        return self.barber_id if self.party is Party.CUSTOMER else self.customer_id


def open_until(booking: Booking) -> datetime:
    """Return the end of the chat: seven days after the visit, or after the cancellation if that was earlier."""
    ends_at = booking.ends_at
    if booking.status is Status.CANCELLED:
        end = find_newest_entry(booking, Action.CANCEL, Action.DECLINE, Action.EXPIRE, Action.NO_SHOW)
        ends_at = min(end.at, ends_at) if end else ends_at
    return ends_at + OPEN_AFTER_END


def count_message(before: Conversation | None, seat: Seat, message_id: UUID, now: datetime) -> Conversation:
    """Return the conversation with one more message of this side.

    Raises TooManyRequests or ChatFull. The time of the newest message never goes back, even if clocks differ.
    """
    mine = _count_burst(before.side(seat.party) if before else Side(), now)
    if before is None:
        new = Conversation(
            id=seat.booking_id,
            customer_id=seat.customer_id,
            barber_id=seat.barber_id,
            last_number=1,
            latest_id=message_id,
            latest_at=now,
            version=1,
            created_at=now,
        )
        return _with_sides(new, seat.party, mine, Side(unread=1))
    if before.last_number >= MAX_MESSAGES:
        raise ChatFull
    new = structs.replace(
        before,
        last_number=before.last_number + 1,
        latest_id=message_id,
        latest_at=max(now, before.latest_at),
        version=before.version + 1,
    )
    other = before.side(other_party(seat.party))
    return _with_sides(new, seat.party, mine, structs.replace(other, unread=other.unread + 1))


def move_mark(before: Conversation, party: Party, message: Message, *, is_read: bool) -> Conversation | None:
    """Return the conversation with the mark of this side at the message; None if it is there or beyond."""
    side = before.side(party)
    if message.number <= (side.read if is_read else side.delivered):
        return None
    moved = structs.replace(side, delivered=max(side.delivered, message.number))
    other = before.side(other_party(party))
    if is_read:
        is_own = message.sender_id == (before.customer_id if party is Party.CUSTOMER else before.barber_id)
        seen = message.number - message.number_of_sender if is_own else message.number_of_sender
        moved = structs.replace(moved, read=message.number, read_of_other=seen, unread=other.sent - seen)
    return _with_sides(structs.replace(before, version=before.version + 1), party, moved, other)


def other_party(party: Party) -> Party:
    return Party.BARBER if party is Party.CUSTOMER else Party.CUSTOMER


def _count_burst(side: Side, now: datetime) -> Side:
    """Count a message against the limit of a minute, which begins with its first message."""
    sent = side.sent + 1
    if side.burst_from is None or not side.burst_from <= now < side.burst_from + BURST_WINDOW:
        return structs.replace(side, sent=sent, burst=1, burst_from=now)
    if side.burst >= MAX_BURST:
        raise TooManyRequests((side.burst_from + BURST_WINDOW - now).total_seconds())
    return structs.replace(side, sent=sent, burst=side.burst + 1)


def _with_sides(conversation: Conversation, party: Party, own: Side, other: Side) -> Conversation:
    customer, barber = (own, other) if party is Party.CUSTOMER else (other, own)
    return structs.replace(conversation, customer=customer, barber=barber)
