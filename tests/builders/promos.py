"""Create promos through the API, and claim their uses for visits."""

import asyncio
import itertools
import os
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx

from grome.infrastructure.container import Container
from grome.promos.errors import PromoRefused
from grome.promos.models import Discount, PricedVisit
from grome.promos.redemptions import PromoRedemptions
from tests.builders.people import Person

ADMIN, OWN = "/v1/admin/promos", "/v1/barbers/me/promos"
SHOP_ID = uuid4()
_counter = itertools.count(1)


def new_code() -> str:
    return f"CODE-{os.getpid()}-{next(_counter)}"


async def create_promo(http: httpx.AsyncClient, owner: Person, path: str = ADMIN, **changed: Any) -> dict[str, Any]:
    """Create a promo with 10 % off by default."""
    what = {} if "amount" in changed else {"percent": 10}
    response = await http.post(path, json={"code": new_code(), **what, **changed}, headers=owner.auth)
    assert response.status_code == 201, response.text
    promo: dict[str, Any] = response.json()
    return promo


async def replace_terms(http: httpx.AsyncClient, owner: Person, promo: dict[str, Any], **terms: Any) -> None:
    response = await http.put(f"{ADMIN}/{promo['id']}", json={"percent": 10, **terms}, headers=owner.auth)
    assert response.status_code == 200, response.text


async def read_figures(
    http: httpx.AsyncClient, owner: Person, promo: dict[str, Any], path: str = ADMIN
) -> dict[str, Any]:
    response = await http.get(f"{path}/{promo['id']}", headers=owner.auth)
    assert response.status_code == 200, response.text
    told: dict[str, Any] = response.json()["figures"]
    return told


def priced_visit(*prices: int, barber_id: UUID = SHOP_ID, currency: str = "EUR") -> PricedVisit:
    return PricedVisit(barber_id, [(uuid4(), price) for price in prices or (4_000,)], currency)


async def claim_use(  # noqa: PLR0913 -- all that a claim has
    container: Container,
    code: str,
    *,
    by: UUID | None = None,
    holder: UUID | None = None,
    visit: PricedVisit | None = None,
    until: datetime | None = None,
    firm: bool = True,
    claims: PromoRedemptions | None = None,
) -> Discount:
    """Claim a use; by default for a new booking of a new customer, held for ten minutes."""
    by, holder, visit = by or uuid4(), holder or uuid4(), visit or priced_visit()
    until = until or container.clock() + timedelta(minutes=10)
    return await (claims or container.get(PromoRedemptions)).claim(by, code, holder, visit, until, firm=firm)


async def rejection_of(container: Container, code: str, **given: Any) -> str | None:
    """Claim a use, and return the reason of its rejection; None if the claim succeeds."""
    (told,) = await asyncio.gather(claim_use(container, code, **given), return_exceptions=True)
    if isinstance(told, Discount):
        return None
    assert isinstance(told, PromoRefused), told
    ((field, why),) = told.faults
    assert (field, bool(told.detail)) == ("promo_code", True)
    return why


async def rejections_of(container: Container, code: str, given: Iterable[dict[str, Any]]) -> list[str | None]:
    """Claim uses concurrently, and return each claim's rejection as `rejection_of` does."""
    return list(await asyncio.gather(*(rejection_of(container, code, **one) for one in given)))
