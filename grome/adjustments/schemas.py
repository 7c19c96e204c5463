"""Request and response bodies of adjustments."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from grome.adjustments.models import MAX_REASON_LENGTH, AdjustedAmount, Adjustment, AdjustmentKind
from grome.common.money import Currency
from grome.common.text import NOTE

AdjustmentReason = Annotated[
    str, Meta(min_length=1, max_length=MAX_REASON_LENGTH, examples=["Chair was double-booked by our fault."]), NOTE
]


class WriteOffIn(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Gives up a part or all of a barber's debt."""

    amount: AdjustedAmount
    """At most the debt, in minor units."""
    currency: Currency
    """Currency of the debt."""
    reason: AdjustmentReason
    """Kept in the audit trail and in the ledger; the barber does not see it."""


class GoodwillIn(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Gives a barber money of the platform."""

    amount: AdjustedAmount
    """In minor units; added to the barber's balance."""
    currency: Currency
    """The currency of the barber's profile."""
    reason: AdjustmentReason
    """Kept in the audit trail and in the ledger; the barber does not see it."""
    booking_id: UUID | None = None
    """Booking of this barber that the money is for; null for none."""


class AdjustmentOut(Struct, frozen=True):
    """Describes an adjustment of a barber's balance."""

    id: UUID
    """Id of the adjustment; part of the id of its ledger entry."""
    barber_id: UUID
    """The barber, as in the path."""
    kind: AdjustmentKind
    """`goodwill` added to the barber's balance; `write_off` reduced the debt."""
    amount: AdjustedAmount
    """In minor units; always positive."""
    currency: str
    """Currency of `amount`."""
    reason: Annotated[str, Meta(examples=["Chair was double-booked by our fault."])]
    """As given by the admin."""
    booking_id: UUID | None
    """Booking that the money is for; null for none, and for write-offs."""
    by: UUID
    """Id of the admin's account."""
    at: datetime
    """Time of the adjustment."""


def adjustment_out(adjustment: Adjustment) -> AdjustmentOut:
    return AdjustmentOut(
        adjustment.id,
        adjustment.barber_id,
        adjustment.kind,
        adjustment.amount,
        adjustment.currency,
        adjustment.entry.reason,
        adjustment.booking_id,
        adjustment.entry.actor_id,
        adjustment.entry.at,
    )
