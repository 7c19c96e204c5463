"""Changes of schedule exceptions give up after too many concurrent changes of the profile."""

from collections.abc import Mapping
from datetime import datetime

import httpx
import pytest

from grome.barbers.models import Barber
from grome.barbers.repository import BarberRepository
from grome.barbers.schedule_exceptions import ScheduleExceptionService
from grome.barbers.service import BarberService
from grome.common.actor import Actor, Role
from grome.common.errors import Unavailable
from grome.infrastructure.container import Container
from tests.builders.barbers import barber
from tests.builders.bookings import tomorrow


class Contended(BarberRepository):
    """Changes the profile just before each write."""

    attempts = 0

    async def update_if_version(self, barber: Barber, fields: Mapping[str, object], now: datetime) -> Barber | None:
        self.attempts += 1
        await self._barbers.update_one({"_id": barber.id}, {"$inc": {"version": 1}})
        return await super().update_if_version(barber, fields, now)


async def test_exceptions_with_constant_conflicts_are_unavailable(
    http: httpx.AsyncClient, container: Container
) -> None:
    shop = await barber(http, container)
    contended = Contended(container.database)
    service = ScheduleExceptionService(contended, container.get(BarberService), container.clock)
    with pytest.raises(Unavailable):
        await service.put_override(Actor(shop.person.id, Role.BARBER, shop.person.id), tomorrow(9).date(), None)
    assert contended.attempts > 1
    openings = await http.get("/v1/barbers/me/openings", headers=shop.auth)
    assert openings.json()["overrides"] == []
