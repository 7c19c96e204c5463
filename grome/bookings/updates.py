"""Change bookings with optimistic locking: read, decide, and write if the version is unchanged (decision 2)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from grome.bookings.cancellation_policy import settlement_for
from grome.bookings.errors import KeepsChanging
from grome.bookings.history_limits import check_history, find_superseded_note
from grome.bookings.models import (
    TIME_CHANGING,
    TRANSITIONS,
    Action,
    Booking,
    HistoryEntry,
    Party,
    Payment,
    Proposal,
    Reason,
    Status,
    cancellation_reason,
    ends_trip,
    party_of,
)
from grome.bookings.proposals import fields_closing_proposal
from grome.bookings.repository import BookingRepository
from grome.bookings.windows import find_overdue_action
from grome.common.actor import Actor
from grome.common.clock import Clock
from grome.common.errors import NotFound
from grome.common.ids import new_id
from grome.common.origin import origin_by
from grome.infrastructure.mongo.access import visible_to
from grome.infrastructure.mongo.client import Document, to_document
from grome.infrastructure.outbox.models import Change

# No plausible concurrency makes an update lose this many times in a row.
ATTEMPTS: Final = 8


@dataclass(frozen=True, slots=True)
class Author:
    """Names the party that changes a booking; `scope` is the filter of the bookings that the party may change."""

    scope: Document
    party: Party
    id: UUID | None


SYSTEM_AUTHOR: Final = Author({}, Party.SYSTEM, None)


def author_of(actor: Actor) -> Author:
    return Author(visible_to(actor), party_of(actor.role), actor.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingUpdate:
    """Holds the history entry and the fields of an update; `fields` are set by their paths in the document.

    `scheduled_at` is the time that the update concerns; `answer_by` is the deadline of the requested answer. `payment`
    replaces the payment, and is kept in the entry.
    """

    action: Action
    status: Status
    fields: Document = field(default_factory=dict)
    reason: Reason | None = None
    note: str | None = None
    scheduled_at: datetime | None = None
    answer_by: datetime | None = None
    undoes: Action | None = None
    payment: Payment | None = None


# Called with the booking as read and the time of this attempt. Returns None if nothing has to change; raises an
# ApiError if the update is not allowed.
UpdateRule = Callable[[Booking, datetime], Awaitable[BookingUpdate | None]]


class BookingUpdater:
    """Applies all updates of existing bookings."""

    def __init__(self, bookings: BookingRepository, clock: Clock) -> None:
        self._bookings, self._clock = bookings, clock

    async def get(self, actor: Actor, booking_id: UUID) -> Booking:
        """Return the booking. Raises NotFound if the booking is not the actor's."""
        return await self._find(visible_to(actor), booking_id)

    async def update(self, by: Author, booking_id: UUID, rule: UpdateRule) -> Booking:
        """Apply the update that `rule` returns, and return the booking as written; unchanged if there is no update.

        Overdue updates are applied first, because their jobs run only once a minute. Raises NotFound, Unavailable, and
        the errors of `rule`.
        """
        for _ in range(ATTEMPTS):
            booking, now = await self.get_current(by, booking_id)
            update = await rule(booking, now)
            if update is None:
                return booking
            if written := await self.write(booking, by, update, now):
                return written
        raise KeepsChanging

    async def get_current(self, by: Author, booking_id: UUID) -> tuple[Booking, datetime]:
        """Return the booking after all overdue updates, and the moment for which this state holds.

        Raises NotFound if the booking is not the author's.
        """
        for _ in range(ATTEMPTS):
            booking, now = await self._find(by.scope, booking_id), self._clock()
            overdue = find_overdue_update(booking, now)
            if overdue is None:
                return booking, now
            await self.write(booking, SYSTEM_AUTHOR, overdue, now)
        raise KeepsChanging

    async def _find(self, scope: Document, booking_id: UUID) -> Booking:
        booking = await self._bookings.find(scope, booking_id)
        if booking is None:
            raise NotFound
        return booking

    async def write(self, booking: Booking, by: Author, update: BookingUpdate, now: datetime) -> Booking | None:
        """Write the update with its history entry; return None if the booking has changed since it was read.

        An update to another status also closes an open proposal, and ends the trip of the barber to a house call, as
        another time does. Raises SlotTaken or SeatTaken if the update claims
        ticks or seats of another booking, and HistoryFull.
        """
        check_history(booking, by.party, update.action, update.fields)
        entry = HistoryEntry(
            id=new_id(),
            version=booking.version + 1,
            action=update.action,
            status=update.status,
            by=by.party,
            actor_id=by.id,
            at=now,
            reason=update.reason,
            note=update.note,
            scheduled_at=update.scheduled_at,
            answer_by=update.answer_by,
            undoes=update.undoes,
            payment=update.payment,
            origin=origin_by(by.id),
            changes=_audited_changes(booking, update),
        )
        closed = fields_closing_proposal(booking) if update.status is not booking.status else {}
        payment = {"payment": to_document(update.payment)} if update.payment else {}
        is_trip_over = booking.on_the_way and ends_trip(update.action, booking.status, update.status)
        trip = {"on_the_way": None} if is_trip_over else {}
        fields = {"status": update.status.value, **closed, **payment, **trip, **update.fields}
        return await self._bookings.update_if_version(
            booking, fields, entry, superseded=find_superseded_note(booking, entry)
        )


def _audited_changes(booking: Booking, update: BookingUpdate) -> tuple[Change, ...]:
    """Return the changes of state and time, for the audit trail."""
    changes = []
    if update.status is not booking.status:
        changes.append(Change("status", booking.status.value, update.status.value))
    if update.action in TIME_CHANGING and update.scheduled_at and update.scheduled_at != booking.scheduled_at:
        changes.append(Change("scheduled_at", booking.scheduled_at.isoformat(), update.scheduled_at.isoformat()))
    return tuple(changes)


def find_overdue_update(booking: Booking, now: datetime) -> BookingUpdate | None:
    """Return the update that is overdue because a deadline has passed, or None.

    A booking without its deposit expires, and so does an unanswered request unless a proposal is open. An unanswered
    proposal lapses. A visit is closed after its last window: it is cancelled without cost if it was not started, and
    completed otherwise.
    """
    if _is_unpaid(booking, now):
        return build_cancellation(booking, Action.EXPIRE, Party.SYSTEM, now)
    if booking.proposal:
        return _find_lapse(booking, booking.proposal, now)
    is_overdue = booking.answer_by is not None and booking.answer_by <= now
    if booking.status is Status.REQUESTED and is_overdue:
        return build_cancellation(booking, Action.EXPIRE, Party.SYSTEM, now)
    match find_overdue_action(booking, now):
        case Action.CANCEL:
            return build_cancellation(booking, Action.CANCEL, Party.SYSTEM, now)
        case Action.COMPLETE:
            return BookingUpdate(action=Action.COMPLETE, status=Status.COMPLETED)
        case _:
            return None


def _is_unpaid(booking: Booking, now: datetime) -> bool:
    """Return whether the visit can still expire, and the deadline of its deposit has passed."""
    pay_by = booking.payment.pay_by
    return pay_by is not None and pay_by <= now and booking.status in TRANSITIONS[Action.EXPIRE].sources


def _find_lapse(booking: Booking, proposal: Proposal, now: datetime) -> BookingUpdate | None:
    if proposal.answer_by > now:
        return None
    return BookingUpdate(
        action=Action.LAPSE,
        status=booking.status,
        fields=fields_closing_proposal(booking),
        scheduled_at=proposal.scheduled_at,
        answer_by=booking.answer_by,
    )


def build_cancellation(
    booking: Booking, action: Action, party: Party, now: datetime, note: str | None = None
) -> BookingUpdate:
    """Build the update to `cancelled` with its settlement. Raises ValueError if the action ends no booking."""
    reason = cancellation_reason(action, party)
    if reason is None:
        raise ValueError(f"{action} ends no booking")
    fields: Document = {
        "reason": reason.value,
        # A cancelled booking keeps its ticks for the record, but the unique index counts only active ones.
        "active": False,
        "awaits": None,
        "answer_by": None,
        "proposal": None,
        "settlement": to_document(settlement_for(booking, reason, now)),
    }
    return BookingUpdate(action=action, status=Status.CANCELLED, fields=fields, reason=reason, note=note)
