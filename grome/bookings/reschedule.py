"""Reschedule a visit at once, or when the other side agrees. docs/decisions/0014 describes the held ticks."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from grome.availability.schemas import DaySlots, SlotOut, SlotsOut
from grome.availability.service import MAX_DAYS
from grome.barbers.service import BarberService
from grome.bookings.booked_visit import lay_out_again
from grome.bookings.cap_seats import claim_seats
from grome.bookings.errors import ChangedMeanwhile, KeepsChanging, NoProposal, SlotNotOffered, SlotTaken, WrongState
from grome.bookings.lifecycle import BookingMoves
from grome.bookings.models import Action, Booking, Party, Status
from grome.bookings.proposals import (
    MOVABLE,
    NewTime,
    agreed,
    check_movable,
    moved,
    proposed,
    who_must_agree,
    without_proposal,
)
from grome.bookings.repository import BookingRepository, Deadline
from grome.bookings.schemas import BookingOut, OtherTimesQuery, ProposalAnswerIn, RescheduleIn, booking_out
from grome.bookings.updates import ATTEMPTS, GROME, Author, BookingChanges, Change, author, made_by_time
from grome.bookings.windows import window_of
from grome.common.actor import Actor
from grome.common.clock import Clock, to_utc
from grome.common.errors import Invalid
from grome.infrastructure.isolated_items import Sweep
from grome.infrastructure.mongo.client import Document
from grome.scheduling.daily_caps import seats, without
from grome.scheduling.slots import Calendar, Obstacle, free_slots, obstacle, occupied_ticks, to_be_known
from grome.scheduling.ticks import is_aligned, tick_of
from grome.scheduling.visit_plan import Visit

# The farthest horizon that a barber's rules can have.
_FARTHEST: Final = timedelta(days=366)
_LAPSED_AT_ONCE: Final = 500


class Rescheduling:
    """`answer_within` is how long a proposal, or a request with a new time, waits for its answer at most."""

    def __init__(
        self,
        bookings: BookingRepository,
        changes: BookingChanges,
        moves: BookingMoves,
        barbers: BarberService,
        answer_within: timedelta,
        clock: Clock,
    ) -> None:
        self._bookings, self._changes, self._moves, self._barbers = bookings, changes, moves, barbers
        self._answer_within, self._clock = answer_within, clock
        self._unanswered = Sweep(
            "lapse_unanswered",
            lambda after, limit: bookings.unanswered_proposals(clock(), after, limit),
            _LAPSED_AT_ONCE,
        )

    async def reschedule(self, actor: Actor, booking_id: UUID, wanted: RescheduleIn) -> BookingOut:
        """Move the visit or propose the new time; a repeat changes nothing and is no error.

        Raises NotFound, WrongState, TooLateToReschedule, ChangedMeanwhile, SlotNotOffered or SlotTaken. In each case
        the booking keeps its time.
        """
        start = to_utc(wanted.scheduled_at, "scheduled_at")
        for _ in range(ATTEMPTS):
            booking, now = await self._changes.current(author(actor), booking_id)
            if _is_so(booking, author(actor), start):
                return booking_out(booking)
            _check_version(booking, wanted.version)
            try:
                written = await self._claim(author(actor), booking, start, now, wanted.note)
            except SlotNotOffered:
                # The booking itself may have taken the missing seat meanwhile.
                if (await self._changes.find(actor, booking_id)).version == booking.version:
                    raise
                continue
            if written:
                return booking_out(written)
        raise KeepsChanging

    async def accept(self, actor: Actor, booking_id: UUID, answer: ProposalAnswerIn) -> BookingOut:
        """Accept the proposed time. Raises NotFound, NoProposal or ChangedMeanwhile."""
        return await self._answer(author(actor), booking_id, Action.RESCHEDULE, answer)

    async def decline(self, actor: Actor, booking_id: UUID, answer: ProposalAnswerIn) -> BookingOut:
        """Decline the proposed time, as `accept`. A request past its own deadline then expires."""
        return await self._answer(author(actor), booking_id, Action.REJECT, answer)

    async def withdraw(self, actor: Actor, booking_id: UUID) -> BookingOut:
        """Withdraw the proposed time, as `decline`, for the party that proposed it."""
        return await self._answer(author(actor), booking_id, Action.WITHDRAW, ProposalAnswerIn())

    async def slots(self, actor: Actor, booking_id: UUID, query: OtherTimesQuery) -> SlotsOut:
        """Every start to which the customer could move the visit now. Raises NotFound, WrongState or Invalid."""
        if not 1 <= (query.last - query.first).days + 1 <= MAX_DAYS:
            raise Invalid("to", f"must be on or after `from` and at most {MAX_DAYS} dates in all")
        booking, now = await self._changes.find(actor, booking_id), self._clock()
        due = made_by_time(booking, now)
        if due and due.status is Status.CANCELLED:
            raise WrongState("Nobody has answered the request in time.")
        check_movable(booking, now)
        barber = await self._barbers.find(booking.barber_id)
        calendar, visit = lay_out_again(barber, booking, now)
        known = to_be_known(calendar, visit, calendar.starts_on(query.first, query.last))
        taken = await self._bookings.occupied(barber.id, *known)
        calendar = replace(calendar, taken=without(taken, booking.ticks))
        days = free_slots(calendar, query.first, query.last, visit)
        return SlotsOut(barber.timezone, [DaySlots(day, [SlotOut(*slot) for slot in slots]) for day, slots in days])

    async def lapse_unanswered(self) -> int:
        """Close the proposals that nobody answered in time and free their ticks; returns how many there were."""

        async def lapse(overdue: Deadline) -> None:
            await self._changes.current(GROME, overdue.id)

        return (await self._unanswered.run(lapse)).done

    async def _claim(
        self, by: Author, booking: Booking, start: datetime, now: datetime, note: str | None
    ) -> Booking | None:
        """None where the booking has changed meanwhile."""
        proposal = booking.proposal
        if proposal and proposal.awaits is by.party and proposal.scheduled_at == start:
            return await self._changes.write(booking, by, _agreed(booking, note), now)
        barber = await self._barbers.find(booking.barber_id)
        # Occupied time is left out of the calendar: about that the database decides, in the write itself.
        calendar, visit = lay_out_again(barber, booking, now)
        awaits = who_must_agree(booking, by.party, now, unasked=calendar.rules.auto_accept)
        if why := _objection(calendar, visit, start, by.party):
            raise SlotNotOffered(why.value, why.sentence)
        change = partial(_change, booking, awaits, now + self._answer_within, note)

        async def write(drawn: list[int]) -> Booking | None:
            ticks = [*occupied_ticks(calendar.rules, start, visit), *drawn]
            time = NewTime(start, start + timedelta(minutes=visit.duration_min), ticks)
            return await self._changes.write(booking, by, change(time), now)

        day = calendar.date_of(tick_of(start))

        async def claim() -> Booking | None:
            return await claim_seats(self._bookings, barber.id, visit, day, write, own=booking.ticks)

        try:
            return await claim()
        except (SlotTaken, SlotNotOffered):
            # Overdue requests and proposals hold their ticks until a job or another booking releases them.
            ticks = [
                *occupied_ticks(calendar.rules, start, visit),
                *(one for cap in visit.caps for one in seats(cap, day)),
            ]
            if not await self._moves.expire_within(barber.id, ticks):
                raise
            return await claim()

    async def _answer(self, by: Author, booking_id: UUID, action: Action, answer: ProposalAnswerIn) -> BookingOut:
        async def decide(booking: Booking, now: datetime) -> Change | None:
            proposal, last = booking.proposal, booking.history[-1]
            if proposal is None:
                if last.action is action and last.by is by.party:
                    return None
                raise NoProposal("No other time is proposed.")
            if (proposal.awaits is by.party) is (action is Action.WITHDRAW):
                raise NoProposal(f"The answer is the {proposal.awaits.value}'s to give; who proposed may withdraw.")
            window_of(booking, Action.REJECT, by.party).check(now)
            _check_version(booking, answer.version)
            if action is Action.RESCHEDULE:
                return _agreed(booking, answer.note)
            return _about(proposal.scheduled_at, booking, action, without_proposal(booking), answer.note)

        booking = await self._changes.change(by, booking_id, decide)
        if made_by_time(booking, self._clock()):  # without the proposal a request's own deadline counts again
            booking, _ = await self._changes.current(by, booking_id)
        return booking_out(booking)


def _is_so(booking: Booking, by: Author, start: datetime) -> bool:
    """The visit has this time, or the author has proposed it already."""
    proposal = booking.proposal
    is_proposed = proposal is not None and proposal.awaits is not by.party and proposal.scheduled_at == start
    return booking.status in MOVABLE and (booking.scheduled_at == start or is_proposed)


def _check_version(booking: Booking, expected: int | None) -> None:
    if expected not in (None, booking.version):
        raise ChangedMeanwhile(f"Its version is {booking.version}.")


def _objection(calendar: Calendar, visit: Visit, start: datetime, party: Party) -> Obstacle | None:
    """A barber may come early, stay late or work on a day off; nobody else decides that for them."""
    if party is not Party.BARBER:
        return obstacle(calendar, start, visit)
    if not is_aligned(start):
        return Obstacle.MISALIGNED
    if start <= calendar.now:
        return Obstacle.TOO_SOON
    return Obstacle.BEYOND_HORIZON if start > calendar.now + _FARTHEST else None


def _change(booking: Booking, awaits: Party | None, answer_by: datetime, note: str | None, time: NewTime) -> Change:
    start = time.scheduled_at
    if awaits:
        # Nobody answers when one of the two visits would have begun.
        fields = proposed(booking, time, awaits, min(answer_by, booking.scheduled_at, start))
        return _about(start, booking, Action.PROPOSE, fields, note)
    deadline = min(answer_by, start) if booking.status is Status.REQUESTED else None
    return Change(
        action=Action.RESCHEDULE,
        status=booking.status,
        fields=moved(time, deadline),
        note=note,
        scheduled_at=start,
        answer_by=deadline,
    )


def _about(start: datetime, booking: Booking, action: Action, fields: Document, note: str | None) -> Change:
    """A change that leaves the booking with the state, and the deadline, that it has."""
    return Change(
        action=action,
        status=booking.status,
        fields=fields,
        note=note,
        scheduled_at=start,
        answer_by=booking.answer_by,
    )


def _agreed(booking: Booking, note: str | None) -> Change:
    if booking.proposal is None:
        raise ValueError("there is nothing to agree to")
    fields, start = agreed(booking.proposal), booking.proposal.scheduled_at
    return Change(action=Action.RESCHEDULE, status=Status.ACCEPTED, fields=fields, note=note, scheduled_at=start)
