"""Test that a reported position reaches the sides of the booking over live connections, and nobody else."""

import json
from uuid import UUID

import httpx

from grome.infrastructure.container import Container
from grome.realtime.delivery import Delivery
from grome.realtime.hub import Hub
from grome.realtime.models import RoomRequest
from grome.realtime.rooms import booking_room
from tests.builders.people import Person, register
from tests.conftest import AdjustableClock
from tests.support.eventually import until
from tests.tracking.trips import HOME_M, a_visit


class Listener:
    """Keeps the frames that a hub delivers to a person."""

    is_admin = False

    def __init__(self, person: Person) -> None:
        self.account_id, self.frames = person.id, list[bytes]()

    def deliver(self, delivery: Delivery) -> None:
        self.frames.append(delivery.json)

    def reset(self, room: str, epoch: str, offset: str) -> None:
        raise AssertionError(room, epoch, offset)


async def test_position_reported_over_http_is_broadcast_to_both_sides_only(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    hub = container.get(Hub)
    visit = await a_visit(http, container, clock)
    await visit.set_out()
    customer, shop, stranger = (
        Listener(person) for person in (visit.customer, visit.shop.person, await register(http))
    )
    room = booking_room(UUID(visit.booking["id"]))
    for listener in (customer, shop, stranger):
        await hub.join(listener, [RoomRequest(room)], lambda joined: None)  # noqa: ARG005
    told = (await visit.report(HOME_M)).json()
    await visit.report(HOME_M, after_s=0.1)  # too soon
    await until(lambda: len(customer.frames) == len(shop.frames) == 1)
    assert json.loads(customer.frames[0]) == {"t": "where", "r": room, "d": told}
    assert customer.frames == shop.frames
    assert stranger.frames == []
    for listener in (customer, shop, stranger):
        hub.leave_all(listener)
