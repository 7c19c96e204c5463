"""Serve goodwill and write-offs, under `/v1/admin/barbers`."""

from uuid import UUID

from sanic import Request

from grome.adjustments.errors import DebtSmaller
from grome.adjustments.schemas import AdjustmentOut, GoodwillIn, WriteOffIn
from grome.adjustments.service import Adjustments
from grome.bookings.errors import KeyReused
from grome.common.actor import ADMINS, Actor
from grome.common.errors import NotFound
from grome.infrastructure.http import IdempotencyKey, Routes, resolve

adjustments = Routes(
    "adjustments", "/v1/admin/barbers", about="Corrections of a barber's balance by admins: goodwill and write-offs."
)


@adjustments.post("/{barber_id}/goodwill", who=ADMINS, status=201, refusals=(NotFound, KeyReused))
async def give_goodwill(
    request: Request, actor: Actor, barber_id: UUID, body: GoodwillIn, idempotency_key: IdempotencyKey | None
) -> AdjustmentOut:
    """Give a barber money of the platform.

    It is part of a payout after the hold. The currency is that of the barber's profile; another currency is an error. A
    repeat with the same `Idempotency-Key` gives nothing more.
    """
    return await resolve(request, Adjustments).give_goodwill(actor, barber_id, body, idempotency_key)


@adjustments.post("/{barber_id}/write-off", who=ADMINS, status=201, refusals=(NotFound, DebtSmaller, KeyReused))
async def write_off_debt(
    request: Request, actor: Actor, barber_id: UUID, body: WriteOffIn, idempotency_key: IdempotencyKey | None
) -> AdjustmentOut:
    """Give up a part or all of the money that a barber owes.

    409 `debt_smaller` means that the barber owes less. A repeat with the same `Idempotency-Key` writes off nothing
    more.
    """
    return await resolve(request, Adjustments).write_off(actor, barber_id, body, idempotency_key)
