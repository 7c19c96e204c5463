"""Test that admins adjust balances of barbers: once, with a reason, and in the ledger."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from grome.adjustments.errors import DebtSmaller
from grome.adjustments.repository import AdjustmentRepository
from grome.adjustments.schemas import AdjustmentOut, WriteOffIn
from grome.adjustments.service import Adjustments
from grome.audit.service import AuditTrail
from grome.barbers.service import BarberService
from grome.bookings.queries import BookingQueries
from grome.common.actor import Actor, Role
from grome.common.errors import Unavailable
from grome.composition.projection import PROJECTION
from grome.infrastructure.container import Container
from grome.infrastructure.mongo.client import Client
from grome.infrastructure.mongo.transactions import Transactions
from grome.infrastructure.outbox.models import ADJUSTMENTS, ChangeRecord
from grome.ledger.models import barber_payable
from grome.ledger.postings import payout_created
from grome.ledger.service import Ledger
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, tomorrow
from tests.builders.ledger import post
from tests.builders.people import Person, create_admin, register


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    return await barber(http, container)


@pytest.fixture
async def boss(http: httpx.AsyncClient, container: Container) -> Person:
    return await create_admin(http, container)


async def adjust(
    http: httpx.AsyncClient, boss: Person, shop: Barber, kind: str, amount: int, *, key: str = "", **changed: Any
) -> httpx.Response:
    body = {"amount": amount, "currency": "EUR", "reason": "Because", **changed}
    headers = {**boss.auth, **({"Idempotency-Key": key} if key else {})}
    return await http.post(f"/v1/admin/barbers/{shop.id}/{kind}", json=body, headers=headers)


async def owe(container: Container, shop: Barber, amount: int) -> None:
    """Let the barber owe this amount."""
    entries = payout_created(
        payout_id=uuid4(), barber_id=shop.person.id, amount=amount, currency="EUR", at=container.clock()
    )
    await post(container, *entries)


def apart(container: Container) -> Adjustments:
    """Return a service with transactions of its own, like that of another process."""
    return Adjustments(
        AdjustmentRepository(container.database),
        container.get(Ledger),
        container.get(BarberService),
        container.get(BookingQueries),
        Transactions(container.get(Client), 20_000),
        container.clock,
    )


async def debt(container: Container, shop: Barber) -> int:
    return await container.get(Ledger).balance(barber_payable(shop.person.id), "EUR")


async def test_goodwill_is_given_once_and_shown_in_the_statement(
    http: httpx.AsyncClient, container: Container, shop: Barber, boss: Person
) -> None:
    booking = await book(http, await register(http), shop, tomorrow(9))
    answers = [await adjust(http, boss, shop, "goodwill", 500, key="gift", booking_id=booking["id"]) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["booking_id"] == booking["id"]
    assert await debt(container, shop) == -500
    statement = await http.get("/v1/barbers/me/ledger", headers=shop.auth)
    assert len(statement.json()["items"]) == 1


async def test_goodwill_without_a_key_is_given_each_time(
    http: httpx.AsyncClient, container: Container, shop: Barber, boss: Person
) -> None:
    for _ in range(2):
        assert (await adjust(http, boss, shop, "goodwill", 500)).status_code == 201
    assert await debt(container, shop) == -1_000


async def test_key_with_another_body_or_route_is_refused(
    http: httpx.AsyncClient, container: Container, shop: Barber, boss: Person
) -> None:
    await owe(container, shop, 2_000)
    await adjust(http, boss, shop, "goodwill", 500, key="gift")
    refused = [
        await adjust(http, boss, shop, "goodwill", 501, key="gift"),
        await adjust(http, boss, shop, "write-off", 500, key="gift"),
        await adjust(http, boss, await barber(http, container), "goodwill", 500, key="gift"),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(422, "idempotency_key_reused")] * 3
    assert await debt(container, shop) == 1_500


async def test_write_off_takes_at_most_the_debt(
    http: httpx.AsyncClient, container: Container, shop: Barber, boss: Person
) -> None:
    await owe(container, shop, 700)
    assert (await adjust(http, boss, shop, "write-off", 701)).json()["code"] == "debt_smaller"
    assert (await adjust(http, boss, shop, "write-off", 1, currency="USD")).json()["code"] == "debt_smaller"
    assert (await adjust(http, boss, shop, "write-off", 700)).status_code == 201
    assert await debt(container, shop) == 0
    assert (await adjust(http, boss, shop, "write-off", 1)).json()["code"] == "debt_smaller"


async def test_concurrent_write_offs_take_the_debt_once(
    http: httpx.AsyncClient, container: Container, shop: Barber, boss: Person
) -> None:
    await owe(container, shop, 700)
    answers = await asyncio.gather(*(adjust(http, boss, shop, "write-off", 700) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert await debt(container, shop) == 0


async def test_write_offs_of_several_processes_take_the_debt_once(
    container: Container, shop: Barber, boss: Person
) -> None:
    await owe(container, shop, 700)
    wanted = WriteOffIn(amount=700, currency="EUR", reason="Because")
    done = await asyncio.gather(
        *(
            apart(container).write_off(Actor(boss.id, Role.ADMIN, boss.id), shop.person.id, wanted, None)
            for _ in range(4)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(result, AdjustmentOut) for result in done) == 1
    assert all(isinstance(result, AdjustmentOut | DebtSmaller | Unavailable) for result in done)
    assert await debt(container, shop) == 0


async def test_goodwill_of_another_currency_or_booking_is_refused(
    http: httpx.AsyncClient, container: Container, shop: Barber, boss: Person
) -> None:
    elsewhere = await barber(http, container)
    booking = await book(http, await register(http), elsewhere, tomorrow(9))
    refused = [
        await adjust(http, boss, shop, "goodwill", 500, currency="USD"),
        await adjust(http, boss, shop, "goodwill", 500, booking_id=booking["id"]),
        await adjust(http, boss, shop, "goodwill", 0),
        await adjust(http, boss, shop, "goodwill", 500, reason=""),
    ]
    assert [answer.status_code for answer in refused] == [422] * 4
    assert await debt(container, shop) == 0


async def test_adjustment_is_in_the_audit_trail(
    http: httpx.AsyncClient, container: Container, shop: Barber, boss: Person
) -> None:
    made = (await adjust(http, boss, shop, "goodwill", 500)).json()
    document = await container.database[ADJUSTMENTS].find_one({"_id": UUID(made["id"])})
    assert document
    events = PROJECTION.events_of(ChangeRecord(ADJUSTMENTS, document, None, container.clock()))
    await container.get(AuditTrail).handle(events)
    answer = await http.get("/v1/admin/audit", params={"subject_id": made["id"]}, headers=boss.auth)
    [record] = answer.json()["items"]
    assert (record["type"], record["reason"], record["actor_id"]) == ("adjustment.goodwill", "Because", str(boss.id))
    assert (record["money"], record["people"]) == ({"amount": 500, "currency": "EUR"}, [shop.id])
