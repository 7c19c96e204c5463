"""A booking with its two sides, on a Grome of their own.

Relays and workers run here. A relay that starts after the tests of other folders would first dispatch all their events.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest

from config.settings import Settings
from grome.common.actor import Actor, Role
from grome.infrastructure.container import Container
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, tomorrow
from tests.builders.people import Person, register
from tests.support.app import apart, app, container, database, http

__all__ = ["app", "container", "database", "http"]


@pytest.fixture(scope="session")
def settings(settings: Settings) -> Settings:
    return apart(settings, "chat", 10)


@dataclass(frozen=True)
class Chat:
    customer: Person
    shop: Barber
    booking: dict[str, Any]

    @property
    def barber(self) -> Person:
        return self.shop.person

    @property
    def booking_id(self) -> UUID:
        return UUID(self.booking["id"])

    @property
    def actors(self) -> tuple[Actor, Actor]:
        """Return the customer and the barber as actors of services."""
        return (
            Actor(self.customer.id, Role.CUSTOMER, self.customer.id),
            Actor(self.barber.id, Role.BARBER, self.barber.id),
        )


@pytest.fixture
async def chat(http: httpx.AsyncClient, container: Container) -> Chat:
    shop = await barber(http, container, name="Kreuzberg Cuts")
    customer = await register(http, name="Zoë Mertens")
    return Chat(customer, shop, await book(http, customer, shop, tomorrow(9)))
