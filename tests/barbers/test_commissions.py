"""Test that admins agree on commissions with barbers, and that new bookings have the agreed rate."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from grome.audit.service import AuditTrail
from grome.composition.projection import PROJECTION
from grome.infrastructure.container import Container
from grome.infrastructure.outbox.models import COMMISSIONS, ChangeRecord
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, tomorrow
from tests.builders.people import Person, create_admin, register


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    return await barber(http, container)


@pytest.fixture
async def boss(http: httpx.AsyncClient, container: Container) -> Person:
    return await create_admin(http, container)


def ordinary(container: Container) -> int:
    return container.settings.payments.commission_bp


async def agree(http: httpx.AsyncClient, boss: Person, barber_id: str, rate: int | None, reason: str) -> httpx.Response:
    body = {"basis_points": rate, "reason": reason}
    return await http.put(f"/v1/admin/barbers/{barber_id}/commission", json=body, headers=boss.auth)


async def own_rate(http: httpx.AsyncClient, shop: Barber) -> dict[str, Any]:
    response = await http.get("/v1/barbers/me/commission", headers=shop.auth)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def rate_of(container: Container, booking: dict[str, Any]) -> int:
    stored = await container.database["bookings"].find_one({"_id": UUID(booking["id"])})
    assert stored
    rate: int = stored["commission_bp"]
    return rate


async def test_agreed_rate_applies_to_new_bookings_only(
    http: httpx.AsyncClient, container: Container, shop: Barber, boss: Person
) -> None:
    customer = await register(http)
    before = await book(http, customer, shop, tomorrow(9))
    assert await own_rate(http, shop) == {"basis_points": ordinary(container), "is_ordinary": True}
    assert (await agree(http, boss, shop.id, 700, "First year")).status_code == 200
    assert await own_rate(http, shop) == {"basis_points": 700, "is_ordinary": False}
    after = await book(http, customer, shop, tomorrow(12))
    assert [await rate_of(container, booking) for booking in (before, after)] == [ordinary(container), 700]
    assert "commission" not in (await http.get(f"/v1/barbers/{shop.id}")).text


async def test_changes_of_a_rate_are_listed_with_reasons_and_repeats_add_nothing(
    http: httpx.AsyncClient, container: Container, shop: Barber, boss: Person
) -> None:
    for rate, reason in ((0, "Opening offer"), (0, "Opening offer"), (None, "Offer is over")):
        answer = await agree(http, boss, shop.id, rate, reason)
    read = await http.get(f"/v1/admin/barbers/{shop.id}/commission", headers=boss.auth)
    assert answer.json() == read.json()
    found = read.json()
    assert (found["basis_points"], found["is_ordinary"]) == (ordinary(container), True)
    changes = [(one["before"], one["basis_points"], one["reason"], one["by"]) for one in found["changes"]]
    assert changes == [(0, None, "Offer is over", str(boss.id)), (None, 0, "Opening offer", str(boss.id))]


async def test_change_of_a_rate_is_in_the_audit_trail(
    http: httpx.AsyncClient, container: Container, shop: Barber, boss: Person
) -> None:
    await agree(http, boss, shop.id, 1_000, "Ten chairs")
    document = await container.database[COMMISSIONS].find_one({"_id": UUID(shop.id)})
    assert document
    events = PROJECTION.events_of(ChangeRecord(COMMISSIONS, document, None, container.clock()))
    await container.get(AuditTrail).handle(events)
    answer = await http.get("/v1/admin/audit", params={"subject_id": shop.id}, headers=boss.auth)
    [record] = [one for one in answer.json()["items"] if one["type"] == "barber.commission_changed"]
    assert (record["actor_id"], record["people"]) == (str(boss.id), [shop.id])
    assert record["reason"] == "ordinary rate to 1000 basis points: Ten chairs"


async def test_removed_profile_comes_back_with_its_rate(
    http: httpx.AsyncClient, container: Container, shop: Barber, boss: Person
) -> None:
    await agree(http, boss, shop.id, 4_000, "Arrears")
    assert (await http.delete("/v1/barbers/me", headers=shop.auth)).status_code == 204
    assert (await agree(http, boss, shop.id, 100, "None")).status_code == 404
    profile = {
        "name": "A chair",
        "location": {"lat": 52.52, "lng": 13.405},
        "timezone": "Europe/Berlin",
        "currency": "EUR",
    }
    assert (await http.put("/v1/barbers/me", json=profile, headers=shop.auth)).status_code == 200
    stored = await container.database["barbers"].find_one({"_id": UUID(shop.id)})
    assert stored
    assert stored["commission_bp"] == 4_000


async def test_rate_out_of_bounds_or_of_an_unknown_barber_is_refused(
    http: httpx.AsyncClient, shop: Barber, boss: Person
) -> None:
    assert [(await agree(http, boss, shop.id, rate, "Test")).status_code for rate in (-1, 5_001)] == [422, 422]
    assert (await agree(http, boss, shop.id, 100, "")).status_code == 422
    assert (await agree(http, boss, str(uuid4()), 100, "Test")).status_code == 404
