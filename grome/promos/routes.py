"""Routes of promos: the platform's under `/v1/admin/promos`, a barber's own under `/v1/barbers/me/promos`."""

from uuid import UUID

from sanic import Request

from grome.common.actor import ADMINS, BARBERS, Actor
from grome.common.errors import NotFound
from grome.infrastructure.http import Routes, resolve
from grome.promos.errors import PromoExists, TooManyPromos
from grome.promos.schemas import ActiveIn, PromoChange, PromoIn, PromoOut, PromoPage, PromoQuery, PromoWithFigures
from grome.promos.service import PromoService

promos = Routes(
    "promos", "/v1", about="Promo codes of the platform and of barbers, with limits and figures of their uses."
)


@promos.post("/admin/promos", who=ADMINS, status=201, refusals=(PromoExists,))
async def create_promo(request: Request, actor: Actor, body: PromoIn) -> PromoOut:
    """Create a promo of the platform.

    All admins share these promos, and each code is unique among them, or the answer is 409 `promo_exists`.
    """
    return await resolve(request, PromoService).create(actor, body)


@promos.get("/admin/promos", who=ADMINS)
async def list_promos(request: Request, actor: Actor, query: PromoQuery) -> PromoPage:
    """List the platform's promos, the newest first."""
    return await resolve(request, PromoService).list_page(actor, query)


@promos.get("/admin/promos/{promo_id}", who=ADMINS, refusals=(NotFound,))
async def read_promo(request: Request, actor: Actor, promo_id: UUID) -> PromoWithFigures:
    """Return a promo of the platform with the figures of its uses."""
    return await resolve(request, PromoService).get(actor, promo_id)


@promos.put("/admin/promos/{promo_id}", who=ADMINS, refusals=(NotFound,))
async def put_promo(request: Request, actor: Actor, promo_id: UUID, body: PromoChange) -> PromoOut:
    """Replace the terms of a promo of the platform.

    Its code stays, and earlier uses keep their discounts.
    """
    return await resolve(request, PromoService).update(actor, promo_id, body)


@promos.put("/admin/promos/{promo_id}/active", who=ADMINS, refusals=(NotFound,))
async def switch_promo(request: Request, actor: Actor, promo_id: UUID, body: ActiveIn) -> PromoOut:
    """Switch a promo of the platform on or off.

    Earlier uses keep their discounts.
    """
    return await resolve(request, PromoService).set_active(actor, promo_id, is_active=body.is_active)


@promos.post("/barbers/me/promos", who=BARBERS, status=201, refusals=(PromoExists, TooManyPromos))
async def create_own_promo(request: Request, actor: Actor, body: PromoIn) -> PromoOut:
    """Create a promo for visits to you.

    Other barbers may use the same code for visits to them; among your own promos it is unique, or the answer is 409
    `promo_exists`. 500 promos are possible.
    """
    return await resolve(request, PromoService).create(actor, body)


@promos.get("/barbers/me/promos", who=BARBERS)
async def list_own_promos(request: Request, actor: Actor, query: PromoQuery) -> PromoPage:
    """List your promos, the newest first."""
    return await resolve(request, PromoService).list_page(actor, query)


@promos.get("/barbers/me/promos/{promo_id}", who=BARBERS, refusals=(NotFound,))
async def read_own_promo(request: Request, actor: Actor, promo_id: UUID) -> PromoWithFigures:
    """Return a promo of yours with the figures of its uses."""
    return await resolve(request, PromoService).get(actor, promo_id)


@promos.put("/barbers/me/promos/{promo_id}", who=BARBERS, refusals=(NotFound,))
async def put_own_promo(request: Request, actor: Actor, promo_id: UUID, body: PromoChange) -> PromoOut:
    """Replace the terms of a promo of yours.

    Its code stays, and earlier uses keep their discounts.
    """
    return await resolve(request, PromoService).update(actor, promo_id, body)


@promos.put("/barbers/me/promos/{promo_id}/active", who=BARBERS, refusals=(NotFound,))
async def switch_own_promo(request: Request, actor: Actor, promo_id: UUID, body: ActiveIn) -> PromoOut:
    """Switch a promo of yours on or off.

    Earlier uses keep their discounts.
    """
    return await resolve(request, PromoService).set_active(actor, promo_id, is_active=body.is_active)
