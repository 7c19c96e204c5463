"""Read free times through the API, and change the barber's settings for them."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from tests.builders.barbers import ALWAYS_OPEN, Barber

ME = "/v1/barbers/me"


def hours(start_time: str, end_time: str, *breaks: tuple[str, str]) -> dict[str, Any]:
    """Build the hours of a day."""
    pauses = [{"start_time": begins, "end_time": ends} for begins, ends in breaks]
    return {"is_available": True, "start_time": start_time, "end_time": end_time, "breaks": pauses}


def daily(start_time: str, end_time: str, *breaks: tuple[str, str]) -> dict[str, Any]:
    """Build a week with the same hours every day."""
    return dict.fromkeys(ALWAYS_OPEN, hours(start_time, end_time, *breaks))


async def asked_slots(http: httpx.AsyncClient, shop: Barber, first: date, last: date, **changed: Any) -> httpx.Response:
    """Request slots, by default for all of the barber's services."""
    services = ",".join(service_id for service_id, _ in shop.services)
    query = {"from": str(first), "to": str(last), "service_ids": services, **changed}
    return await http.get(f"/v1/barbers/{shop.id}/slots", params=query)


async def free(http: httpx.AsyncClient, shop: Barber, day: date, *services: int, **changed: Any) -> list[str]:
    """Return the starts on a date as "HH:MM" in UTC; `services` are indices, by default the first."""
    ids = ",".join(shop.services[number][0] for number in services or (0,))
    response = await asked_slots(http, shop, day, day, **{"service_ids": ids, **changed})
    assert response.status_code == 200, response.text
    return [slot["start"][11:16] for slot in response.json()["days"][0]["slots"]]


async def change(http: httpx.AsyncClient, shop: Barber, method: str, path: str, wanted: Any = None) -> Any:
    """Change the barber's settings, and return the answer."""
    response = await http.request(method, f"{ME}{path}", json=wanted, headers=shop.auth)
    assert response.is_success, response.text
    return response.json() if response.content else None


async def offer(http: httpx.AsyncClient, shop: Barber, *extras: dict[str, Any]) -> list[dict[str, Any]]:
    """Set the barber's services with these additional fields, and return the answer; a minute costs a euro."""
    offers = [
        {"service_id": service_id, "price": minutes * 100, "duration_min": minutes, **extra}
        for (service_id, minutes), extra in zip(shop.services, extras, strict=True)
    ]
    answer: list[dict[str, Any]] = (await change(http, shop, "PUT", "/services", {"services": offers}))["services"]
    return answer


def refused_for(response: httpx.Response) -> str:
    """Return the rule that rejects a start."""
    assert (response.status_code, response.json()["code"]) == (422, "slot_not_offered"), response.text
    (fault,) = response.json()["errors"]
    assert fault["field"] == "scheduled_at"
    return str(fault["message"])


def clock_changes(zone: str) -> list[datetime]:
    """Return the instants of the next two clock changes at least 72 hours away, in the zone."""
    this_hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    ahead = [(this_hour + timedelta(hours=hour)).astimezone(ZoneInfo(zone)) for hour in range(72, 366 * 24)]
    return [later for one, later in pairwise(ahead) if one.utcoffset() != later.utcoffset()][:2]
