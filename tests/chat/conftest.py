"""A booking with its two sides."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest

from grome.common.actor import Actor, Role
from grome.infrastructure.container import Container
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, tomorrow
from tests.builders.people import Person, register


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
    shop = await barber(http, container, display_name="Kreuzberg Cuts")
    customer = await register(http, name="Zoë Mertens")
    return Chat(customer, shop, await book(http, customer, shop, tomorrow(9)))
