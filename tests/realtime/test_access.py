"""An account may subscribe to rooms of its own only, and to every area."""

import httpx

from grome.common.actor import Actor, Role
from grome.infrastructure.container import Container
from grome.realtime.access import RoomAccess
from tests.builders.barbers import barber
from tests.builders.bookings import book, serve, tomorrow
from tests.builders.people import Person, register


def acting(person: Person, role: Role) -> Actor:
    return Actor(person.id, role, person.id)


async def test_rooms_are_refused_to_accounts_that_they_do_not_concern(
    http: httpx.AsyncClient, container: Container
) -> None:
    access, shop, customer, other = container.get(RoomAccess), await barber(http, container), *await people(http)
    mine, foreign = await book(http, customer, shop, tomorrow(9)), await book(http, other, shop, tomorrow(10))
    user, booking = f"user:{customer.id}", f"booking:{mine['id']}"
    others_booking, own_shop = f"booking:{foreign['id']}", f"shop:{shop.id}"
    area, coarse, no_cell = "area:861f1d48fffffff", "area:851f1d4bfffffff", "area:86ffffffffffff0"
    rooms = [user, booking, others_booking, own_shop, area, coarse, no_cell, f"booking:{other.id}", "booking:x", "x"]
    expected = {
        acting(customer, Role.CUSTOMER): {user, booking, area},
        acting(other, Role.CUSTOMER): {others_booking, area},
        acting(shop.person, Role.BARBER): {booking, others_booking, own_shop, area},
        acting(await register(http), Role.ADMIN): {booking, others_booking, own_shop, area},
        # An account that was a barber before has no shop.
        acting(shop.person, Role.CUSTOMER): {area},
    }
    for actor, allowed in expected.items():
        assert set(rooms) - set((await access.look(actor, rooms)).refused) == allowed, actor


async def people(http: httpx.AsyncClient) -> tuple[Person, Person]:
    return await register(http), await register(http)


async def test_open_booking_rooms_are_the_unended_bookings_soonest_first(
    http: httpx.AsyncClient, container: Container
) -> None:
    access, shop, customer = container.get(RoomAccess), await barber(http, container), await register(http)
    later, done, sooner = [await book(http, customer, shop, tomorrow(hour)) for hour in (12, 9, 10)]
    await serve(container, done, "decline")
    rooms = [f"booking:{sooner['id']}", f"booking:{later['id']}"]
    assert await access.open_booking_rooms(acting(customer, Role.CUSTOMER)) == rooms
    assert await access.open_booking_rooms(acting(shop.person, Role.BARBER)) == rooms
    assert await access.open_booking_rooms(acting(await register(http), Role.ADMIN)) == []
