"""The content of a receipt, without I/O."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from grome.payments.models import Purpose, RefundState


class LineKind(StrEnum):
    SERVICE = "service"
    ADD_ON = "add_on"
    DISCOUNT = "discount"
    PLATFORM_DISCOUNT = "platform_discount"  # borne by Grome
    FEE = "fee"
    TIP = "tip"


class ReceiptLine(Struct, frozen=True):
    """A line of the bill. `name` is the service's, the add-on's or the code of the discount; empty for fee and tip."""

    kind: LineKind
    name: str
    amount: int


class ReceiptPayment(Struct, frozen=True):
    purpose: Purpose
    amount: int
    at: datetime


class ReceiptRefund(Struct, frozen=True):
    """A refund that is paid or under way."""

    purpose: Purpose
    amount: int
    status: RefundState
    at: datetime


class Receipt(Struct, frozen=True, kw_only=True):
    """A receipt of a booking; the barber is the seller. Amounts are minor units of `currency`.

    `paid` are the payments less the refunds, and `due` is still to be paid. `tax` is the part of the bill, without the
    tip and without fees, that is tax; `tax_bp` is its rate in basis points, 0 if no tax is stated.
    """

    number: str
    booking_id: UUID
    seller: str
    customer: str
    starts_at: datetime
    timezone: str
    currency: str
    lines: list[ReceiptLine]
    total: int
    payments: list[ReceiptPayment]
    refunds: list[ReceiptRefund]
    paid: int
    due: int
    tax_bp: int
    tax: int
