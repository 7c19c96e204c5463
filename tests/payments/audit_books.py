"""Compare ledger, payments and bookings with the local Stripe, to the cent."""

from collections import Counter, defaultdict
from datetime import timedelta
from uuid import UUID

from grome.bookings.models import Booking, Status
from grome.bookings.queries import BookingQueries
from grome.infrastructure.stripe.history import StripeHistory
from grome.infrastructure.stripe.models import StripeIntent
from grome.infrastructure.stripe.payments import StripePayments
from grome.ledger.service import Ledger
from grome.payments.models import COLLECTED, Payment, Purpose
from grome.payments.queries import PaymentQueries
from grome.payments.repository import PaymentRepository
from tests.payments.money_world import START, MoneyWorld


async def find_errors(world: MoneyWorld) -> list[str]:
    """Return a sentence for each difference; all faults must be over and reconciled."""
    payments = [
        payment
        for booking_id in world.bookings
        for payment in await world.grome.get(PaymentQueries).list_for_booking(booking_id)
    ]
    intents = await _intents_of(world)
    bookings = await world.grome.get(BookingQueries).find_many(world.bookings)
    return [
        *await _compare_balances(world),
        *await _compare_movements(world),
        *_compare_charges(payments, intents),
        *_check_payments(payments, bookings),
    ]


async def _compare_balances(world: MoneyWorld) -> list[str]:
    errors, totals = [], Counter[str]()
    ledger, stripe = await world.grome.get(Ledger).balances(), await world.grome.get(StripeHistory).get_balance()
    for balance in ledger:
        totals[balance.currency] += balance.amount
        is_transit = balance.account.startswith(("refund_transit:", "payout_transit:"))
        if is_transit and balance.amount:
            errors.append(f"{balance.account} holds {balance.amount} {balance.currency}")
        if balance.account == "stripe" and balance.amount != stripe.get(balance.currency, 0):
            errors.append(f"the ledger has {balance.amount} at Stripe, Stripe {stripe.get(balance.currency, 0)}")
    errors += [f"the ledger's sum in {currency} is {total}" for currency, total in totals.items() if total]
    return errors


async def _compare_movements(world: MoneyWorld) -> list[str]:
    database = world.grome.database
    booked = Counter[str]()
    async for entry in database["ledger_entries"].find({"external_ref": {"$type": "string"}}, {"external_ref": 1}):
        booked[entry["external_ref"]] += 1
    listed = {line.id async for line in world.grome.get(StripeHistory).list_balance_lines(START - timedelta(days=1))}
    errors = [f"{reference} is booked {count} times" for reference, count in booked.items() if count > 1]
    errors += [f"{reference} is not booked" for reference in listed - booked.keys()]
    return errors + [f"{reference} is unknown to Stripe" for reference in booked.keys() - listed]


async def _intents_of(world: MoneyWorld) -> dict[UUID, list[StripeIntent]]:
    """Return all intents at Stripe by the payment that their metadata name."""
    found: dict[UUID, list[StripeIntent]] = defaultdict(list)
    repository = world.grome.get(PaymentRepository)
    for actor in world.customers:
        customer = await repository.find_customer(actor.id)
        if customer is None:
            continue
        for intent in await world.grome.get(StripePayments).list_intents(customer.stripe_id, START - timedelta(days=1)):
            found[UUID(intent.metadata["payment_id"])].append(intent)
    return found


def _compare_charges(payments: list[Payment], intents: dict[UUID, list[StripeIntent]]) -> list[str]:
    errors = []
    known = {payment.id: payment for payment in payments}
    for payment_id, made in intents.items():
        charged = [intent for intent in made if intent.status == "succeeded"]
        payment = known.get(payment_id)
        if payment is None:
            errors.append(f"Stripe has an intent of the unknown payment {payment_id}")
            continue
        if len(charged) > 1:
            errors.append(f"{payment.purpose} {payment_id} was charged {len(charged)} times")
        received = sum(intent.amount_received for intent in charged)
        if received != payment.received:
            errors.append(f"{payment.purpose} {payment_id} received {payment.received}, Stripe {received}")
        refunded = sum(intent.charge.amount_refunded for intent in charged if intent.charge)
        if refunded != payment.refunded:
            errors.append(f"{payment.purpose} {payment_id} refunded {payment.refunded}, Stripe {refunded}")
    return errors


def _check_payments(payments: list[Payment], bookings: dict[UUID, Booking]) -> list[str]:
    errors = []
    by_booking: dict[UUID, dict[Purpose, Payment]] = defaultdict(dict)
    for payment in payments:
        by_booking[payment.booking_id][payment.purpose] = payment
        if payment.attempt:
            errors.append(f"{payment.purpose} {payment.id} still has {payment.attempt.op} under way")
        if payment.kept < 0:
            errors.append(f"{payment.purpose} {payment.id} gave back {-payment.kept} more than it received")
    for booking_id, each in by_booking.items():
        errors += _check_booking(bookings[booking_id], each)
    return errors


def _check_booking(booking: Booking, payments: dict[Purpose, Payment]) -> list[str]:
    errors = []
    visit = [payment for purpose, payment in payments.items() if purpose is not Purpose.TIP]
    kept, received = sum(payment.kept for payment in visit), sum(payment.received for payment in visit)
    has_trouble = any(payment.dispute or any(r.failure for r in payment.refunds) for payment in payments.values())
    if booking.payment.paid != received:
        errors.append(f"booking {booking.id} shows {booking.payment.paid} paid of {received}")
    if kept > booking.price:
        errors.append(f"booking {booking.id} kept {kept} of a price of {booking.price}")
    if booking.status is Status.CANCELLED and not has_trouble:
        fee = booking.settlement.fee if booking.settlement else 0
        if kept > fee:
            errors.append(f"cancelled booking {booking.id} kept {kept} for a fee of {fee}")
    is_ended = booking.status in {Status.CANCELLED, Status.COMPLETED}
    if is_ended and not has_trouble:
        holding = [payment for payment in visit if payment.state in COLLECTED and payment.held]
        fee = booking.settlement.fee if booking.settlement else None
        errors += [
            f"{each.purpose} of {booking.status} booking {booking.id} (price {booking.price}, fee {fee}) still holds "
            f"{each.held} of {each.received}, released {each.released}; {[(p.purpose, p.state) for p in visit]}"
            for each in holding
        ]
    return errors
