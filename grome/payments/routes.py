"""Routes of payments and cards."""

from uuid import UUID

from sanic import Request

from grome.bookings.errors import OutsideWindow, WrongState
from grome.common.actor import ADMINS, CUSTOMERS, SIGNED_IN, Actor
from grome.common.errors import NotFound
from grome.infrastructure.http import IdempotencyKey, Routes, resolve
from grome.payments.customers import Cards
from grome.payments.errors import (
    AlreadyPaid,
    NothingToPay,
    NotRefundable,
    PaymentBusy,
    PaymentsOff,
    WrongPaymentState,
)
from grome.payments.queries import PaymentQueries
from grome.payments.refunds import Refunds
from grome.payments.schemas import (
    CardOut,
    CardPage,
    CardSetupOut,
    PaymentIn,
    PaymentList,
    PaymentOut,
    PaymentPage,
    PaymentQuery,
    PaymentStarted,
    ReasonIn,
    RefundIn,
)
from grome.payments.service import PaymentService
from grome.payments.sync import PaymentSync

payments = Routes(
    "payments",
    "/v1",
    about="Payments of visits through Stripe: deposits, prices, tips and fees, saved cards and refunds.",
)


@payments.post(
    "/bookings/{booking_id}/payments",
    who=CUSTOMERS,
    status=201,
    refusals=(NotFound, NothingToPay, AlreadyPaid, PaymentBusy, PaymentsOff, WrongState, OutsideWindow),
)
async def start_payment(request: Request, actor: Actor, booking_id: UUID, body: PaymentIn) -> PaymentStarted:
    """Start the payment of a booking, or return the payment that was started.

    Confirm it with Stripe's SDK in the app. A booking has one payment for each purpose, so a repeat of the request
    returns the same payment. A visit within six days is authorized now and charged after the visit; for a later visit a
    card is saved now (`kind` is `setup`). 409 `nothing_to_pay` means that the booking has nothing to pay for this
    purpose in its state; `wrong_state` and `outside_window` are about a new tip.
    """
    return await resolve(request, PaymentService).start(actor, booking_id, body)


@payments.get("/bookings/{booking_id}/payments", who=CUSTOMERS, refusals=(NotFound, PaymentsOff))
async def list_booking_payments(request: Request, actor: Actor, booking_id: UUID) -> PaymentList:
    """List the payments of a booking, with the values that confirm unpaid payments."""
    return await resolve(request, PaymentService).list_started(actor, booking_id)


@payments.post("/payments/{payment_id}/refresh", who=CUSTOMERS, refusals=(NotFound, PaymentsOff))
async def refresh_payment(request: Request, actor: Actor, payment_id: UUID) -> PaymentOut:
    """Read a payment at Stripe now.

    Call it after the app has confirmed the payment. Without it, a notification of Stripe leads to the same some seconds
    later.
    """
    return await resolve(request, PaymentSync).refresh(actor, payment_id)


@payments.get("/payments", who=SIGNED_IN)
async def list_payments(request: Request, actor: Actor, query: PaymentQuery) -> PaymentPage:
    """List payments, newest first.

    Customers get their own payments, barbers the payments of visits to them, admins all.
    """
    return await resolve(request, PaymentQueries).list_page(actor, query)


@payments.get("/payments/{payment_id}", who=SIGNED_IN, refusals=(NotFound,))
async def read_payment(request: Request, actor: Actor, payment_id: UUID) -> PaymentOut:
    """Return a payment with its refunds and its dispute."""
    return await resolve(request, PaymentQueries).read(actor, payment_id)


@payments.get("/me/cards", who=CUSTOMERS, refusals=(PaymentsOff,))
async def list_cards(request: Request, actor: Actor) -> CardPage:
    """List your saved cards, newest first."""
    return await resolve(request, Cards).list_cards(actor)


@payments.post("/me/cards", who=CUSTOMERS, status=201, refusals=(PaymentsOff,))
async def add_card(request: Request, actor: Actor, idempotency_key: IdempotencyKey | None) -> CardSetupOut:
    """Prepare to save a card with Stripe's SDK in the app.

    A saved card can secure a no-show fee. A repeat with the same `Idempotency-Key` returns the same set-up.
    """
    return await resolve(request, Cards).set_up(actor, idempotency_key)


@payments.put("/me/cards/{card_id}/default", who=CUSTOMERS, refusals=(NotFound, PaymentsOff))
async def choose_card(request: Request, actor: Actor, card_id: str) -> CardOut:
    """Choose the card that is charged while you are away.

    Without a choice it is the newest card.
    """
    return await resolve(request, Cards).choose_default(actor, card_id)


@payments.delete("/me/cards/{card_id}", who=CUSTOMERS, status=204, refusals=(NotFound, PaymentsOff))
async def remove_card(request: Request, actor: Actor, card_id: str) -> None:
    """Remove a saved card.

    A booked visit that needs a card asks for another card.
    """
    await resolve(request, Cards).remove(actor, card_id)


@payments.post(
    "/admin/payments/{payment_id}/refund",
    who=ADMINS,
    refusals=(NotFound, NotRefundable, PaymentBusy, WrongPaymentState, PaymentsOff),
)
async def refund_payment(
    request: Request, actor: Actor, payment_id: UUID, body: RefundIn, idempotency_key: IdempotencyKey | None
) -> PaymentOut:
    """Refund a part or all of a payment.

    409 `not_refundable` names the amount that can be refunded. A disputed payment cannot be refunded, because the bank
    decides about its money. A repeat with the same `Idempotency-Key` refunds nothing more.
    """
    return await resolve(request, Refunds).refund(actor, payment_id, body, idempotency_key)


@payments.post(
    "/admin/payments/{payment_id}/write-off", who=ADMINS, refusals=(NotFound, WrongPaymentState, PaymentsOff)
)
async def write_off_payment(request: Request, actor: Actor, payment_id: UUID, body: ReasonIn) -> PaymentOut:
    """Give up a declined payment, e.g. a no-show fee.

    It is not charged again. 409 `wrong_payment_state` means that it is not declined.
    """
    return await resolve(request, Refunds).write_off(actor, payment_id, body)
