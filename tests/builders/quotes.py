"""Request and book quotes through the API."""

from datetime import datetime
from typing import Any

import httpx

from tests.builders.barbers import Barber
from tests.builders.people import Person

QUOTE = "/v1/bookings/quote"


async def ask_quote(
    http: httpx.AsyncClient,
    customer: Person,
    shop: Barber,
    start: datetime,
    *,
    services: tuple[int, ...] = (0,),
    **changed: Any,
) -> httpx.Response:
    """Request a quote for the services with these numbers; `changed` replaces fields of the body."""
    wanted = {
        "barber_id": shop.id,
        "service_ids": [shop.services[number][0] for number in services],
        "scheduled_at": start.isoformat(),
        **changed,
    }
    return await http.post(QUOTE, json=wanted, headers=customer.auth)


async def quote(
    http: httpx.AsyncClient, customer: Person, shop: Barber, start: datetime, **asked: Any
) -> dict[str, Any]:
    response = await ask_quote(http, customer, shop, start, **asked)
    assert response.status_code == 201, response.text
    quoted: dict[str, Any] = response.json()
    return quoted


async def book_quote(http: httpx.AsyncClient, customer: Person, quoted: dict[str, Any]) -> httpx.Response:
    return await http.post(f"{QUOTE}/{quoted['id']}/book", headers=customer.auth)


async def put_terms(http: httpx.AsyncClient, shop: Barber, cancellation: dict[str, int], **deposit: int) -> None:
    wanted = {"cancellation": cancellation, "deposit": deposit}
    response = await http.put("/v1/barbers/me/terms", json=wanted, headers=shop.auth)
    assert response.status_code == 200, response.text
