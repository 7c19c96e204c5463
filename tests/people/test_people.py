"""Admins find people, and suspend, restore and sign them out."""

from uuid import uuid4

import httpx

from grome.composition.projection import PROJECTION
from grome.infrastructure.container import Container
from grome.infrastructure.outbox.models import USERS, ChangeRecord, Event
from tests.builders.barbers import barber
from tests.builders.bookings import book, tomorrow
from tests.builders.people import PASSWORD, Person, create_admin, new_email, new_phone, register

_USERS = "/v1/admin/users"


async def act(http: httpx.AsyncClient, admin: Person, person: Person, action: str) -> httpx.Response:
    body = {"reason": "Sells the places in the queue."}
    return await http.post(f"{_USERS}/{person.id}/{action}", json=body, headers=admin.auth)


async def sign_in(http: httpx.AsyncClient, person: Person) -> httpx.Response:
    return await http.post("/v1/auth/login", json={"email": person.email, "password": PASSWORD})


async def events_of(container: Container, person: Person) -> list[Event]:
    """The events that the relay derives from the account."""
    document = await container.database.users.find_one({"_id": person.id})
    assert document
    return PROJECTION.events_of(ChangeRecord(USERS, document, None, container.clock()))


async def test_suspended_person_is_signed_out_and_cannot_sign_in_until_restored(
    http: httpx.AsyncClient, container: Container
) -> None:
    admin, person = await create_admin(http, container), await register(http)
    for _ in range(2):
        answer = await act(http, admin, person, "suspend")
        assert answer.status_code == 200, answer.text
        assert answer.json()["suspended_at"]
    assert (await http.get("/v1/me", headers=person.auth)).status_code == 401
    refreshed = await http.post("/v1/auth/refresh", json={"refresh_token": person.refresh_token})
    assert refreshed.status_code == 401
    refused = await sign_in(http, person)
    assert (refused.status_code, refused.json()["code"]) == (403, "account_suspended")
    restored = await act(http, admin, person, "restore")
    assert (restored.status_code, restored.json()["suspended_at"]) == (200, None)
    assert (await sign_in(http, person)).status_code == 200
    events = [event for event in await events_of(container, person) if event.actor_id == admin.id]
    assert [event.type for event in events] == ["account.suspended", "account.restored"]
    assert events[0].reason == "Sells the places in the queue."
    assert events[0].origin
    assert events[0].origin.address == "127.0.0.1"


async def test_suspended_barber_is_not_found_and_keeps_its_bookings(
    http: httpx.AsyncClient, container: Container
) -> None:
    admin, shop, customer = await create_admin(http, container), await barber(http, container), await register(http)
    booking = await book(http, customer, shop, tomorrow(9))
    person = Person(shop.person.id, shop.person.email, "", "")
    assert (await act(http, admin, person, "suspend")).status_code == 200
    assert (await http.get(f"/v1/barbers/{shop.id}")).status_code == 404
    details = (await http.get(f"{_USERS}/{shop.id}", headers=admin.auth)).json()
    assert (details["open_bookings"], details["sessions"]) == ([booking["id"]], [])
    assert (await http.get(f"/v1/bookings/{booking['id']}", headers=customer.auth)).status_code == 200
    assert (await act(http, admin, person, "restore")).status_code == 200
    assert (await http.get(f"/v1/barbers/{shop.id}")).status_code == 200


async def test_person_signed_out_by_an_admin_has_no_session_left(http: httpx.AsyncClient, container: Container) -> None:
    admin, person = await create_admin(http, container), await register(http)
    again = (await sign_in(http, person)).json()["access_token"]
    assert (await act(http, admin, person, "sign-out")).status_code == 204
    for token in (person.access_token, again):
        answer = await http.get("/v1/me", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401
    assert (await sign_in(http, person)).status_code == 200


async def test_admin_cannot_suspend_itself_or_an_unknown_account(http: httpx.AsyncClient, container: Container) -> None:
    admin = await create_admin(http, container)
    own = await act(http, admin, admin, "suspend")
    assert (own.status_code, own.json()["code"]) == (409, "own_account")
    unknown = Person(uuid4(), "", "", "")
    assert (await act(http, admin, unknown, "suspend")).status_code == 404


async def test_search_finds_people_by_the_beginning_of_name_email_and_phone_and_by_id(
    http: httpx.AsyncClient, container: Container
) -> None:
    admin, mark, phone = await create_admin(http, container), uuid4().hex[:8], new_phone()
    email = f"zoë.{mark}@example.com"
    first = await register(http, name=f"Zoë {mark}", email=email)
    second = await register(http, name=f"ZOE {mark} Jansen", email=new_email(), phone=phone)

    async def found(**query: str) -> list[str]:
        answer = await http.get(_USERS, params=query, headers=admin.auth)
        assert answer.status_code == 200, answer.text
        return [user["id"] for user in answer.json()["items"]]

    one, two = str(first.id), str(second.id)
    assert await found(search=f"zoe {mark}") == [two, one]
    assert await found(search=f"zoe {mark} j") == [two]
    assert await found(search=email.upper()) == [one]
    assert await found(search=phone[:-1]) != []
    assert await found(search=phone) == [two]
    assert await found(search=two) == [two]
    await act(http, admin, second, "suspend")
    assert await found(search=f"zoe {mark}", is_suspended="true") == [two]
    assert await found(search=f"zoe {mark}", role="barber") == []
    page = (await http.get(_USERS, params={"search": f"zoe {mark}", "limit": "1"}, headers=admin.auth)).json()
    assert await found(search=f"zoe {mark}", limit="1", cursor=page["next_cursor"]) == [one]
