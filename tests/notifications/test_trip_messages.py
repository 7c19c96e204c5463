"""Test the messages to the customer about a barber on the way."""

import httpx
import pytest

from grome.common.ids import new_hex_id
from grome.infrastructure.container import Container
from tests.builders.bookings import move
from tests.conftest import AdjustableClock
from tests.notifications.booking_notices import events_of, register_with_device, set_preferences
from tests.notifications.recorders import Pipeline
from tests.tracking.trips import HOME_M, Visit, a_visit

ON_THE_WAY, ARRIVED = "booking_on_the_way", "booking_arrived"


@pytest.fixture
def phone() -> str:
    """Return the token of the customer's phone."""
    return new_hex_id()


@pytest.fixture
async def visit(http: httpx.AsyncClient, container: Container, clock: AdjustableClock, phone: str) -> Visit:
    """Create a visit in the customer's quiet hours."""
    customer, _ = await register_with_device(http, phone)
    await set_preferences(http, customer, quiet_hours={"start": "00:00", "end": "23:59"})
    return await a_visit(http, container, clock, customer=customer)


async def test_customer_is_told_of_each_trip_and_of_the_arrival(
    visit: Visit, container: Container, pipeline: Pipeline, phone: str
) -> None:
    async def handle_all() -> list[str]:
        """Return the kinds of pushes about trips."""
        assert await pipeline.handle(*await events_of(container, visit.booking)) == []
        return [kind for kind in pipeline.phones.kinds_on(phone) if kind in {ON_THE_WAY, ARRIVED}]

    await visit.set_out()
    for _ in range(2):
        assert await handle_all() == [ON_THE_WAY]
    mail = pipeline.mailbox.mails[-1]
    assert (mail.to, mail.rendered.title) == (visit.customer.email, "On the way to you")
    await visit.turn_back()
    await visit.set_out()
    assert await handle_all() == [ON_THE_WAY] * 2
    for metres in (HOME_M, 40):
        await visit.report(metres, after_s=300)
    assert await handle_all() == [ON_THE_WAY] * 2 + [ARRIVED]
    told = [*pipeline.mailbox.kinds_to(visit.customer.email), *pipeline.mailbox.kinds_to(visit.shop.person.email)]
    assert ARRIVED not in told  # a mail would come too late
    assert told.count(ON_THE_WAY) == 2


async def test_message_about_a_trip_that_is_over_is_suppressed(
    visit: Visit, container: Container, pipeline: Pipeline, phone: str
) -> None:
    await visit.set_out()
    await visit.turn_back()
    await visit.set_out()
    await visit.report(40)
    assert (await move(visit.http, visit.shop.auth, visit.booking, "start")).status_code == 200
    assert await pipeline.handle(*await events_of(container, visit.booking)) == []
    assert not {ON_THE_WAY, ARRIVED} & set(pipeline.phones.kinds_on(phone))
