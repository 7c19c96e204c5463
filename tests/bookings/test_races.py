"""Test concurrent transitions of a booking: they are serialized, and the history records all of them."""

import asyncio
import itertools
from datetime import timedelta
from typing import Any

import httpx

from grome.infrastructure.container import Container
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, history, move, tomorrow
from tests.builders.people import Person, register
from tests.conftest import AdjustableClock

ROUNDS = 20
LEGAL = {
    ("create",): "requested",
    ("create", "accept"): "accepted",
    ("create", "decline"): "cancelled",
    ("create", "cancel"): "cancelled",
    ("create", "accept", "start"): "in_progress",
    ("create", "accept", "cancel"): "cancelled",
}


async def test_history_after_concurrent_transitions_is_legal_and_has_no_gaps(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    clock.set(tomorrow(8, 30))  # the first visits can be started, the later ones not yet
    shop, customer = await barber(http, container), await register(http)
    bookings = [
        await book(http, customer, shop, tomorrow(9) + timedelta(hours=n // 2, minutes=30 * (n % 2)))
        for n in range(ROUNDS)
    ]
    told = await asyncio.gather(*(race(http, shop, customer, booking) for booking in bookings))
    for booking, answers in zip(bookings, told, strict=True):
        entries = await history(http, customer.auth, booking)
        read = (await http.get(f"/v1/bookings/{booking['id']}", headers=customer.auth)).json()
        actions = tuple(entry["action"] for entry in entries)
        assert LEGAL[actions] == read["status"]
        assert [entry["version"] for entry in entries] == list(range(1, read["version"] + 1))
        assert {(answer.status_code, answer.json().get("code")) for answer in answers} <= {
            (200, None),
            (409, "wrong_state"),
            (409, "outside_window"),
        }
        # The history records exactly the successful requests.
        assert {action for action, answer in zip(RACERS, answers, strict=True) if answer.status_code == 200} == set(
            actions[1:]
        )


RACERS = ("accept", "cancel", "accept", "decline", "start", "cancel")


async def race(
    http: httpx.AsyncClient, shop: Barber, customer: Person, booking: dict[str, Any]
) -> list[httpx.Response]:
    auth_of = {"cancel": customer.auth}
    return list(
        await asyncio.gather(*(move(http, auth_of.get(action, shop.auth), booking, action) for action in RACERS))
    )


async def test_twenty_concurrent_accepts_are_written_once(http: httpx.AsyncClient, container: Container) -> None:
    shop, customer = await barber(http, container), await register(http)
    booking = await book(http, customer, shop, tomorrow(9))
    answers = await asyncio.gather(*(move(http, shop.auth, booking, "accept") for _ in range(20)))
    accepted = {**booking, "status": "accepted", "awaits": None, "answer_by": None, "version": 2}
    assert [answer.json() for answer in answers] == [accepted] * 20
    assert len(await history(http, customer.auth, booking)) == 2


async def test_concurrent_release_and_booking_leave_one_owner(http: httpx.AsyncClient, container: Container) -> None:
    shop = await barber(http, container)
    owner, others = await register(http), [await register(http) for _ in range(4)]
    booking = await book(http, owner, shop, tomorrow(9))
    for _ in range(5):
        cancelled, *asked = await asyncio.gather(
            move(http, owner.auth, booking, "cancel"),
            *(http.post("/v1/bookings", json=wish(shop, booking), headers=other.auth) for other in others),
        )
        assert cancelled.status_code == 200
        won = [(answer.json(), other) for answer, other in zip(asked, others, strict=True) if answer.status_code == 201]
        assert len(won) <= 1
        booking, winner = won[0] if won else (await book(http, owner, shop, tomorrow(9)), owner)
        others = [person for person in itertools.chain([owner], others) if person is not winner]
        owner = winner


def wish(shop: Barber, booking: dict[str, Any]) -> dict[str, Any]:
    return {
        "barber_id": shop.id,
        "service_ids": [service["service_id"] for service in booking["services"]],
        "scheduled_at": booking["scheduled_at"],
    }
