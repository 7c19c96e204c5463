"""Create series through the API."""

from datetime import datetime
from typing import Any

import httpx

from tests.builders.barbers import Barber
from tests.builders.people import Person

SERIES = "/v1/bookings/series"


def wish(shop: Barber, start: datetime, **repeat: Any) -> dict[str, Any]:
    """Build the body of a series, by default of three weeks."""
    how = {"every": "week", **({} if "until" in repeat else {"count": 3}), **repeat}
    return {
        "barber_id": shop.id,
        "service_ids": [shop.services[0][0]],
        "scheduled_at": start.isoformat(),
        "repeat": how,
    }


async def ask_series(
    http: httpx.AsyncClient, customer: Person, wanted: dict[str, Any], *, key: str | None = None, path: str = ""
) -> httpx.Response:
    headers = {**customer.auth, **({"Idempotency-Key": key} if key else {})}
    return await http.post(f"{SERIES}{path}", json=wanted, headers=headers)


async def a_series(
    http: httpx.AsyncClient, customer: Person, wanted: dict[str, Any], *, key: str | None = None
) -> dict[str, Any]:
    response = await ask_series(http, customer, wanted, key=key)
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    return made


def codes(told: dict[str, Any]) -> list[str | None]:
    """Return the code of each refused visit, and None for booked visits."""
    return [one["refused"] and one["refused"]["code"] for one in told["occurrences"]]
