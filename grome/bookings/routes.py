"""`/v1/bookings`."""

from uuid import UUID

from sanic import Request

from grome.bookings.create import BookingCreator
from grome.bookings.errors import (
    ChangedMeanwhile,
    HistoryFull,
    KeyInFlight,
    KeyReused,
    NoLongerOffered,
    NoProposal,
    OutsideWindow,
    SettlementChanged,
    SlotNotOffered,
    SlotTaken,
    TooLateToReschedule,
    WrongState,
)
from grome.bookings.lifecycle import BookingLifecycle
from grome.bookings.models import Action
from grome.bookings.queries import BookingQueries
from grome.bookings.rebook import Rebooker
from grome.bookings.reschedule import Rescheduler
from grome.bookings.running_late import DelayShifter
from grome.bookings.schemas import (
    BookingIn,
    BookingOut,
    BookingPage,
    BookingQuery,
    CancelIn,
    CancellationOut,
    EndIn,
    HistoryOut,
    LateIn,
    LateOut,
    LateQuery,
    NoteIn,
    NotesOut,
    OtherTimesQuery,
    ProposalAnswerIn,
    RebookIn,
    RescheduleIn,
    TipIn,
)
from grome.bookings.tips_and_notes import TipsAndNotes
from grome.bookings.undo import TransitionUndo
from grome.common.actor import BARBERS, CUSTOMERS, SIDES, SIGNED_IN, Actor
from grome.common.errors import NotFound
from grome.infrastructure.http import IdempotencyKey, LimitClass, Routes, resolve
from grome.infrastructure.idempotency import Encoded
from grome.promos.errors import PromoRefused
from grome.scheduling.schemas import SlotsOut

bookings = Routes(
    "bookings",
    "/v1/bookings",
    about="Book a visit and take it through its life: accept, reschedule, start, complete, cancel and tip.",
)


@bookings.post(
    "",
    who=CUSTOMERS,
    status=201,
    answers={201: BookingOut},
    refusals=(NotFound, SlotTaken, SlotNotOffered, PromoRefused, KeyReused, KeyInFlight),
)
async def create_booking(
    request: Request, actor: Actor, body: BookingIn, idempotency_key: IdempotencyKey | None
) -> BookingOut | Encoded:
    """Book a time with a barber.

    If several requests ask for the same time of a barber, exactly one request gets the time, and the others get 409
    `slot_taken`. 422 `slot_not_offered` names the rule that rejects the time. A repeat with the same `Idempotency-Key`
    gets the first answer again.

    The booking is a request that awaits the barber, unless the barber accepts bookings automatically.
    """
    return await resolve(request, BookingCreator).create(actor, body, idempotency_key)


@bookings.get("", who=SIGNED_IN)
async def list_bookings(request: Request, actor: Actor, query: BookingQuery) -> BookingPage:
    """List your bookings, latest start first.

    Admins get all bookings.
    """
    return await resolve(request, BookingQueries).list_page(actor, query)


@bookings.get("/{booking_id}", who=SIGNED_IN, refusals=(NotFound,))
async def read_booking(request: Request, actor: Actor, booking_id: UUID) -> BookingOut:
    """Return one of your bookings."""
    return await resolve(request, BookingQueries).read(actor, booking_id)


@bookings.get("/{booking_id}/history", who=SIGNED_IN, refusals=(NotFound,))
async def read_history(request: Request, actor: Actor, booking_id: UUID) -> HistoryOut:
    """Return the history of a booking, oldest change first."""
    return await resolve(request, BookingQueries).get_history(actor, booking_id)


@bookings.post("/{booking_id}/accept", who=SIDES, refusals=(NotFound, WrongState))
async def accept(request: Request, actor: Actor, booking_id: UUID) -> BookingOut:
    """Accept a request, as the party that it awaits.

    The request awaits the barber or, if Grome offered a freed time from the waitlist, the customer. If the barber has
    yet to agree to the offer that the customer accepts, the request then awaits the barber.

    409 `wrong_state` means that the booking awaits the other party or is no request any more. A repeat changes nothing.
    """
    return await resolve(request, BookingLifecycle).apply_action(actor, booking_id, Action.ACCEPT)


@bookings.post("/{booking_id}/decline", who=SIDES, refusals=(NotFound, WrongState))
async def decline(request: Request, actor: Actor, booking_id: UUID, body: EndIn) -> BookingOut:
    """Decline a request, as the party that it awaits.

    The time is free again at once. 409 `wrong_state` means that the booking awaits the other party or is no request any
    more.
    """
    return await resolve(request, BookingLifecycle).apply_action(actor, booking_id, Action.DECLINE, body.note)


@bookings.post("/{booking_id}/start", who=BARBERS, refusals=(NotFound, WrongState, OutsideWindow))
async def start(request: Request, actor: Actor, booking_id: UUID) -> BookingOut:
    """Start the visit.

    Possible from two hours before the start until 24 hours after the end (else 409 `outside_window`). A visit that was
    neither started nor ended is cancelled by Grome 48 hours after its end, at no cost to the customer.
    """
    return await resolve(request, BookingLifecycle).apply_action(actor, booking_id, Action.START)


@bookings.post("/{booking_id}/complete", who=BARBERS, refusals=(NotFound, WrongState, OutsideWindow))
async def complete(request: Request, actor: Actor, booking_id: UUID) -> BookingOut:
    """Complete a started visit.

    Grome completes it 24 hours after its end if the barber does not.
    """
    return await resolve(request, BookingLifecycle).apply_action(actor, booking_id, Action.COMPLETE)


@bookings.post("/{booking_id}/no-show", who=BARBERS, refusals=(NotFound, WrongState, OutsideWindow))
async def no_show(request: Request, actor: Actor, booking_id: UUID, body: EndIn) -> BookingOut:
    """Record that the customer did not appear.

    Possible from five minutes after the start until 24 hours after the end. `settlement` is the cost to the customer
    under the terms of the booking, without a fee if the barber is late.
    """
    return await resolve(request, BookingLifecycle).apply_action(actor, booking_id, Action.NO_SHOW, body.note)


@bookings.post(
    "/{booking_id}/undo",
    who=BARBERS,
    refusals=(NotFound, WrongState, OutsideWindow, SlotTaken, SlotNotOffered, HistoryFull),
)
async def undo(request: Request, actor: Actor, booking_id: UUID) -> BookingOut:
    """Undo a start or a no-show that was recorded by mistake, within 15 minutes.

    The visit is accepted again, and a fee for the no-show is dropped. Only the newest status change of the booking can
    be undone. An error is returned if another booking has taken the time meanwhile.
    """
    return await resolve(request, TransitionUndo).undo(actor, booking_id)


@bookings.get("/{booking_id}/cancellation", who=SIGNED_IN, refusals=(NotFound, WrongState, OutsideWindow))
async def preview_cancellation(request: Request, actor: Actor, booking_id: UUID) -> CancellationOut:
    """Preview the cost of cancelling now, and the deadline for free cancellation.

    If the barber or an admin asks, there is no fee. The errors are those of a cancellation.
    """
    return await resolve(request, BookingLifecycle).preview_cancellation(actor, booking_id)


@bookings.post("/{booking_id}/cancel", who=SIGNED_IN, refusals=(NotFound, WrongState, OutsideWindow, SettlementChanged))
async def cancel(request: Request, actor: Actor, booking_id: UUID, body: CancelIn) -> BookingOut:
    """Cancel a booking, as its customer, its barber or an admin.

    The time is free again at once. A customer can cancel until the start, a barber until 24 hours after the end.
    `settlement` follows the terms of the booking if the customer cancels, and has no fee otherwise. 409
    `settlement_changed` means that the cost is not the expected cost: preview it again.
    """
    return await resolve(request, BookingLifecycle).cancel(actor, booking_id, body)


@bookings.post("/{booking_id}/tip", who=CUSTOMERS, refusals=(NotFound, WrongState, OutsideWindow, HistoryFull))
async def tip(request: Request, actor: Actor, booking_id: UUID, body: TipIn) -> BookingOut:
    """Add a tip to a visit up to 30 days after its completion.

    An unpaid tip can be changed; a paid tip cannot. Pay it by `POST /v1/bookings/{booking_id}/payments`.
    """
    return await resolve(request, TipsAndNotes).set_tip(actor, booking_id, body.amount)


@bookings.get("/{booking_id}/note", who=SIGNED_IN, refusals=(NotFound,))
async def read_notes(request: Request, actor: Actor, booking_id: UUID) -> NotesOut:
    """Return the notes of a booking.

    The barber's own note is for the barber and admins.
    """
    return await resolve(request, TipsAndNotes).get_notes(actor, booking_id)


@bookings.put("/{booking_id}/note", who=SIDES, refusals=(NotFound, WrongState, OutsideWindow, HistoryFull))
async def put_note(request: Request, actor: Actor, booking_id: UUID, body: NoteIn) -> NotesOut:
    """Write your own note on a booking.

    Both sides read the customer's note, which can be changed until the visit ends. The customer never sees the barber's
    note, which can be changed at any time.
    """
    return await resolve(request, TipsAndNotes).put_note(actor, booking_id, body.note)


@bookings.post(
    "/{booking_id}/rebook",
    who=CUSTOMERS,
    status=201,
    answers={201: BookingOut},
    refusals=(NotFound, NoLongerOffered, SlotTaken, SlotNotOffered, KeyReused, KeyInFlight),
)
async def rebook(
    request: Request, actor: Actor, booking_id: UUID, body: RebookIn, idempotency_key: IdempotencyKey | None
) -> BookingOut | Encoded:
    """Book the same barber, services and add-ons again at another time.

    Today's prices and terms apply. 409 `no_longer_offered` names the services that are gone. A repeat with the same
    `Idempotency-Key` gets the first answer again.
    """
    return await resolve(request, Rebooker).rebook(actor, booking_id, body, idempotency_key)


@bookings.get("/{booking_id}/slots", who=SIGNED_IN, limit=LimitClass.SEARCH, refusals=(NotFound, WrongState))
async def other_times(request: Request, actor: Actor, booking_id: UUID, query: OtherTimesQuery) -> SlotsOut:
    """List the times to which a booking can be rescheduled.

    They are grouped by the barber's local dates, and free for the booked services as a customer could choose them; time
    that the booking itself occupies counts as free.
    """
    return await resolve(request, Rescheduler).list_slots(actor, booking_id, query)


@bookings.post(
    "/{booking_id}/reschedule",
    who=SIGNED_IN,
    refusals=(NotFound, WrongState, TooLateToReschedule, ChangedMeanwhile, SlotNotOffered, SlotTaken, HistoryFull),
)
async def reschedule(request: Request, actor: Actor, booking_id: UUID, body: RescheduleIn) -> BookingOut:
    """Reschedule a booking, or propose another time to the other side.

    Services, price and payment stay the same.

    A customer's request is rescheduled at once and awaits its barber again. A customer's accepted visit is rescheduled
    at once if the barber accepts bookings automatically; otherwise the new time is a `proposal` that awaits the barber.
    Customers can reschedule up to the notice in the terms of the booking.

    A barber's new time is a proposal that awaits the customer, also for a request: this is the counter-offer. The
    barber may propose any free time, also outside the opening hours. An admin reschedules at once.

    While a proposal is open, the booking holds both times. A second proposal replaces the first proposal. Requesting
    the time that the other side has proposed accepts the proposal. After an error, the booking keeps its time.
    """
    return await resolve(request, Rescheduler).reschedule(actor, booking_id, body)


@bookings.post("/{booking_id}/proposal/accept", who=SIDES, refusals=(NotFound, NoProposal, ChangedMeanwhile))
async def accept_proposal(request: Request, actor: Actor, booking_id: UUID, body: ProposalAnswerIn) -> BookingOut:
    """Accept the proposed time, which then replaces the time of the booking.

    A request is accepted with the time. 409 `no_proposal` means that the proposal was withdrawn, has lapsed or is your
    own.
    """
    return await resolve(request, Rescheduler).accept(actor, booking_id, body)


@bookings.post("/{booking_id}/proposal/decline", who=SIDES, refusals=(NotFound, NoProposal, ChangedMeanwhile))
async def decline_proposal(request: Request, actor: Actor, booking_id: UUID, body: ProposalAnswerIn) -> BookingOut:
    """Decline the proposed time.

    The booking stays accepted, or a request that awaits its barber.
    """
    return await resolve(request, Rescheduler).decline(actor, booking_id, body)


@bookings.delete("/{booking_id}/proposal", who=SIDES, refusals=(NotFound, NoProposal))
async def withdraw_proposal(request: Request, actor: Actor, booking_id: UUID) -> BookingOut:
    """Withdraw the time that you have proposed.

    The booking keeps its present time.
    """
    return await resolve(request, Rescheduler).withdraw(actor, booking_id)


@bookings.get("/{booking_id}/late", who=BARBERS, refusals=(NotFound, WrongState, OutsideWindow, HistoryFull))
async def preview_late(request: Request, actor: Actor, booking_id: UUID, query: LateQuery) -> LateOut:
    """Preview the effect of a delay on your visits.

    Nothing is changed.
    """
    return await resolve(request, DelayShifter).preview(actor, booking_id, query.minutes)


@bookings.post("/{booking_id}/late", who=BARBERS, refusals=(NotFound, WrongState, OutsideWindow, HistoryFull))
async def late(request: Request, actor: Actor, booking_id: UUID, body: LateIn) -> LateOut:
    """Report that a visit of today is late, and shift the following visits.

    The visit begins later than agreed or, if it is in progress, ends later. Each following visit is shifted by as
    little as possible: gaps between visits and breaks absorb the delay. The customer of a shifted visit may reschedule
    or cancel it free of charge. A visit is a clash if it cannot be shifted, because it would end more than 30 minutes
    after closing, or overlap time off or a visit that cannot be moved. The customer of a clash is proposed the next
    free start.

    `minutes` counts from the agreed time, so a repeat has no further effect, or completes a call that was interrupted.
    """
    return await resolve(request, DelayShifter).shift(actor, booking_id, body.minutes)
