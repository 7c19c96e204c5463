"""The content of a receipt, without I/O."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from grome.common.clock import TimeZoneName
from grome.payments.models import Purpose, RefundState


class LineKind(StrEnum):
    """Names the kind of a line on the bill."""

    SERVICE = "service"
    ADD_ON = "add_on"
    DISCOUNT = "discount"
    PLATFORM_DISCOUNT = "platform_discount"  # borne by Grome
    FEE = "fee"
    TIP = "tip"


class ReceiptLine(Struct, frozen=True):
    """A line of the bill."""

    kind: LineKind
    """A `discount` is borne by the barber, a `platform_discount` by Grome."""
    name: Annotated[str, Meta(examples=["Haircut"])]
    """Name of the service or add-on, or the promo code; empty for fee and tip."""
    amount: int
    """In minor units; negative for a discount."""


class ReceiptPayment(Struct, frozen=True):
    """A payment that was received."""

    purpose: Purpose
    """The part of the bill that was paid."""
    amount: int
    """Money received before refunds, in minor units."""
    at: datetime
    """Time at which the money was collected."""


class ReceiptRefund(Struct, frozen=True):
    """A refund that is paid or under way."""

    purpose: Purpose
    """Purpose of the payment that is refunded."""
    amount: int
    """Amount that goes back, in minor units."""
    status: RefundState
    """`succeeded` has arrived; any other state is under way."""
    at: datetime
    """Time at which the refund was started."""


class Receipt(Struct, frozen=True, kw_only=True):
    """A receipt of a booking; the barber is the seller."""

    number: Annotated[str, Meta(examples=["2026-14EC49243F36"])]
    """Number of the receipt, the same at each call: year of the booking and 12 characters."""
    booking_id: UUID
    """The booking that is billed."""
    seller: Annotated[str, Meta(examples=["Salon Fischer"])]
    """Name of the barber's shop."""
    customer: Annotated[str, Meta(examples=["Jonas Weber"])]
    """Name of the customer or guest; empty if the account is gone."""
    starts_at: datetime
    """Start of the visit in UTC; show it in `timezone`."""
    timezone: TimeZoneName
    """IANA time zone of the shop."""
    currency: str
    """ISO 4217 code; holds for all amounts of the receipt."""
    lines: list[ReceiptLine]
    """Services with add-ons, then discount and tip; only the fee if cancelled."""
    total: int
    """Sum of all lines, in minor units."""
    payments: list[ReceiptPayment]
    """Payments received, oldest first."""
    refunds: list[ReceiptRefund]
    """Refunds that are done or under way."""
    paid: int
    """Payments less refunds and lost disputes, in minor units."""
    due: int
    """Still to be paid, in minor units; 0 if nothing."""
    tax_bp: int
    """Tax rate in hundredths of a percent: 1900 is 19 %. 0 if no tax is stated."""
    tax: int
    """Tax included in the price of the services, without tip and fees, in minor units."""
