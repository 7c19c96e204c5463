"""Each event is in the rooms of the people that it concerns, and in no other."""

from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from grome.infrastructure.container import Container
from grome.infrastructure.outbox.models import EventType
from grome.payments.models import PaymentState
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, tomorrow
from tests.builders.payments import store_payment
from tests.builders.people import Person, register
from tests.builders.reviews import complete_visit, create_review, put_answer, remove_review
from tests.realtime.conftest import Collector, frames
from tests.support.eventually import until

# H3 cells of Berlin's and of Paris's centre, and two points in each of them.
BERLIN, PARIS = "861f1d48fffffff", "861fb4667ffffff"
BY_THE_SPREE, BY_THE_SEINE = {"lat": 52.52, "lng": 13.405}, {"lat": 48.8566, "lng": 2.3522}


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    made = await barber(http, container, rules={"auto_accept": True}, timezone="UTC")
    await switch(http, made, is_online=True)
    return made


async def switch(http: httpx.AsyncClient, shop: Barber, *, is_online: bool) -> None:
    answer = await http.put("/v1/barbers/me/online", json={"is_online": is_online}, headers=shop.auth)
    assert answer.status_code == 200, answer.text


async def put_profile(http: httpx.AsyncClient, shop: Barber, location: dict[str, float]) -> None:
    profile = {"name": "A chair", "location": location, "timezone": "Europe/Berlin", "currency": "EUR"}
    answer = await http.put("/v1/barbers/me", json=profile, headers=shop.auth)
    assert answer.status_code == 200, answer.text


def switches_in(collector: Collector, area: str, shop: Barber) -> list[tuple[str, bool]]:
    events = [event for event in frames(collector.told, f"area:{area}") if event["subject"] == shop.id]
    return [(event["type"], event["data"]["is_online"]) for event in events]


async def join(http: httpx.AsyncClient, person: Person, shop: Barber) -> dict[str, Any]:
    wanted = {"service_ids": [shop.services[0][0]]}
    answer = await http.post(f"/v1/barbers/{shop.id}/walk-ins", json=wanted, headers=person.auth)
    assert answer.status_code == 201, answer.text
    place: dict[str, Any] = answer.json()
    return place


def states_in(collector: Collector, room: str, place: dict[str, Any]) -> list[tuple[str, str, int | None]]:
    """Return the type, state and position of each event of the walk-in; its visit has the same id."""
    events = [event for event in frames(collector.told, room) if event["subject"] == place["id"]]
    events = [event for event in events if event["type"].startswith("walk_in.")]
    return [(event["type"], event["data"]["state"], event["data"]["ahead"]) for event in events]


async def test_walk_in_events_move_the_customers_behind(
    http: httpx.AsyncClient, shop: Barber, collector: Collector
) -> None:
    people = [await register(http) for _ in range(3)]
    first, second, third = [await join(http, person, shop) for person in people]
    await http.delete(f"/v1/walk-ins/{first['id']}", headers=people[0].auth)
    seated = await http.post(f"/v1/walk-ins/{second['id']}/seat", json={}, headers=shop.auth)
    assert seated.status_code == 200, seated.text
    missed = await http.post(f"/v1/walk-ins/{third['id']}/missed", headers=shop.auth)
    assert missed.status_code == 200, missed.text
    await until(lambda: "walk_in.missed" in collector.types_in(f"shop:{shop.id}"))

    assert states_in(collector, f"user:{people[0].id}", first)[-1] == ("walk_in.left", "left", None)
    assert states_in(collector, f"user:{people[1].id}", second)[-1] == ("walk_in.seated", "seated", None)
    assert states_in(collector, f"user:{people[2].id}", third)[-1] == ("walk_in.missed", "missed", None)
    for place in (first, second, third):
        in_shop = states_in(collector, f"shop:{shop.id}", place)
        assert [kind for kind, _, _ in in_shop] == ["walk_in.joined", in_shop[-1][0]]
    for person, place in zip(people, (first, second, third), strict=True):
        room = f"user:{person.id}"
        counted = f"{place['id']}:walk_in"
        versions = [event.version for event in collector.told if (event.room, event.counted_as) == (room, counted)]
        assert versions == sorted(versions)
        assert {event.people for event in collector.told if event.room == room and b"walk_in" in event.payload} <= {
            (person.id,),
            (person.id, shop.person.id),
        }


async def test_walk_in_position_with_events_applied_equals_the_fresh_position(
    http: httpx.AsyncClient, shop: Barber, collector: Collector
) -> None:
    people = [await register(http) for _ in range(4)]
    places = [await join(http, person, shop) for person in people]
    await until(lambda: collector.types_in(f"shop:{shop.id}").count("walk_in.joined") == 4)
    for number in (1, 0):
        await http.delete(f"/v1/walk-ins/{places[number]['id']}", headers=people[number].auth)
        await until(lambda number=number: "walk_in.left" in collector.types_in(f"user:{people[number].id}"))
    for person, place in zip(people, places, strict=True):
        fresh = (await http.get(f"/v1/walk-ins/{place['id']}", headers=person.auth)).json()
        data = [
            event["data"] for event in frames(collector.told, f"user:{person.id}") if event["subject"] == place["id"]
        ]
        assert {name: fresh[name] for name in data[-1]} == data[-1]
    assert collector.types_in(f"user:{people[3].id}").count("walk_in.moved") == 2


async def test_barber_that_moves_goes_offline_in_the_old_area_and_online_in_the_new(
    http: httpx.AsyncClient, container: Container, collector: Collector
) -> None:
    shop = await barber(http, container, location=BY_THE_SPREE)
    await switch(http, shop, is_online=True)
    await switch(http, shop, is_online=True)
    await put_profile(http, shop, BY_THE_SEINE)
    await switch(http, shop, is_online=False)
    on_and_off = [("barber.online", True), ("barber.offline", False)]
    await until(lambda: switches_in(collector, PARIS, shop) == on_and_off)
    assert switches_in(collector, BERLIN, shop) == on_and_off
    of_shop = [event for event in collector.told if shop.id in event.counted_as and event.room.startswith("area:")]
    assert [event.people for event in of_shop] == [()] * 4
    assert [event.version for event in of_shop] == sorted({event.version for event in of_shop})
    in_paris = frames(collector.told, f"area:{PARIS}")
    assert next(event for event in in_paris if event["subject"] == shop.id)["data"]["location"] == BY_THE_SEINE
    assert "barber.online" not in collector.types_in(f"user:{shop.id}")


async def test_online_versions_grow_over_a_removed_profile(
    http: httpx.AsyncClient, container: Container, collector: Collector
) -> None:
    shop = await barber(http, container)
    await switch(http, shop, is_online=True)
    await until(lambda: len(switches_in(collector, BERLIN, shop)) == 1)
    await http.delete("/v1/barbers/me", headers=shop.auth)
    await put_profile(http, shop, BY_THE_SPREE)
    await switch(http, shop, is_online=True)
    await until(lambda: len(switches_in(collector, BERLIN, shop)) == 2)
    versions = [event.version for event in collector.told if event.counted_as == f"{shop.id}:barber"]
    assert versions[0] < versions[1]


async def test_payment_events_are_in_the_rooms_of_the_booking_without_fraud_warnings(
    http: httpx.AsyncClient, container: Container, shop: Barber, collector: Collector
) -> None:
    customer = await register(http)
    booking = await book(http, customer, shop, tomorrow(9))
    steps = (
        (EventType.PAYMENT_CREATED, PaymentState.NEEDS_METHOD, ""),
        (EventType.PAYMENT_PAID, PaymentState.PAID, ""),
        (EventType.PAYMENT_FRAUD_WARNING, PaymentState.PAID, ""),
    )
    events = await store_payment(container, booking, *steps, amount=1_000, received=1_000)
    subject = str(events[0].subject_id)
    await until(lambda: collector.has(subject, [1, 2, 3]))
    for room in (f"booking:{booking['id']}", f"user:{customer.id}", f"user:{shop.id}"):
        told = [event for event in frames(collector.told, room) if event["subject"] == subject]
        assert [event["type"] for event in told] == ["payment.created", "payment.paid"]
        assert [(event["data"]["status"], event["data"]["booking_id"]) for event in told] == [
            ("needs_method", booking["id"]),
            ("paid", booking["id"]),
        ]
    assert subject not in "".join(event.payload.decode() for event in collector.told if event.room == f"shop:{shop.id}")


async def test_review_events_tell_rating_and_answer_until_the_review_is_gone(
    http: httpx.AsyncClient, container: Container, collector: Collector
) -> None:
    visit = await complete_visit(http, container)
    await create_review(http, visit, 4, "Good.")
    room = f"booking:{visit.booking_id}"
    await until(lambda: "review.posted" in collector.types_in(room))
    await put_answer(http, visit, "Thanks.")
    await until(lambda: "review.answered" in collector.types_in(room))
    await remove_review(http, visit)
    await until(lambda: "review.removed" in collector.types_in(room))
    data = [event["data"] for event in frames(collector.told, room) if event["type"].startswith("review.")]
    first = {"booking_id": visit.booking_id, "rating": 4, "is_answered": False}
    assert data == [first, {**first, "is_answered": True}, {}]


async def test_event_of_a_deleted_booking_has_no_data(
    http: httpx.AsyncClient, container: Container, shop: Barber, collector: Collector
) -> None:
    customer = await register(http)
    booking = await book(http, customer, shop, tomorrow(11))
    await until(lambda: collector.has(booking["id"], [1]))
    await container.database["bookings"].delete_one({"_id": UUID(booking["id"])})
    events = [event for event in collector.events if str(event.subject_id) == booking["id"]]
    told = await collector.data.load(events)
    assert {event.room for event in told} == {
        f"booking:{booking['id']}",
        f"shop:{shop.id}",
        f"user:{shop.id}",
        f"user:{customer.id}",
    }
    assert all(msgspec.json.decode(event.payload)["data"] == {} for event in told)


async def test_message_events_tell_text_marks_and_deletion(
    http: httpx.AsyncClient, shop: Barber, collector: Collector
) -> None:
    customer = await register(http)
    booking = await book(http, customer, shop, tomorrow(12))
    messages, room = f"/v1/bookings/{booking['id']}/messages", f"booking:{booking['id']}"
    sent = await http.post(messages, json={"key": "1", "text": "Hello"}, headers=customer.auth)
    assert sent.status_code in {200, 201}, sent.text
    message = sent.json()
    await until(lambda: "message.sent" in collector.types_in(room))
    read = await http.post(f"{messages}/read", json={"message": message["id"]}, headers=shop.auth)
    assert read.status_code == 200, read.text
    await until(lambda: "message.read" in collector.types_in(room))
    gone = await http.delete(f"{messages}/{message['id']}", headers=customer.auth)
    assert gone.status_code in {200, 204}, gone.text
    await until(lambda: "message.deleted" in collector.types_in(room))
    told = [event for event in frames(collector.told, room) if event["type"].startswith("message.")]
    assert [event["version"] for event in told] == [1, 2, 3]
    first, mark, last = [event["data"] for event in told]
    assert (first["text"], first["number"], first["photo_ids"]) == ("Hello", 1, [])
    assert mark == {
        "booking_id": booking["id"],
        "user_id": shop.id,
        "message_id": message["id"],
        "number": 1,
    }
    assert (last["text"], last["deleted_at"] is not None) == ("", True)
    assert all(collector.types_in(f"user:{person}").count("message.sent") == 1 for person in (customer.id, shop.id))
