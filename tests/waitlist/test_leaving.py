"""Leave the waitlist while other requests change the entry."""

from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
import pytest

from grome.barbers.service import BarberService
from grome.bookings.queries import BookingQueries
from grome.catalogue.service import CatalogueService
from grome.common.actor import Actor, Role
from grome.common.errors import Unavailable
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.waitlist.matching import WaitlistMatcher
from grome.waitlist.models import WaitlistEntry
from grome.waitlist.repository import WaitlistRepository
from grome.waitlist.service import WaitlistService
from tests.builders.barbers import barber
from tests.builders.bookings import tomorrow
from tests.builders.people import register


class Contended(WaitlistRepository):
    """Changes the entry just before each write."""

    attempts = 0

    async def mark_left(self, entry: WaitlistEntry, *more: Any) -> WaitlistEntry | None:
        self.attempts += 1
        await self._entries.update_one({"_id": entry.id}, {"$set": {"booking_id": new_id()}})
        return await super().mark_left(entry, *more)


async def test_leaving_that_loses_all_attempts_is_unavailable(http: httpx.AsyncClient, container: Container) -> None:
    shop, customer = await barber(http, container), await register(http)
    times: dict[str, datetime] = {"earliest": tomorrow(8), "latest": tomorrow(12)}
    wanted = {"barber_id": shop.id, "service_ids": [shop.services[0][0]]}
    body = {**wanted, **{name: moment.isoformat() for name, moment in times.items()}}
    joined = await http.post("/v1/waitlist", json=body, headers=customer.auth)
    assert joined.status_code in {200, 201}, joined.text
    contended = Contended(container.database)
    service = WaitlistService(
        contended,
        container.get(WaitlistMatcher),
        container.get(BarberService),
        container.get(CatalogueService),
        container.get(BookingQueries),
        container.clock,
    )
    actor = Actor(customer.id, Role.CUSTOMER, customer.id)
    with pytest.raises(Unavailable):
        await service.leave(actor, UUID(joined.json()["id"]))
    assert contended.attempts > 1
    entry = await container.database["waitlist"].find_one({"_id": UUID(joined.json()["id"])})
    assert entry is not None
    assert entry["state"] != "left"
