"""Request and response bodies of adjustments."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from grome.adjustments.models import MAX_REASON_LENGTH, AdjustedAmount, Adjustment, AdjustmentKind
from grome.common.money import Currency
from grome.common.text import NOTE


class WriteOffIn(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Gives up a part or all of a barber's debt. The reason is kept for the audit and in the ledger."""

    amount: AdjustedAmount
    currency: Currency
    reason: Annotated[str, Meta(min_length=1, max_length=MAX_REASON_LENGTH), NOTE]


class GoodwillIn(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Gives a barber money of the platform, in the currency of the profile, optionally for a booking."""

    amount: AdjustedAmount
    currency: Currency
    reason: Annotated[str, Meta(min_length=1, max_length=MAX_REASON_LENGTH), NOTE]
    booking_id: UUID | None = None


class AdjustmentOut(Struct, frozen=True):
    """Describes an adjustment of a barber's balance."""

    id: UUID
    barber_id: UUID
    kind: AdjustmentKind
    amount: AdjustedAmount
    currency: str
    reason: str
    booking_id: UUID | None
    by: UUID
    at: datetime


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
