"""A booking's life over HTTP, from request to completion or any other end."""

from datetime import UTC, datetime, timedelta

import httpx

from grome.context import AppContext
from tests.builders.barbers import barber
from tests.builders.people import register


def tomorrow(hour: int, minute: int = 0) -> str:
    day = datetime.now(UTC).date() + timedelta(days=1)
    return f"{day}T{hour:02}:{minute:02}:00Z"


async def test_from_request_to_completion(http: httpx.AsyncClient, context: AppContext) -> None:
    shop, customer = await barber(http, context), await register(http)
    wanted = {"barber_id": shop.id, "service_ids": [shop.services[0][0]], "scheduled_at": tomorrow(9)}
    response = await http.post("/v1/bookings", json=wanted, headers=customer.auth)
    assert response.status_code == 201, response.text
    booking = response.json()
    assert (booking["status"], booking["version"], booking["price"]) == ("requested", 1, 3000)

    for version, (action, status) in enumerate(
        [("accept", "accepted"), ("start", "in_progress"), ("complete", "completed")], start=2
    ):
        response = await http.post(f"/v1/bookings/{booking['id']}/{action}", headers=shop.auth)
        assert response.status_code == 200, response.text
        assert (response.json()["status"], response.json()["version"]) == (status, version)

    history = (await http.get(f"/v1/bookings/{booking['id']}/history", headers=customer.auth)).json()["items"]
    assert [entry["action"] for entry in history] == ["create", "accept", "start", "complete"]
    assert [entry["version"] for entry in history] == [1, 2, 3, 4]
