"""Reschedule a visit at once, or after the other side agrees. docs/decisions/0014 describes the held ticks."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from grome.barbers.service import BarberService
from grome.bookings.booked_visit import rebuild_calendar_and_visit
from grome.bookings.cap_seats import claim_seats
from grome.bookings.errors import ChangedMeanwhile, KeepsChanging, NoProposal, SlotNotOffered, WrongState
from grome.bookings.lifecycle import BookingLifecycle
from grome.bookings.models import ANNOTATIONS, Action, Booking, Party, Status
from grome.bookings.proposals import (
    RESCHEDULABLE,
    NewTime,
    check_reschedulable,
    fields_closing_proposal,
    fields_for_agreement,
    fields_for_new_time,
    fields_for_proposal,
    required_approver,
)
from grome.bookings.repository import BookingRepository, Deadline
from grome.bookings.schemas import BookingOut, OtherTimesQuery, ProposalAnswerIn, RescheduleIn, booking_out
from grome.bookings.updates import (
    ATTEMPTS,
    SYSTEM_AUTHOR,
    Author,
    BookingUpdate,
    BookingUpdater,
    author_of,
    find_overdue_update,
)
from grome.bookings.windows import window_of
from grome.common.actor import Actor
from grome.common.clock import Clock, to_utc
from grome.common.errors import Invalid
from grome.infrastructure.isolated_items import Sweep
from grome.infrastructure.mongo.client import Document
from grome.scheduling.daily_caps import excluding_own, seat_ticks
from grome.scheduling.models import MAX_HORIZON_DAYS
from grome.scheduling.schemas import MAX_DAYS, DaySlots, SlotOut, SlotsOut
from grome.scheduling.slots import (
    Calendar,
    Unavailability,
    free_slots,
    occupied_ticks,
    reason_unavailable,
    required_span,
)
from grome.scheduling.ticks import is_aligned, tick_of
from grome.scheduling.visit_plan import VisitPlan

# The upper limit of `horizon_days` in a barber's rules.
_MAX_HORIZON: Final = timedelta(days=MAX_HORIZON_DAYS)
_SWEEP_BATCH: Final = 500


class Rescheduler:
    """Reschedules bookings; a proposal, or a request with a new time, waits at most `answer_within` for its answer."""

    def __init__(
        self,
        bookings: BookingRepository,
        updater: BookingUpdater,
        lifecycle: BookingLifecycle,
        barbers: BarberService,
        answer_within: timedelta,
        clock: Clock,
    ) -> None:
        self._bookings, self._updater, self._lifecycle, self._barbers = bookings, updater, lifecycle, barbers
        self._answer_within, self._clock = answer_within, clock
        self._unanswered = Sweep(
            "lapse_unanswered",
            lambda after, limit: bookings.list_overdue_proposals(clock(), after, limit),
            _SWEEP_BATCH,
        )

    async def reschedule(self, actor: Actor, booking_id: UUID, wanted: RescheduleIn) -> BookingOut:
        """Move the visit or propose the new time; a repeat changes nothing and is no error.

        Raises NotFound, WrongState, TooLateToReschedule, ChangedMeanwhile, SlotNotOffered or SlotTaken. In each case
        the booking keeps its time.
        """
        start = to_utc(wanted.scheduled_at, "scheduled_at")
        for _ in range(ATTEMPTS):
            booking, now = await self._updater.get_current(author_of(actor), booking_id)
            if _already_applied(booking, author_of(actor), start):
                return booking_out(booking)
            _check_version(booking, wanted.version)
            try:
                written = await self._claim_time(author_of(actor), booking, start, now, wanted.note)
            except SlotNotOffered:
                # A concurrent call may have given the missing seat to this very booking.
                if (await self._updater.get(actor, booking_id)).version == booking.version:
                    raise
                continue
            if written:
                return booking_out(written)
        raise KeepsChanging

    async def accept(self, actor: Actor, booking_id: UUID, answer: ProposalAnswerIn) -> BookingOut:
        """Accept the proposed time. Raises NotFound, NoProposal or ChangedMeanwhile."""
        return await self._answer(author_of(actor), booking_id, Action.RESCHEDULE, answer)

    async def decline(self, actor: Actor, booking_id: UUID, answer: ProposalAnswerIn) -> BookingOut:
        """Decline the proposed time, as `accept`. A request past its own deadline then expires."""
        return await self._answer(author_of(actor), booking_id, Action.REJECT, answer)

    async def withdraw(self, actor: Actor, booking_id: UUID) -> BookingOut:
        """Withdraw the proposed time, as `decline`, for the party that proposed it."""
        return await self._answer(author_of(actor), booking_id, Action.WITHDRAW, ProposalAnswerIn())

    async def list_slots(self, actor: Actor, booking_id: UUID, query: OtherTimesQuery) -> SlotsOut:
        """List the starts to which the customer can reschedule now. Raises NotFound, WrongState or Invalid."""
        if not 1 <= (query.last - query.first).days + 1 <= MAX_DAYS:
            raise Invalid("to", f"must be on or after `from` and at most {MAX_DAYS} dates in all")
        booking, now = await self._updater.get(actor, booking_id), self._clock()
        due = find_overdue_update(booking, now)
        if due and due.status is Status.CANCELLED:
            raise WrongState("The booking has expired.")
        check_reschedulable(booking, now)
        barber = await self._barbers.get(booking.barber_id)
        calendar, visit = rebuild_calendar_and_visit(barber, booking, now)
        required = required_span(calendar, visit, calendar.starts_on(query.first, query.last))
        taken = await self._bookings.get_occupied_ticks(barber.id, *required)
        calendar = replace(calendar, taken=excluding_own(taken, booking.ticks))
        days = free_slots(calendar, query.first, query.last, visit)
        return SlotsOut(barber.timezone, [DaySlots(day, [SlotOut(*slot) for slot in slots]) for day, slots in days])

    async def lapse_unanswered(self) -> int:
        """Close the proposals without an answer in time and free their ticks; return the number of closed proposals."""

        async def lapse(overdue: Deadline) -> None:
            await self._updater.get_current(SYSTEM_AUTHOR, overdue.id)

        return (await self._unanswered.run(lapse)).done

    async def _claim_time(
        self, by: Author, booking: Booking, start: datetime, now: datetime, note: str | None
    ) -> Booking | None:
        """Return the updated booking, or None if the booking has changed since it was read."""
        proposal = booking.proposal
        if proposal and proposal.awaits is by.party and proposal.scheduled_at == start:
            return await self._updater.write(booking, by, _build_agreement(booking, note), now)
        barber = await self._barbers.get(booking.barber_id)
        # Occupied time is left out of the calendar: the database decides about it, in the write itself.
        calendar, visit = rebuild_calendar_and_visit(barber, booking, now)
        awaits = required_approver(booking, by.party, now, auto_accept=calendar.rules.auto_accept)
        if reason := _reason_unavailable(calendar, visit, start, by.party):
            raise SlotNotOffered(reason.value, reason.sentence)
        day, new_ticks = calendar.date_of(tick_of(start)), occupied_ticks(calendar.rules, start, visit)

        async def write(seats: list[int]) -> Booking | None:
            time = NewTime(start, start + timedelta(minutes=visit.duration_min), [*new_ticks, *seats])
            update = _build_update(booking, awaits, now + self._answer_within, note, time)
            return await self._updater.write(booking, by, update, now)

        async def claim() -> Booking | None:
            return await claim_seats(self._bookings, barber.id, visit, day, write, own=booking.ticks)

        def claimable() -> list[int]:
            return [*new_ticks, *(seat for cap in visit.caps for seat in seat_ticks(cap, day))]

        return await self._lifecycle.claim_after_expiry(barber.id, claimable, claim)

    async def _answer(self, by: Author, booking_id: UUID, action: Action, answer: ProposalAnswerIn) -> BookingOut:
        async def rule(booking: Booking, now: datetime) -> BookingUpdate | None:
            proposal = booking.proposal
            if proposal is None:
                last = next(entry for entry in reversed(booking.history) if entry.action not in ANNOTATIONS)
                if last.action is action and last.by is by.party:
                    return None
                raise NoProposal("No other time is proposed.")
            if (proposal.awaits is by.party) is (action is Action.WITHDRAW):
                raise NoProposal(f"The proposal awaits the {proposal.awaits.value}; the other side may withdraw it.")
            window_of(booking, Action.REJECT, by.party).check(now)
            _check_version(booking, answer.version)
            if action is Action.RESCHEDULE:
                return _build_agreement(booking, answer.note)
            return _build_proposal_update(
                proposal.scheduled_at, booking, action, fields_closing_proposal(booking), answer.note
            )

        booking = await self._updater.update(by, booking_id, rule)
        if find_overdue_update(booking, self._clock()):  # without the proposal, the request's own deadline counts
            booking, _ = await self._updater.get_current(by, booking_id)
        return booking_out(booking)


def _already_applied(booking: Booking, by: Author, start: datetime) -> bool:
    """Return whether the visit has this time already, or the author has proposed it."""
    proposal = booking.proposal
    is_proposed = proposal is not None and proposal.awaits is not by.party and proposal.scheduled_at == start
    return booking.status in RESCHEDULABLE and (booking.scheduled_at == start or is_proposed)


def _check_version(booking: Booking, expected: int | None) -> None:
    if expected not in (None, booking.version):
        raise ChangedMeanwhile(f"Its version is {booking.version}.")


def _reason_unavailable(calendar: Calendar, visit: VisitPlan, start: datetime, party: Party) -> Unavailability | None:
    """Apply all availability rules, or, for the barber, only alignment and range: barbers may work outside hours."""
    if party is not Party.BARBER:
        return reason_unavailable(calendar, start, visit)
    if not is_aligned(start):
        return Unavailability.MISALIGNED
    if start <= calendar.now:
        return Unavailability.TOO_SOON
    return Unavailability.BEYOND_HORIZON if start > calendar.now + _MAX_HORIZON else None


def _build_update(
    booking: Booking, awaits: Party | None, answer_by: datetime, note: str | None, time: NewTime
) -> BookingUpdate:
    start = time.scheduled_at
    if awaits:
        # The answer must come before the earlier of the two starts.
        fields = fields_for_proposal(booking, time, awaits, min(answer_by, booking.scheduled_at, start))
        return _build_proposal_update(start, booking, Action.PROPOSE, fields, note)
    deadline = min(answer_by, start) if booking.status is Status.REQUESTED else None
    return BookingUpdate(
        action=Action.RESCHEDULE,
        status=booking.status,
        fields=fields_for_new_time(time, deadline),
        note=note,
        scheduled_at=start,
        answer_by=deadline,
    )


def _build_proposal_update(
    start: datetime, booking: Booking, action: Action, fields: Document, note: str | None
) -> BookingUpdate:
    """Build an update that keeps the status and the deadline of the booking."""
    return BookingUpdate(
        action=action,
        status=booking.status,
        fields=fields,
        note=note,
        scheduled_at=start,
        answer_by=booking.answer_by,
    )


def _build_agreement(booking: Booking, note: str | None) -> BookingUpdate:
    if booking.proposal is None:
        raise ValueError("no proposal to agree to")
    fields, start = fields_for_agreement(booking.proposal), booking.proposal.scheduled_at
    return BookingUpdate(action=Action.RESCHEDULE, status=Status.ACCEPTED, fields=fields, note=note, scheduled_at=start)
