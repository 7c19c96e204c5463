"""Adjustments of a barber's balance by admins. They are never changed: another adjustment corrects a wrong one."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID, uuid5

from msgspec import Meta, Struct, field

from grome.common.money import MOST_AMOUNT
from grome.common.origin import RequestOrigin
from grome.infrastructure.mongo.schema import stored_items
from grome.infrastructure.outbox.models import EventType, MovedMoney

MAX_REASON_LENGTH: Final = 300
_NAMESPACE: Final = UUID("6b1f0a43-5c0e-4d55-9a59-1f0a6e3f7d21")

AdjustedAmount = Annotated[
    int, Meta(ge=1, le=MOST_AMOUNT, description="Minor units of the currency, e.g. cents.", examples=[500])
]


class AdjustmentKind(StrEnum):
    """`goodwill` gives the barber money of the platform; `write_off` gives up money that the barber owes."""

    GOODWILL = "goodwill"
    WRITE_OFF = "write_off"


class AdjustmentEntry(Struct, frozen=True, kw_only=True):
    """Records the creation of an adjustment; it is the outbox entry."""

    id: UUID
    type: EventType
    at: datetime
    actor_id: UUID
    money: MovedMoney
    reason: Annotated[str, Meta(max_length=MAX_REASON_LENGTH)]
    origin: RequestOrigin | None = None


class Adjustment(Struct, frozen=True, kw_only=True):
    """An adjustment, stored in the transaction that posts its ledger entry.

    `number` counts the adjustments of the barber, so that two of them cannot write off the same debt. `fingerprint` is
    of the request.
    """

    id: UUID = field(name="_id")
    barber_id: UUID
    number: Annotated[int, Meta(ge=1)]
    kind: AdjustmentKind
    amount: AdjustedAmount
    currency: str
    booking_id: UUID | None
    fingerprint: bytes
    outbox: Annotated[list[AdjustmentEntry], stored_items(at_most=1)]

    @property
    def entry(self) -> AdjustmentEntry:
        return self.outbox[0]


def adjustment_id_for(actor_id: UUID, key: str) -> UUID:
    """Return the id of the one adjustment that an admin makes with this idempotency key."""
    return uuid5(_NAMESPACE, f"{actor_id}:{key}")
