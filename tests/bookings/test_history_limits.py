"""Test the limits of booking histories: bounded size, fairness between the sides, and room for the end."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from pymongo.errors import WriteError

from grome.bookings.history_limits import MAX_ENTRIES_BEFORE_END, MAX_ENTRIES_BY_PARTY, NOTE_REPLACED_WITHIN
from grome.bookings.jobs import expire_unanswered
from grome.bookings.models import MAX_ENTRIES
from grome.bookings.queries import BookingQueries
from grome.common.actor import Actor, Role
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.infrastructure.mongo.client import Document
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, history, move, read, tomorrow
from tests.builders.people import Person, register, sign_in_again
from tests.conftest import AdjustableClock

DAY = timedelta(days=1)
START = tomorrow(9) + 3 * DAY
LARGEST_BYTES = 64_000


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    return await barber(http, container)


@pytest.fixture
async def customer(http: httpx.AsyncClient) -> Person:
    return await register(http)


@pytest.fixture
async def booking(http: httpx.AsyncClient, customer: Person, shop: Barber) -> dict[str, Any]:
    return await book(http, customer, shop, START)


async def put_note(http: httpx.AsyncClient, person: Person, booking: dict[str, Any], note: str) -> httpx.Response:
    return await http.put(f"/v1/bookings/{booking['id']}/note", json={"note": note}, headers=person.auth)


async def stored(container: Container, booking: dict[str, Any]) -> Document:
    found = await container.database["bookings"].find_one({"_id": UUID(booking["id"])})
    assert found
    return found


async def fill(container: Container, booking: dict[str, Any], entries: int, **fields: Any) -> None:
    """Extend the history to `entries` entries; the last entries are by admins."""
    first = (await stored(container, booking))["history"][0]
    more = [
        {**first, "id": new_id(), "version": version, "action": "reschedule", "by": "admin", **fields}
        for version in range(2, entries + 1)
    ]
    whole = {"$set": {"history": [first, *more], "version": entries}}
    await container.database["bookings"].update_one(
        {"_id": UUID(booking["id"])}, whole, bypass_document_validation=entries > MAX_ENTRIES
    )


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


async def test_booking_with_too_many_notes_refuses_more_and_can_be_cancelled(
    http: httpx.AsyncClient, container: Container, customer: Person, booking: dict[str, Any]
) -> None:
    answers = [await put_note(http, customer, booking, f"{number:03}" + "😀" * 497) for number in range(110)]
    assert [answer.status_code for answer in answers].index(409) == MAX_ENTRIES_BY_PARTY - 1
    assert refusal(answers[-1]) == (409, "history_full")
    document = await stored(container, booking)
    only = {"$match": {"_id": document["_id"]}}
    [sized] = await (
        await container.database["bookings"].aggregate([only, {"$project": {"size": {"$bsonSize": "$$ROOT"}}}])
    ).to_list()
    assert sized["size"] < LARGEST_BYTES
    assert document["version"] == len(document["history"]) == MAX_ENTRIES_BY_PARTY
    assert refusal(await move(http, customer.auth, booking, "cancel")) == (200, "")


async def test_booking_filled_by_one_side_can_be_changed_by_the_other(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber, booking: dict[str, Any]
) -> None:
    await fill(container, booking, MAX_ENTRIES_BY_PARTY + 1, by="customer")
    other = {"scheduled_at": (START + timedelta(hours=2)).isoformat()}
    assert refusal(await move(http, customer.auth, booking, "reschedule", **other)) == (409, "history_full")
    assert (await move(http, shop.auth, booking, "reschedule", **other)).json()["proposal"]
    taken = await http.post(f"/v1/bookings/{booking['id']}/proposal/accept", json={}, headers=customer.auth)
    assert (taken.status_code, taken.json()["status"], taken.json()["proposal"]) == (200, "accepted", None)


@pytest.mark.parametrize(
    "steps", [("decline",), ("accept", "start", "complete"), ("accept", "no-show"), ("cancel",), ("accept", "cancel")]
)
async def test_full_booking_can_be_ended_in_each_way(
    http: httpx.AsyncClient,
    container: Container,
    shop: Barber,
    booking: dict[str, Any],
    clock: AdjustableClock,
    steps: Sequence[str],
) -> None:
    await fill(container, booking, MAX_ENTRIES_BEFORE_END)
    for step in steps:
        if step in {"start", "no-show"}:
            clock.set(START + timedelta(minutes=6))
        barber_ = await sign_in_again(http, shop.person)
        assert refusal(await move(http, barber_.auth, booking, step)) == (200, "")
    assert (await stored(container, booking))["version"] == MAX_ENTRIES_BEFORE_END + len(steps)


async def test_full_booking_expires_and_its_proposal_lapses(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber, clock: AdjustableClock
) -> None:
    request, proposed = await book(http, customer, shop, START), await book(http, customer, shop, START + 5 * DAY)
    other = {"scheduled_at": (START + 5 * DAY + timedelta(hours=2)).isoformat()}
    assert (await move(http, shop.auth, proposed, "reschedule", **other)).json()["proposal"]
    for booking in (request, proposed):
        await fill(container, booking, MAX_ENTRIES_BEFORE_END)
    clock.set(container.clock() + DAY + timedelta(minutes=1))
    await expire_unanswered({"container": container})
    assert (await stored(container, request))["reason"] == "expired"
    assert (await stored(container, proposed))["proposal"] is None


@pytest.mark.parametrize("what", ["note", "tip", "reschedule"])
async def test_full_booking_refuses_repeatable_actions(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber, booking: dict[str, Any], what: str
) -> None:
    if what == "tip":
        accepted = await container.database["bookings"].update_one(
            {"_id": UUID(booking["id"])}, {"$set": {"status": "completed"}}
        )
        assert accepted.modified_count == 1
    await fill(container, booking, MAX_ENTRIES_BEFORE_END, action="complete")
    answers = {
        "note": lambda: put_note(http, customer, booking, "Once more."),
        "tip": lambda: move(http, customer.auth, booking, "tip", amount=100),
        "reschedule": lambda: move(http, shop.auth, booking, "reschedule", scheduled_at=(START + DAY).isoformat()),
    }
    assert refusal(await answers[what]()) == (409, "history_full")


async def test_database_refuses_more_entries_than_the_limit(container: Container, booking: dict[str, Any]) -> None:
    await fill(container, booking, MAX_ENTRIES)
    entry = (await stored(container, booking))["history"][-1]
    with pytest.raises(WriteError):
        await container.database["bookings"].update_one(
            {"_id": UUID(booking["id"])}, {"$push": {"history": {**entry, "id": new_id()}}}
        )


async def test_booking_above_the_limit_can_be_read_and_ended(
    http: httpx.AsyncClient, container: Container, customer: Person, booking: dict[str, Any]
) -> None:
    await fill(container, booking, 2 * MAX_ENTRIES)
    assert len(await history(http, customer.auth, booking)) == 2 * MAX_ENTRIES
    assert refusal(await put_note(http, customer, booking, "More")) == (409, "history_full")
    assert refusal(await move(http, customer.auth, booking, "cancel")) == (200, "")
    assert (await read(http, customer.auth, booking))["status"] == "cancelled"


async def test_note_replaced_soon_keeps_the_entry_and_drops_the_text(
    http: httpx.AsyncClient, customer: Person, booking: dict[str, Any], clock: AdjustableClock
) -> None:
    for note in ("S", "Sh", "Short"):
        assert (await put_note(http, customer, booking, note)).status_code == 200
    clock.shift = NOTE_REPLACED_WITHIN + timedelta(seconds=1)
    assert (await put_note(http, customer, booking, "Long")).status_code == 200
    entries = [
        (entry["version"], entry["action"], entry["note"]) for entry in await history(http, customer.auth, booking)
    ]
    assert entries[1:] == [(2, "note", None), (3, "note", None), (4, "note", "Short"), (5, "note", "Long")]


async def test_delay_skips_a_booking_with_a_full_history(
    http: httpx.AsyncClient, container: Container, customer: Person, clock: AdjustableClock
) -> None:
    shop = await barber(http, container, rules={"auto_accept": True})
    first, second = await book(http, customer, shop, START), await book(http, customer, shop, START + DAY / 48)
    await fill(container, second, MAX_ENTRIES_BEFORE_END, status="accepted")
    clock.set(START - timedelta(minutes=5))
    barber_ = await sign_in_again(http, shop.person)
    told = (await move(http, barber_.auth, first, "late", minutes=15)).json()
    assert [shift["booking_id"] for shift in told["shifted"]] == []
    assert [clash["booking_id"] for clash in told["clashes"]] == [first["id"]]
    await fill(container, first, MAX_ENTRIES_BEFORE_END, status="accepted")
    assert refusal(await move(http, barber_.auth, first, "late", minutes=15)) == (409, "history_full")


async def test_lists_of_bookings_are_read_without_histories(
    container: Container, customer: Person, booking: dict[str, Any]
) -> None:
    actor = Actor(customer.id, Role.CUSTOMER, new_id())
    [batch] = [
        batch async for batch in container.get(BookingQueries).iter_starting_between(actor, (START, START + DAY))
    ]
    assert [(str(one.id), one.history, one.ticks) for one in batch] == [(booking["id"], [], [])]
