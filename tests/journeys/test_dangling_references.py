"""Test answers with references to deleted or unknown documents: they show the rest and name the missing part."""

import csv
import io
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import pytest

from grome.accounts.service import AccountService
from grome.infrastructure.container import Container
from grome.notifications.context_loader import ContextLoader
from grome.notifications.models import BookingFacts, MessageKind, Notification
from grome.notifications.recipients import Recipient
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, move, tomorrow
from tests.builders.people import Person, create_admin, register
from tests.builders.promos import create_promo as make_promo
from tests.builders.quotes import quote
from tests.builders.reports import built, download
from tests.builders.reviews import complete_visit, create_review, list_reviews
from tests.builders.series import a_series, wish


@dataclass(frozen=True)
class World:
    http: httpx.AsyncClient
    container: Container
    customer: Person
    shop: Barber

    async def get(self, person: Person, path: str) -> dict[str, Any]:
        answer = await self.http.get(path, headers=person.auth)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def lose(self, collection: str, person: Person, **fields: UUID) -> None:
        """Replace references to a person by unknown ids."""
        theirs = {"$or": [{"customer_id": person.id}, {"barber_id": person.id}]}
        written = await self.container.database[collection].update_many(theirs, {"$set": fields})
        assert written.modified_count


@pytest.fixture
async def world(http: httpx.AsyncClient, container: Container) -> World:
    # Far from midnight, because a queue closes with the opening hours.
    timezone = "Europe/Berlin" if 2 <= container.clock().hour < 20 else "Pacific/Auckland"
    shop = await barber(http, container, rules={"auto_accept": True}, timezone=timezone)
    await http.put("/v1/barbers/me/online", json={"is_online": True}, headers=shop.auth)
    return World(http, container, await register(http, name="Zoë Mertens"), shop)


async def test_favourites_survive_a_deleted_barber(world: World) -> None:
    chosen = await world.http.put(f"/v1/me/favourites/{world.shop.id}", headers=world.customer.auth)
    assert chosen.status_code == 204
    await world.lose("favourites", world.customer, barber_id=uuid4())
    (item,) = (await world.get(world.customer, "/v1/me/favourites"))["items"]
    assert item["barber"] is None


@pytest.mark.parametrize("is_waiting", [True, False])
async def test_own_walk_ins_survive_a_deleted_barber(world: World, is_waiting: bool) -> None:  # noqa: FBT001
    wanted = {"service_ids": [world.shop.services[0][0]]}
    path = f"/v1/barbers/{world.shop.id}/walk-ins"
    place = (await world.http.post(path, json=wanted, headers=world.customer.auth)).json()
    if not is_waiting:
        await world.http.delete(f"/v1/walk-ins/{place['id']}", headers=world.customer.auth)
    await world.lose("walk_ins", world.customer, barber_id=uuid4())
    (item,) = (await world.get(world.customer, "/v1/walk-ins"))["items"]
    assert (item["id"], item["ahead"], item["estimated_start"]) == (place["id"], None, None)
    assert (await world.get(world.customer, f"/v1/walk-ins/{place['id']}")) == item


async def test_queue_survives_deleted_customers_and_services(world: World) -> None:
    wanted = {"service_ids": [world.shop.services[0][0]]}
    path = f"/v1/barbers/{world.shop.id}/walk-ins"
    for person in (world.customer, await register(world.http)):
        assert (await world.http.post(path, json=wanted, headers=person.auth)).status_code == 201
    await world.lose("walk_ins", world.customer, customer_id=uuid4())
    await world.http.put("/v1/barbers/me/services", json={"services": []}, headers=world.shop.auth)
    items = (await world.get(world.shop.person, "/v1/barbers/me/walk-ins"))["items"]
    assert [item["name"] == "" for item in items] == [True, False]


async def test_bookings_survive_deleted_people(world: World) -> None:
    booking = await book(world.http, world.customer, world.shop, tomorrow(9))
    await world.lose("bookings", world.customer, barber_id=uuid4(), series_id=uuid4())
    (item,) = (await world.get(world.customer, "/v1/bookings"))["items"]
    assert item["id"] == booking["id"]
    for path in ("", "/history", "/note"):
        await world.get(world.customer, f"/v1/bookings/{booking['id']}{path}")


async def test_series_survives_deleted_bookings(world: World) -> None:
    series = await a_series(world.http, world.customer, wish(world.shop, tomorrow(9)))
    lost = UUID(series["occurrences"][0]["booking"]["id"])
    await world.container.database["bookings"].delete_one({"_id": lost})
    found = await world.get(world.customer, f"/v1/bookings/series/{series['id']}")
    assert [one["booking"] is None for one in found["occurrences"]] == [True, False, False]


async def test_waitlist_survives_a_deleted_barber(world: World) -> None:
    times = {"earliest": tomorrow(8).isoformat(), "latest": tomorrow(12).isoformat()}
    wanted = {"barber_id": world.shop.id, "service_ids": [world.shop.services[0][0]], **times}
    joined = await world.http.post("/v1/waitlist", json=wanted, headers=world.customer.auth)
    assert joined.status_code == 201, joined.text
    await world.lose("waitlist", world.customer, barber_id=uuid4())
    (item,) = (await world.get(world.customer, "/v1/waitlist"))["items"]
    assert item["id"] == joined.json()["id"]


async def test_quote_survives_a_deleted_barber(world: World) -> None:
    quoted = await quote(world.http, world.customer, world.shop, tomorrow(9))
    await world.lose("quotes", world.customer, barber_id=uuid4())
    assert (await world.get(world.customer, f"/v1/bookings/quote/{quoted['id']}"))["price"] == quoted["price"]
    refused = await world.http.post(f"/v1/bookings/quote/{quoted['id']}/book", headers=world.customer.auth)
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")


async def test_reviews_survive_a_deleted_customer_and_booking(world: World) -> None:
    visit = await complete_visit(world.http, world.container)
    await create_review(world.http, visit, 4, "Good.")
    await world.container.database["users"].delete_one({"_id": visit.customer.id})
    await world.container.database["bookings"].delete_one({"_id": UUID(visit.booking_id)})
    (review,) = (await list_reviews(world.http, visit.shop.id))["items"]
    assert (review["author"], review["text"]) == ("", "Good.")


async def test_calendars_survive_the_deleted_other_side(world: World) -> None:
    booking = await book(world.http, world.customer, world.shop, tomorrow(9))
    for person, lost in ((world.shop.person, {"customer_id": uuid4()}), (world.customer, {"barber_id": uuid4()})):
        await world.container.database["bookings"].update_one({"_id": UUID(booking["id"])}, {"$set": lost})
        url = (await world.get(person, "/v1/me/calendar"))["url"]
        answer = await world.http.get(urlsplit(url).path)
        assert answer.status_code == 200, answer.text
        assert answer.content.count(b"BEGIN:VEVENT") == 1
        file = await world.http.get(f"/v1/bookings/{booking['id']}/calendar.ics", headers=person.auth)
        assert file.status_code == 200
        back = {"customer_id": world.customer.id, "barber_id": world.shop.person.id}
        await world.container.database["bookings"].update_one({"_id": UUID(booking["id"])}, {"$set": back})


async def test_reports_survive_deleted_barbers_and_customers(world: World) -> None:
    boss = await create_admin(world.http, world.container)
    await book(world.http, world.customer, world.shop, tomorrow(9))
    gone = uuid4()
    await world.lose("bookings", world.customer, barber_id=gone, customer_id=uuid4())
    for form in ("csv", "pdf"):
        answer = await download(world.http, await built(world.http, world.container, boss, format=form))
        assert answer.status_code == 200
        if form == "csv":
            rows = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
            assert [row["barber"] for row in rows if row["barber_id"] == str(gone)] == ["(deleted)"]


async def test_promos_survive_deleted_barbers_and_services(world: World) -> None:
    boss = await create_admin(world.http, world.container)
    promo = await make_promo(world.http, boss, percent=10, barber_ids=[world.shop.id])
    lost = {"barber_ids": [uuid4()], "service_ids": [uuid4()], "created_by": uuid4()}
    await world.container.database["promos"].update_one({"_id": UUID(promo["id"])}, {"$set": lost})
    items = (await world.get(boss, "/v1/admin/promos"))["items"]
    assert promo["id"] in {item["id"] for item in items}
    await world.get(boss, f"/v1/admin/promos/{promo['id']}")


async def test_message_survives_the_deleted_other_side(world: World) -> None:
    booking = await book(world.http, world.customer, world.shop, tomorrow(9))
    assert (await move(world.http, world.shop.auth, booking, "cancel")).status_code == 200
    reader = await world.container.get(AccountService).find(world.customer.id)
    assert reader is not None
    await world.lose("bookings", world.customer, barber_id=uuid4())
    notice = Notification(
        event_id=uuid4(),
        kind=MessageKind.BOOKING_CANCELLED,
        user_id=reader.id,
        subject_id=UUID(booking["id"]),
        at=world.container.clock(),
        version=2,
    )
    found = await world.container.get(ContextLoader).find(notice, Recipient(reader, {}))
    assert found is not None
    assert isinstance(found.facts, BookingFacts)
    assert found.facts.other_name == ""


async def test_audit_trail_survives_deleted_subjects(world: World) -> None:
    boss = await create_admin(world.http, world.container)
    lost = {"_id": uuid4(), "type": "booking.cancelled", "subject_id": uuid4(), "version": 1, "people": [uuid4()]}
    at = world.container.clock()
    await world.container.database["audit"].insert_one({**lost, "actor_id": uuid4(), "at": at})
    items = (await world.get(boss, f"/v1/admin/audit?subject_id={lost['subject_id']}"))["items"]
    assert [item["id"] for item in items] == [str(lost["_id"])]
