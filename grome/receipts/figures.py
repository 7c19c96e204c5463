"""Compute the figures of a receipt from a booking and its payments, without I/O."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from grome.bookings.figures import price_lines
from grome.bookings.models import Booking, Status
from grome.payments.models import LIVE_REFUNDS, Payment, Purpose
from grome.promos.models import PLATFORM
from grome.receipts.models import LineKind, Receipt, ReceiptLine, ReceiptPayment, ReceiptRefund

_WHOLE_BP = 10_000
_NUMBER_DIGITS = 12


def build_receipt(
    booking: Booking, payments: Sequence[Payment], seller: tuple[str, str], customer: str, tax_bp: int
) -> Receipt:
    """Build the receipt. `seller` is the name and the time zone of the shop."""
    lines = list(_lines(booking, payments))
    total = sum(line.amount for line in lines)
    paid = sum(payment.kept for payment in payments)
    taxed = 0 if booking.status is Status.CANCELLED else booking.price
    collected = sorted((payment for payment in payments if payment.received), key=_collected_at)
    return Receipt(
        number=receipt_number(booking),
        booking_id=booking.id,
        seller=seller[0],
        customer=customer,
        starts_at=booking.scheduled_at,
        timezone=seller[1],
        currency=booking.currency,
        lines=lines,
        total=total,
        payments=[ReceiptPayment(each.purpose, each.received, _collected_at(each)) for each in collected],
        refunds=[
            ReceiptRefund(payment.purpose, refund.amount, refund.state, refund.at)
            for payment in collected
            for refund in payment.refunds
            if refund.state in LIVE_REFUNDS
        ],
        paid=paid,
        due=max(0, total - paid),
        tax_bp=tax_bp,
        tax=included_tax(taxed, tax_bp),
    )


def receipt_number(booking: Booking) -> str:
    """Return the number of the receipt: the same each time, by the booking's id."""
    return f"{booking.created_at:%Y}-{booking.id.hex[-_NUMBER_DIGITS:].upper()}"


def included_tax(amount: int, tax_bp: int) -> int:
    """Return the tax that a price includes, rounded half up."""
    whole = _WHOLE_BP + tax_bp
    return (2 * amount * tax_bp + whole) // (2 * whole)


def _lines(booking: Booking, payments: Sequence[Payment]) -> Iterator[ReceiptLine]:
    if booking.status is Status.CANCELLED:
        if booking.settlement and booking.settlement.fee:
            yield ReceiptLine(LineKind.FEE, "", booking.settlement.fee)
    else:
        for line in price_lines(booking.services):
            yield ReceiptLine(LineKind.ADD_ON if line.is_add_on else LineKind.SERVICE, line.name, line.amount)
        if discount := booking.discount:
            is_platform = discount.funder == PLATFORM
            kind = LineKind.PLATFORM_DISCOUNT if is_platform else LineKind.DISCOUNT
            yield ReceiptLine(kind, discount.code, -discount.amount)
    if tip := sum(payment.received for payment in payments if payment.purpose is Purpose.TIP):
        yield ReceiptLine(LineKind.TIP, "", tip)


def _collected_at(payment: Payment) -> datetime:
    return payment.paid_at or payment.updated_at
