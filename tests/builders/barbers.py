"""Create barbers with profile, offers and hours through the API."""

import itertools
from dataclasses import dataclass
from typing import Any

import httpx

from grome.infrastructure.container import Container
from tests.builders.people import Person, create_admin, register

_numbers = itertools.count(1)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ALWAYS_OPEN = {day: {"is_available": True, "start_time": "00:00", "end_time": "24:00"} for day in _DAYS}
EAGER = {"slot_step_min": 5, "min_notice_min": 0, "horizon_days": 366}


@dataclass(frozen=True)
class Barber:
    """Holds a barber with (service id, duration in minutes) of each offer, in the requested order."""

    person: Person
    services: list[tuple[str, int]]

    @property
    def id(self) -> str:
        return str(self.person.id)

    @property
    def auth(self) -> dict[str, str]:
        return self.person.auth


async def catalogue_service(http: httpx.AsyncClient, container: Container, **changed: Any) -> str:
    """Create a service of the catalogue and return its id."""
    boss = await create_admin(http, container)
    wanted = {"name": f"Service {next(_numbers)}", "category": "hair", "description": "A cut.", **changed}
    response = await http.post("/v1/services", json=wanted, headers=boss.auth)
    assert response.status_code == 201, response.text
    return str(response.json()["id"])


async def barber(
    http: httpx.AsyncClient,
    container: Container,
    *,
    durations: tuple[int, ...] = (30,),
    prices: tuple[int, ...] = (),
    hours: dict[str, Any] | None = None,
    rules: dict[str, Any] | None = None,
    terms: dict[str, Any] | None = None,
    **profile: Any,
) -> Barber:
    """Create a barber that is always open and accepts any start on a tick, unless the arguments differ."""
    person = await register(http, role="barber", name="A barber")
    wanted = {
        "display_name": "A chair",
        "location": {"lat": 52.52, "lng": 13.405},
        "timezone": "Europe/Berlin",
        "currency": "EUR",
        **profile,
    }
    await _put(http, person, "", wanted)
    services = [(await catalogue_service(http, container), duration) for duration in durations]
    costs = prices or tuple(duration * 100 for duration in durations)
    offers = [
        {"service_id": service_id, "price": price, "duration_min": duration}
        for (service_id, duration), price in zip(services, costs, strict=True)
    ]
    await _put(http, person, "/services", {"services": offers})
    await _put(http, person, "/hours", hours or ALWAYS_OPEN)
    await _put(http, person, "/rules", {**EAGER, **(rules or {})})
    if terms:
        await _put(http, person, "/terms", terms)
    return Barber(person, services)


async def _put(http: httpx.AsyncClient, person: Person, path: str, wanted: dict[str, Any]) -> None:
    response = await http.put(f"/v1/barbers/me{path}", json=wanted, headers=person.auth)
    assert response.status_code == 200, response.text
