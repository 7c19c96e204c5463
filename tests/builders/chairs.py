"""Barbers who go online and offline through whichever process, and what an API answers at their door."""

import time
from dataclasses import dataclass
from uuid import UUID

import httpx

from grome.barbers.models import Barber
from grome.barbers.repository import BarberRepository
from grome.common.actor import Actor, Role
from grome.composition import AppContext
from tests.builders.searches import NEARBY
from tests.builders.world import Place, a_barber


@dataclass(frozen=True)
class Chair:
    """A barber's place on the map; at first offline."""

    id: UUID
    place: Place

    @property
    def actor(self) -> Actor:
        return Actor(self.id, Role.BARBER, self.id)

    async def turn(self, context: AppContext, *, online: bool) -> None:
        """As the process behind `context` does it: written and told."""
        await context.barbers.put_online(self.actor, is_online=online)

    async def turn_untold(self, context: AppContext, *, online: bool) -> None:
        """As of a process that dies between writing and telling."""
        await context.database["barbers"].update_one(
            {"_id": self.id}, {"$set": {"is_online": online}, "$inc": {"version": 1}}
        )


async def chair(context: AppContext, place: Place) -> Chair:
    """Stored, and nobody told, since nobody can hold the place yet."""
    barber: Barber = a_barber(place)
    await BarberRepository(context.database).add_many([barber])
    return Chair(barber.id, place)


async def at_the_door(http: httpx.AsyncClient, place: Place) -> httpx.Response:
    lat, lng = place
    return await http.get(NEARBY, params={"lat": lat, "lng": lng, "radius_km": 1})


async def is_online(http: httpx.AsyncClient, one: Chair) -> bool:
    """As an answer at the barber's door has it, which must be a 200 that holds the barber."""
    response = await at_the_door(http, one.place)
    assert response.status_code == 200, response.text
    (online,) = [item["is_online"] for item in response.json()["items"] if item["id"] == str(one.id)]
    assert isinstance(online, bool)
    return online


@dataclass(frozen=True)
class Asked:
    """An answer, and how many seconds it took."""

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
    """Farther east, for a place in cells of its own: a degree is some 70 km at the latitudes that tests use."""
    return place[0], place[1] + degrees
