"""`/v1/bookings`."""

from uuid import UUID

from sanic import Request

from grome.availability.schemas import SlotsOut
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
from grome.bookings.models import Action
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
from grome.common.actor import BARBERS, CUSTOMERS, SIDES, SIGNED_IN, Actor
from grome.common.errors import NotFound
from grome.common.first_answers import Encoded
from grome.common.http import IdempotencyKey, Routes
from grome.context import app_context
from grome.promos.errors import PromoRefused

bookings = Routes("bookings", "/v1/bookings")


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
    """Take a time. Of all who ask for the same time of a barber exactly one gets it, whatever races.

    A repeat under the same `Idempotency-Key` gets the first answer again.
    """
    return await app_context(request).booking_creation.create(actor, body, idempotency_key)


@bookings.get("", who=SIGNED_IN)
async def list_bookings(request: Request, actor: Actor, query: BookingQuery) -> BookingPage:
    """Your bookings, latest start first: a customer's own, a barber's own, for an admin all."""
    return await app_context(request).bookings.page(actor, query)


@bookings.get("/{booking_id}", who=SIGNED_IN, refusals=(NotFound,))
async def read_booking(request: Request, actor: Actor, booking_id: UUID) -> BookingOut:
    """One booking of yours."""
    return await app_context(request).bookings.read(actor, booking_id)


@bookings.get("/{booking_id}/history", who=SIGNED_IN, refusals=(NotFound,))
async def read_history(request: Request, actor: Actor, booking_id: UUID) -> HistoryOut:
    """Everything that happened to a booking, oldest first."""
    return await app_context(request).bookings.history(actor, booking_id)


@bookings.post("/{booking_id}/accept", who=SIDES, refusals=(NotFound, WrongState))
async def accept(request: Request, actor: Actor, booking_id: UUID) -> BookingOut:
    """Say yes to a request, as whom it awaits: the barber, or the customer whom a freed time is offered to.

    Where the barber has yet to agree to what the customer has said yes to, the request then awaits the barber.
    """
    return await app_context(request).booking_moves.move(actor, booking_id, Action.ACCEPT)


@bookings.post("/{booking_id}/decline", who=SIDES, refusals=(NotFound, WrongState))
async def decline(request: Request, actor: Actor, booking_id: UUID, body: EndIn) -> BookingOut:
    """Say no to a request, as whom it awaits. Its time is free again at once."""
    return await app_context(request).booking_moves.move(actor, booking_id, Action.DECLINE, body.note)


@bookings.post("/{booking_id}/start", who=BARBERS, refusals=(NotFound, WrongState, OutsideWindow))
async def start(request: Request, actor: Actor, booking_id: UUID) -> BookingOut:
    """The customer is in the chair. Possible from two hours before the start until 24 hours after the end.

    Grome cancels a visit that nobody has started or ended 48 hours after its end; this costs the customer nothing.
    """
    return await app_context(request).booking_moves.move(actor, booking_id, Action.START)


@bookings.post("/{booking_id}/complete", who=BARBERS, refusals=(NotFound, WrongState, OutsideWindow))
async def complete(request: Request, actor: Actor, booking_id: UUID) -> BookingOut:
    """The visit is over. Grome completes a visit that was started, 24 hours after its end, if its barber does not."""
    return await app_context(request).booking_moves.move(actor, booking_id, Action.COMPLETE)


@bookings.post("/{booking_id}/no-show", who=BARBERS, refusals=(NotFound, WrongState, OutsideWindow))
async def no_show(request: Request, actor: Actor, booking_id: UUID, body: EndIn) -> BookingOut:
    """The customer did not come. Possible from five minutes after the start until 24 hours after the end.

    `settlement` says what it costs the customer by the booking's terms: nothing where the barber is late.
    """
    return await app_context(request).booking_moves.move(actor, booking_id, Action.NO_SHOW, body.note)


@bookings.post(
    "/{booking_id}/undo",
    who=BARBERS,
    refusals=(NotFound, WrongState, OutsideWindow, SlotTaken, SlotNotOffered, HistoryFull),
)
async def undo(request: Request, actor: Actor, booking_id: UUID) -> BookingOut:
    """Take back a start or a no-show that was a wrong tap, within 15 minutes: the visit is accepted again.

    Only where it was the newest move of the booking. A fee of the no-show is off. Its time was free since, so this is
    refused where somebody else has it.
    """
    return await app_context(request).move_undo.undo(actor, booking_id)


@bookings.get("/{booking_id}/cancellation", who=SIGNED_IN, refusals=(NotFound, WrongState, OutsideWindow))
async def preview_cancellation(request: Request, actor: Actor, booking_id: UUID) -> CancellationOut:
    """What it would cost the customer if you cancelled now, and until when it is free. Refused where `cancel` is."""
    return await app_context(request).booking_moves.cancellation(actor, booking_id)


@bookings.post("/{booking_id}/cancel", who=SIGNED_IN, refusals=(NotFound, WrongState, OutsideWindow, SettlementChanged))
async def cancel(request: Request, actor: Actor, booking_id: UUID, body: CancelIn) -> BookingOut:
    """Call a booking off, as its customer, its barber or an admin. Its time is free again at once.

    A customer can do this until the start, a barber until 24 hours after the end. `settlement` says what it costs the
    customer: by the booking's terms if the customer cancels, else nothing.
    """
    return await app_context(request).booking_moves.cancel(actor, booking_id, body)


@bookings.post("/{booking_id}/tip", who=CUSTOMERS, refusals=(NotFound, WrongState, OutsideWindow, HistoryFull))
async def tip(request: Request, actor: Actor, booking_id: UUID, body: TipIn) -> BookingOut:
    """Put something on top of the price of a completed visit, up to 30 days after it, or change it until it is paid."""
    return await app_context(request).booking_extras.tip(actor, booking_id, body.amount)


@bookings.get("/{booking_id}/note", who=SIGNED_IN, refusals=(NotFound,))
async def read_notes(request: Request, actor: Actor, booking_id: UUID) -> NotesOut:
    """The customer's note and, for the barber and admins, the barber's own."""
    return await app_context(request).booking_extras.notes(actor, booking_id)


@bookings.put("/{booking_id}/note", who=SIDES, refusals=(NotFound, WrongState, OutsideWindow, HistoryFull))
async def put_note(request: Request, actor: Actor, booking_id: UUID, body: NoteIn) -> NotesOut:
    """Write your own note: a customer's is for both sides until the visit ends, a barber's never for the customer."""
    return await app_context(request).booking_extras.put_note(actor, booking_id, body.note)


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
    """Book the same once more at another time: same barber, services and add-ons, at today's prices and terms.

    A repeat under the same `Idempotency-Key` gets the first answer again.
    """
    return await app_context(request).rebooking.rebook(actor, booking_id, body, idempotency_key)


@bookings.get("/{booking_id}/slots", who=SIGNED_IN, refusals=(NotFound, WrongState))
async def other_times(request: Request, actor: Actor, booking_id: UUID, query: OtherTimesQuery) -> SlotsOut:
    """The times to which the customer could move a booking, by the barber's local dates.

    They are the barber's free times for just these services; the time that the booking holds itself is free to it.
    """
    return await app_context(request).rescheduling.slots(actor, booking_id, query)


@bookings.post(
    "/{booking_id}/reschedule",
    who=SIGNED_IN,
    refusals=(NotFound, WrongState, TooLateToReschedule, ChangedMeanwhile, SlotNotOffered, SlotTaken, HistoryFull),
)
async def reschedule(request: Request, actor: Actor, booking_id: UUID, body: RescheduleIn) -> BookingOut:
    """Move a booking to another time, or propose it to the other side. Services, price and payment stay.

    A customer's request moves at once and waits for its barber anew. A customer's accepted visit moves at once where
    the barber takes such bookings unasked; else the new time is a `proposal` that awaits the barber. Customers can do
    this up to the notice that the terms of the booking say.

    A barber's word is a proposal that awaits the customer, for a request too: that is the counter-offer. The barber
    may propose any time that is free, also outside of the opening hours. An admin moves at once.

    While a proposal is open, the booking holds both times. A second proposal replaces the first; to ask for what the
    other side proposes is to accept it. Whatever refuses this, the booking keeps the time that it has.
    """
    return await app_context(request).rescheduling.reschedule(actor, booking_id, body)


@bookings.post("/{booking_id}/proposal/accept", who=SIDES, refusals=(NotFound, NoProposal, ChangedMeanwhile))
async def accept_proposal(request: Request, actor: Actor, booking_id: UUID, body: ProposalAnswerIn) -> BookingOut:
    """Say yes to the proposed time, which is the booking's from then on. A request is accepted by that."""
    return await app_context(request).rescheduling.accept(actor, booking_id, body)


@bookings.post("/{booking_id}/proposal/decline", who=SIDES, refusals=(NotFound, NoProposal, ChangedMeanwhile))
async def decline_proposal(request: Request, actor: Actor, booking_id: UUID, body: ProposalAnswerIn) -> BookingOut:
    """Say no to the proposed time. The booking stays as it is: accepted, or a request that awaits its barber."""
    return await app_context(request).rescheduling.decline(actor, booking_id, body)


@bookings.delete("/{booking_id}/proposal", who=SIDES, refusals=(NotFound, NoProposal))
async def withdraw_proposal(request: Request, actor: Actor, booking_id: UUID) -> BookingOut:
    """Take back the time that you have proposed."""
    return await app_context(request).rescheduling.withdraw(actor, booking_id)


@bookings.get("/{booking_id}/late", who=BARBERS, refusals=(NotFound, WrongState, OutsideWindow, HistoryFull))
async def preview_late(request: Request, actor: Actor, booking_id: UUID, query: LateQuery) -> LateOut:
    """What being so late would make of your visits. Nothing is changed."""
    return await app_context(request).running_late.preview(actor, booking_id, query.minutes)


@bookings.post("/{booking_id}/late", who=BARBERS, refusals=(NotFound, WrongState, OutsideWindow, HistoryFull))
async def late(request: Request, actor: Actor, booking_id: UUID, body: LateIn) -> LateOut:
    """A visit of today begins later than agreed or, if it is in progress, ends later; those behind it come later too.

    Each comes as little later as it must: gaps between visits absorb the delay, and breaks do. Whose visit comes later
    may move or cancel it free of charge. A visit that cannot come later, because it would end more than 30 minutes
    after closing or meet time off or what cannot be moved, is a clash: its customer is proposed the next free start.

    `minutes` counts from the time that was agreed, so a repeat changes nothing more, and a call that broke off half-way
    is carried on by it.
    """
    return await app_context(request).running_late.shift(actor, booking_id, body.minutes)
