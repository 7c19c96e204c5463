"""Switch barbers online and offline through any process, and search at their position."""

import time
from dataclasses import dataclass
from uuid import UUID

import httpx

from grome.barbers.models import Barber
from grome.barbers.repository import BarberRepository
from grome.barbers.service import BarberService
from grome.common.actor import Actor, Role
from grome.infrastructure.container import Container
from tests.builders.searches import NEARBY
from tests.builders.world import Place, build_barber


@dataclass(frozen=True)
class Chair:
    """Holds the position of a barber, offline at first."""

    id: UUID
    place: Place

    @property
    def actor(self) -> Actor:
        return Actor(self.id, Role.BARBER, self.id)

    async def turn(self, container: Container, *, online: bool) -> None:
        """Switch as the process behind `container` does: with the write and the change notice."""
        await container.get(BarberService).put_online(self.actor, is_online=online)

    async def turn_untold(self, container: Container, *, online: bool) -> None:
        """Switch as a process that dies between the write and the change notice."""
        await container.database["barbers"].update_one(
            {"_id": self.id}, {"$set": {"is_online": online}, "$inc": {"version": 1}}
        )


async def chair(container: Container, place: Place) -> Chair:
    """Store the barber without a change notice, because no cache can hold it yet."""
    barber: Barber = build_barber(place)
    await BarberRepository(container.database).add_many([barber])
    return Chair(barber.id, place)


async def at_the_door(http: httpx.AsyncClient, place: Place) -> httpx.Response:
    lat, lng = place
    return await http.get(NEARBY, params={"lat": lat, "lng": lng, "radius_km": 1})


async def is_online(http: httpx.AsyncClient, one: Chair) -> bool:
    """Return whether a search at the position shows the barber online; the search must succeed and find it."""
    response = await at_the_door(http, one.place)
    assert response.status_code == 200, response.text
    (online,) = [item["is_online"] for item in response.json()["items"] if item["id"] == str(one.id)]
    assert isinstance(online, bool)
    return online


@dataclass(frozen=True)
class Asked:
    """Holds a response and its duration in seconds."""

    response: httpx.Response
    seconds: float

    @property
    def age(self) -> int | None:
        told = self.response.headers.get("age")
        return None if told is None else int(told)


async def asked(http: httpx.AsyncClient, place: Place) -> Asked:
    started = time.monotonic()
    response = await at_the_door(http, place)
    return Asked(response, time.monotonic() - started)


def beside(place: Place, degrees: float) -> Place:
    """Move the position east into separate cells: a degree is about 70 km at the latitudes of the tests."""
    return place[0], place[1] + degrees
