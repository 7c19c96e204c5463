"""Compute the approval and the document fields of proposals and new times, without I/O.

The functions `fields_…` return the fields to set, by their paths in the document.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from grome.bookings.errors import TooLateToReschedule, WrongState
from grome.bookings.models import Action, Booking, Party, Proposal, Status
from grome.bookings.windows import window_of
from grome.infrastructure.mongo.client import Document, to_document

RESCHEDULABLE: Final = frozenset({Status.REQUESTED, Status.ACCEPTED})


class NewTime(NamedTuple):
    """Holds another time for a visit, with all ticks and seats that the visit would occupy at this time."""

    scheduled_at: datetime
    ends_at: datetime
    ticks: list[int]


def present_ticks(booking: Booking) -> list[int]:
    """Return the ticks of the present time of a booking, without the ticks held for a proposal."""
    return booking.proposal.instead_of if booking.proposal else booking.ticks


def check_reschedulable(booking: Booking, now: datetime) -> None:
    """Check that the visit is still to come and is no unanswered offer from the waitlist. Raises WrongState."""
    if booking.status not in RESCHEDULABLE:
        raise WrongState(f"The booking is {booking.status.value}.")
    if window_of(booking, Action.PROPOSE, Party.BARBER).is_after(now):
        raise WrongState("The start of the visit has passed.")
    if booking.awaits is Party.CUSTOMER:
        raise WrongState("The booking is an offer that awaits the customer's answer.")


def required_approver(booking: Booking, party: Party, now: datetime, *, auto_accept: bool) -> Party | None:
    """Return the party that must approve if `party` reschedules; None if the visit is rescheduled at once.

    `auto_accept` means that the barber accepts such bookings automatically. An admin needs no approval, and a guest has
    no account to approve with. A request stays a request at the new time. Raises WrongState or TooLateToReschedule.
    """
    check_reschedulable(booking, now)
    if party is Party.BARBER:
        return Party.CUSTOMER if booking.customer_id else None
    if party is Party.ADMIN or booking.status is Status.REQUESTED:
        return None
    window = window_of(booking, Action.RESCHEDULE, party)
    if window.closes_at and window.is_after(now):
        raise TooLateToReschedule(f"The visit could be rescheduled until {window.closes_at.isoformat()}.")
    return None if auto_accept else Party.BARBER


def fields_for_proposal(booking: Booking, time: NewTime, awaits: Party, answer_by: datetime) -> Document:
    """Return the fields that hold the proposed time beside the present time; they replace an open proposal."""
    present = present_ticks(booking)
    proposal = Proposal(
        scheduled_at=time.scheduled_at,
        ends_at=time.ends_at,
        ticks=time.ticks,
        instead_of=present,
        awaits=awaits,
        answer_by=answer_by,
    )
    return {"proposal": to_document(proposal), "ticks": _union(present, time.ticks)}


def fields_closing_proposal(booking: Booking) -> Document:
    """Return the fields that keep the present time and free the proposed time; no fields if no proposal is open."""
    return {"proposal": None, "ticks": booking.proposal.instead_of} if booking.proposal else {}


def fields_for_new_time(time: NewTime, answer_by: datetime | None) -> Document:
    """Return the fields that replace the present time and reset the delay.

    With `answer_by`, the booking is a request that awaits the barber again.
    """
    fields: Document = {**time._asdict(), "proposal": None, "late_min": 0}
    return {**fields, "awaits": Party.BARBER.value, "answer_by": answer_by} if answer_by else fields


def fields_for_agreement(proposal: Proposal) -> Document:
    """Return the fields that replace the present time by the accepted proposal; a request is thereby accepted."""
    time = NewTime(proposal.scheduled_at, proposal.ends_at, proposal.ticks)
    return {**time._asdict(), "proposal": None, "late_min": 0, "awaits": None, "answer_by": None}


def fields_for_delay(booking: Booking, time: NewTime, late_min: int) -> Document:
    """Return the fields for a delay caused by the barber; an open proposal stays open."""
    fields: Document = {**time._asdict(), "late_min": late_min}
    if booking.proposal:
        fields |= {"ticks": _union(time.ticks, booking.proposal.ticks), "proposal.instead_of": time.ticks}
    return fields


def _union(present: Sequence[int], new: Sequence[int]) -> list[int]:
    return [*present, *(tick for tick in new if tick not in present)]
