"""Actions of admins over HTTP reach the trail with actor, origin, and the values before and after."""

from typing import Any
from uuid import UUID

import httpx

from grome.audit.service import AuditTrail
from grome.composition.projection import PROJECTION
from grome.infrastructure.container import Container
from grome.infrastructure.outbox.models import BOOKINGS, COMMISSIONS, PROMOS, USERS, ChangeRecord
from tests.builders.barbers import barber
from tests.builders.bookings import book, tomorrow
from tests.builders.people import Person, create_admin, register
from tests.builders.promos import create_promo, replace_terms

REQUEST_ID = "the-request-of-the-admin"


async def audited(http: httpx.AsyncClient, container: Container, admin: Person, name: str, id_: UUID) -> Any:
    """Record the events of a document as the relay does, and return the newest record of the admin."""
    document = await container.database[name].find_one({"_id": id_})
    assert document
    await container.get(AuditTrail).handle(PROJECTION.events_of(ChangeRecord(name, document, None, container.clock())))
    query = {"subject_id": str(id_), "actor_id": str(admin.id)}
    answer = await http.get("/v1/admin/audit", params=query, headers=admin.auth)
    record = answer.json()["items"][0]
    assert record["origin"]["address"] == "127.0.0.1"
    assert record["origin"]["session_id"]
    return record


def as_admin(admin: Person) -> dict[str, str]:
    return {**admin.auth, "X-Request-ID": REQUEST_ID}


async def test_changed_promo_is_recorded_with_its_terms_before_and_after(
    http: httpx.AsyncClient, container: Container
) -> None:
    admin = await create_admin(http, container)
    promo = await create_promo(http, admin, most_uses=5)
    await replace_terms(http, admin, promo, most_uses=5)  # no change
    await replace_terms(http, admin, promo, percent=20, most_uses=7)
    record = await audited(http, container, admin, PROMOS, UUID(promo["id"]))
    changes = {change["field"]: (change["before"], change["after"]) for change in record["changes"]}
    assert (record["type"], record["version"]) == ("promo.changed", 2)
    assert changes == {"percent": (10, 20), "most_uses": (5, 7)}


async def test_actions_on_a_person_a_commission_and_a_booking_are_recorded(
    http: httpx.AsyncClient, container: Container
) -> None:
    admin, shop, customer = await create_admin(http, container), await barber(http, container), await register(http)
    booking = await book(http, customer, shop, tomorrow(9))
    headers = as_admin(admin)
    agreed = {"basis_points": 900, "reason": "A chain."}
    acts = (
        ("PUT", f"/v1/admin/barbers/{shop.id}/commission", agreed),
        ("POST", f"/v1/bookings/{booking['id']}/cancel", {}),
        ("POST", f"/v1/admin/users/{customer.id}/suspend", {"reason": "Shouts."}),
    )
    for method, path, body in acts:
        answer = await http.request(method, path, json=body, headers=headers)
        assert answer.is_success, (path, answer.text)
    subjects = ((COMMISSIONS, shop.id), (BOOKINGS, booking["id"]), (USERS, customer.id))
    records = [await audited(http, container, admin, name, UUID(str(id_))) for name, id_ in subjects]
    assert [record["origin"]["request_id"] for record in records] == [REQUEST_ID] * 3
    assert [(record["type"], record["changes"][0]["before"], record["changes"][0]["after"]) for record in records] == [
        ("barber.commission_changed", None, 900),
        ("booking.cancelled", booking["status"], "cancelled"),
        ("account.suspended", False, True),
    ]
    assert records[2]["reason"] == "Shouts."
