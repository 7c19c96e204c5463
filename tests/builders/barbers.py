"""Create barbers with profile, offers and hours.

A barber registers through the API. The services of the container write the rest: six requests less for each barber, in
every other test of the suite. tests/barbers and tests/catalogue send these requests.
"""

import itertools
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import msgspec

from grome.barbers.schemas import OffersIn, ProfileIn, TermsIn, terms_of
from grome.barbers.service import BarberService
from grome.catalogue.schemas import ServiceIn
from grome.catalogue.service import CatalogueService
from grome.common.actor import Actor, Role
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.scheduling.models import BookingRules, WeeklyHours
from tests.builders.people import Person, register

T = TypeVar("T")

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


async def catalogue_service(container: Container, **changed: Any) -> str:
    """Create a service of the catalogue and return its id."""
    wanted = {"name": f"Service {next(_numbers)}", "category": "hair", "description": "A cut.", **changed}
    admin_id = new_id()
    made = await container.get(CatalogueService).create(Actor(admin_id, Role.ADMIN, admin_id), _read(wanted, ServiceIn))
    return str(made.id)


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
        "name": "A chair",
        "location": {"lat": 52.52, "lng": 13.405},
        "timezone": "Europe/Berlin",
        "currency": "EUR",
        **profile,
    }
    actor, barbers = Actor(person.id, Role.BARBER, person.id), container.get(BarberService)
    await barbers.put_profile(actor, _read(wanted, ProfileIn))
    services = [(await catalogue_service(container), duration) for duration in durations]
    costs = prices or tuple(duration * 100 for duration in durations)
    offers = [
        {"service_id": service_id, "price": price, "duration_min": duration}
        for (service_id, duration), price in zip(services, costs, strict=True)
    ]
    await barbers.put_offers(actor, _read({"services": offers}, OffersIn))
    await barbers.put_hours(actor, _read(hours or ALWAYS_OPEN, WeeklyHours))
    await barbers.put_rules(actor, _read({**EAGER, **(rules or {})}, BookingRules))
    if terms:
        await barbers.put_terms(actor, terms_of(_read(terms, TermsIn)))
    return Barber(person, services)


def _read(wanted: dict[str, Any], body: type[T]) -> T:
    """Decode a body as the API does."""
    return msgspec.json.decode(msgspec.json.encode(wanted), type=body)
