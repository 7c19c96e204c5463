"""Change a booking: read it, decide, and write if it is unchanged; otherwise read and decide again (decision 2)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from grome.bookings.cancellation_policy import settle
from grome.bookings.errors import KeepsChanging
from grome.bookings.history_limits import check_history, superseded_note
from grome.bookings.models import Action, Booking, HistoryEntry, Party, Reason, Status, party_of, reason_of
from grome.bookings.proposals import without_proposal
from grome.bookings.repository import BookingRepository
from grome.bookings.windows import overdue_move
from grome.common.actor import Actor
from grome.common.clock import Clock
from grome.common.errors import NotFound
from grome.common.ids import new_id
from grome.infrastructure.mongo.access import seen_by
from grome.infrastructure.mongo.client import Document, to_document

# Only a fault can lose this many times in a row.
ATTEMPTS: Final = 8


@dataclass(frozen=True, slots=True)
class Author:
    """Names the party that changes a booking, among the bookings of `scope`."""

    scope: Document
    party: Party
    id: UUID | None


GROME: Final = Author({}, Party.SYSTEM, None)


def author(actor: Actor) -> Author:
    return Author(seen_by(actor), party_of(actor.role), actor.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Describes a change of a booking. `fields` are set as given, by their paths in the document.

    `scheduled_at` is the time that the change concerns, `answer_by` the deadline of the answer that it asks for.
    """

    action: Action
    status: Status
    fields: Document = field(default_factory=dict)
    reason: Reason | None = None
    note: str | None = None
    scheduled_at: datetime | None = None
    answer_by: datetime | None = None
    undoes: Action | None = None


# Gets the booking as read, and the time of this attempt. Returns None if nothing has to change; raises to refuse.
Decide = Callable[[Booking, datetime], Awaitable[Change | None]]


class BookingChanges:
    """Writes every change of an existing booking."""

    def __init__(self, bookings: BookingRepository, clock: Clock) -> None:
        self._bookings, self._clock = bookings, clock

    async def find(self, actor: Actor, booking_id: UUID) -> Booking:
        """Return the booking. Raises NotFound if the booking is not the actor's."""
        return await self._find(seen_by(actor), booking_id)

    async def change(self, by: Author, booking_id: UUID, decide: Decide) -> Booking:
        """Apply `decide` and return the booking as written, or unchanged if there is nothing to change.

        Overdue changes are made first: the jobs for them run once a minute, and until then the time itself decides.
        Raises NotFound, Unavailable, and the errors of `decide`.
        """
        for _ in range(ATTEMPTS):
            booking, now = await self.current(by, booking_id)
            change = await decide(booking, now)
            if change is None:
                return booking
            if written := await self.write(booking, by, change, now):
                return written
        raise KeepsChanging

    async def current(self, by: Author, booking_id: UUID) -> tuple[Booking, datetime]:
        """Return the booking after all overdue changes, and the moment for which this state holds.

        Raises NotFound if the booking is not the author's.
        """
        for _ in range(ATTEMPTS):
            booking, now = await self._find(by.scope, booking_id), self._clock()
            due = made_by_time(booking, now)
            if due is None:
                return booking, now
            await self.write(booking, GROME, due, now)
        raise KeepsChanging

    async def _find(self, scope: Document, booking_id: UUID) -> Booking:
        booking = await self._bookings.find(scope, booking_id)
        if booking is None:
            raise NotFound
        return booking

    async def write(self, booking: Booking, by: Author, change: Change, now: datetime) -> Booking | None:
        """Write the change with its history entry; return None if the booking has changed since it was read.

        A change to another status also closes an open proposal. Raises SlotTaken or SeatTaken if the change claims
        ticks of another booking, and HistoryFull.
        """
        check_history(booking, by.party, change.action, change.fields)
        entry = HistoryEntry(
            id=new_id(),
            version=booking.version + 1,
            action=change.action,
            status=change.status,
            by=by.party,
            actor_id=by.id,
            at=now,
            reason=change.reason,
            note=change.note,
            scheduled_at=change.scheduled_at,
            answer_by=change.answer_by,
            undoes=change.undoes,
        )
        closed = without_proposal(booking) if change.status is not booking.status else {}
        fields = {"status": change.status.value, **closed, **change.fields}
        return await self._bookings.move(booking, fields, entry, superseded=superseded_note(booking, entry))


def made_by_time(booking: Booking, now: datetime) -> Change | None:
    """Return the change that is due on a booking because time has passed, or None.

    An unanswered proposal lapses, and an unanswered request expires; while a proposal for a request is open, the
    proposal has to be answered first. A visit after its last window is closed: a visit without any record costs
    nothing, and a started visit counts as completed.
    """
    if proposal := booking.proposal:
        if proposal.answer_by > now:
            return None
        return Change(
            action=Action.LAPSE,
            status=booking.status,
            fields=without_proposal(booking),
            scheduled_at=proposal.scheduled_at,
            answer_by=booking.answer_by,
        )
    is_overdue = booking.answer_by is not None and booking.answer_by <= now
    if booking.status is Status.REQUESTED and is_overdue:
        return end(booking, Action.EXPIRE, Party.SYSTEM, now)
    match overdue_move(booking, now):
        case Action.CANCEL:
            return end(booking, Action.CANCEL, Party.SYSTEM, now)
        case Action.COMPLETE:
            return Change(action=Action.COMPLETE, status=Status.COMPLETED)
        case _:
            return None


def end(booking: Booking, action: Action, party: Party, now: datetime, note: str | None = None) -> Change:
    """Build the change into `cancelled`, with its cost to the customer."""
    reason = reason_of(action, party)
    if reason is None:
        raise ValueError(f"{action} ends no booking")
    fields: Document = {
        "reason": reason.value,
        # A cancelled booking keeps its ticks for the record, but the unique index counts only active ones.
        "active": False,
        "awaits": None,
        "answer_by": None,
        "proposal": None,
        "settlement": to_document(settle(booking, reason, now)),
    }
    return Change(action=action, status=Status.CANCELLED, fields=fields, reason=reason, note=note)
