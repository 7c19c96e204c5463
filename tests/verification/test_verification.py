"""Verifications over HTTP: documents, the queue of admins, decisions and their effects."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from grome.common.actor import Actor, Role
from grome.composition.projection import PROJECTION
from grome.infrastructure.container import Container
from grome.infrastructure.mongo.client import Document
from grome.infrastructure.outbox.models import VERIFICATIONS, ChangeRecord, Event, EventType
from grome.uploads.models import UNNEEDED_LIFE
from grome.verification.documents import VerificationDocuments
from grome.verification.service import SUBMISSION_BUDGET
from tests.builders.barbers import barber
from tests.builders.images import read_image
from tests.builders.people import Person, create_admin, register
from tests.builders.uploads import here, upload
from tests.builders.verifications import OWN, QUEUE, Case, submit, submitted, upload_document
from tests.conftest import AdjustableClock


async def own(http: httpx.AsyncClient, person: Person) -> dict[str, Any]:
    response = await http.get(OWN, headers=person.auth)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def is_found(http: httpx.AsyncClient, case: Case) -> bool:
    return (await http.get(f"/v1/barbers/{case.shop.id}")).status_code == 200


async def stored(container: Container, case: Case) -> Document:
    document = await container.database[VERIFICATIONS].find_one({"_id": case.shop.person.id})
    assert document is not None
    return document


async def events_of(container: Container, case: Case) -> list[Event]:
    return PROJECTION.events_of(ChangeRecord(VERIFICATIONS, await stored(container, case), None, container.clock()))


async def uploads_of(container: Container, case: Case) -> set[UUID]:
    return set(await container.database["uploads"].distinct("_id", {"used_by": case.shop.person.id}))


async def test_documents_are_submitted_privately_and_reach_the_queue(
    http: httpx.AsyncClient, container: Container
) -> None:
    case = await submitted(http, container, name="Waiting Shop")
    mine = await own(http, case.shop.person)
    assert (mine["status"], mine["approval"], mine["decided_at"]) == ("pending", "pending", None)
    assert [mine["id_doc"]["id"], mine["certificates"][0]["id"]] == case.documents

    page = (await http.get(QUEUE, params={"limit": 100}, headers=case.admin.auth)).json()
    (row,) = [row for row in page["items"] if row["user_id"] == case.shop.id]
    assert (row["name"], row["documents"], row["status"]) == ("Waiting Shop", 2, "pending")

    details = (await http.get(case.path, headers=case.admin.auth)).json()
    for document in (details["id_doc"], *details["certificates"]):
        file = await http.get(here(document["url"]))
        assert file.status_code == 200
        assert read_image(file.content).size == (document["width"], document["height"])
        assert "no-store" in file.headers.get("cache-control", "no-store")
    assert [entry["status"] for entry in details["history"]] == ["pending"]

    # Neither customers nor other barbers see anything, and the bare key is no address.
    upload = await container.database["uploads"].find_one({"_id": UUID(case.documents[0])})
    assert upload is not None
    stranger = await register(http, role="barber")
    for path in (f"/v1/files/{upload['file_key']}", f"/v1/photos/{upload['file_key']}", f"/v1/{upload['file_key']}"):
        assert (await http.get(path)).status_code == 404
    assert (await http.get(case.path, headers=stranger.auth)).status_code == 403
    assert (await http.get(OWN, headers=stranger.auth)).status_code == 409


async def test_decisions_open_and_close_the_shop_and_keep_a_history(
    http: httpx.AsyncClient, container: Container
) -> None:
    case = await submitted(http, container)
    assert not await is_found(http, case)

    approved = await case.decided(http, "approve", version=1)
    assert (approved["status"], approved["approval"]) == ("approved", "approved")
    assert await is_found(http, case)
    assert await case.decided(http, "approve") == {**approved, "id_doc": ANY_LINK, "certificates": [ANY_LINK]}

    # Asking again leaves the shop open; a rejection closes it.
    asked = await case.decided(http, "ask-again", notes="Please send both sides.")
    assert (asked["status"], asked["approval"], asked["notes"]) == (
        "asked_again",
        "approved",
        "Please send both sides.",
    )
    assert await is_found(http, case)
    rejected = await case.decided(http, "reject", notes="Not your document.")
    assert (rejected["status"], rejected["approval"]) == ("rejected", "rejected")
    assert not await is_found(http, case)
    mine = await own(http, case.shop.person)
    assert (mine["status"], mine["notes"]) == ("rejected", "Not your document.")

    # New documents put the barber back into the queue, not onto the map.
    again = await submit(http, case.shop.person, await upload_document(http, case.shop.person))
    assert (again.json()["status"], again.json()["approval"]) == ("pending", "pending")
    assert not await is_found(http, case)
    final = await case.decided(http, "approve")
    assert await is_found(http, case)
    assert [(entry["status"], entry["by"]) for entry in final["history"]] == [
        ("approved", str(case.admin.id)),
        ("pending", case.shop.id),
        ("rejected", str(case.admin.id)),
        ("asked_again", str(case.admin.id)),
        ("approved", str(case.admin.id)),
        ("pending", case.shop.id),
    ]


class _AnyLink:
    def __eq__(self, other: object) -> bool:
        return isinstance(other, dict) and "url" in other

    def __hash__(self) -> int:
        return 0


ANY_LINK = _AnyLink()


async def test_decisions_become_events_with_actor_and_states(http: httpx.AsyncClient, container: Container) -> None:
    case = await submitted(http, container)
    await case.decided(http, "reject", notes="Too dark.")
    sent, rejected = await events_of(container, case)
    assert (sent.type, sent.actor_id) == (EventType.VERIFICATION_SUBMITTED, case.shop.person.id)
    assert (rejected.type, rejected.actor_id) == (EventType.VERIFICATION_REJECTED, case.admin.id)
    assert rejected.people == (case.shop.person.id,)
    status, notes = rejected.changes
    assert (status.before, status.after) == ("pending", "rejected")
    assert (notes.after, notes.is_personal) == ("Too dark.", True)
    assert rejected.origin is not None


async def test_decision_about_documents_that_were_replaced_is_refused(
    http: httpx.AsyncClient, container: Container
) -> None:
    case = await submitted(http, container)
    read = (await http.get(case.path, headers=case.admin.auth)).json()
    await submit(http, case.shop.person, await upload_document(http, case.shop.person))
    refused = await case.decide(http, "approve", version=read["version"])
    assert (refused.status_code, refused.json()["code"]) == (409, "verification_changed")
    assert not await is_found(http, case)
    results = await asyncio.gather(*(case.decide(http, "approve", version=2) for _ in range(4)))
    assert {one.status_code for one in results} == {200}
    assert (await stored(container, case))["version"] == 3


async def test_submission_is_repeatable_and_takes_only_own_uploads_for_verifications(
    http: httpx.AsyncClient, container: Container
) -> None:
    case = await submitted(http, container)
    for _ in range(2):
        assert (await submit(http, case.shop.person, *case.documents)).status_code == 200
    assert (await stored(container, case))["version"] == 1
    other = await barber(http, container)
    refused = {
        str(uuid4()): "upload_refused",
        await upload_document(http, other.person): "upload_refused",
        str(await upload(http, case.shop.person, purpose="photo")): "upload_refused",
        case.documents[0]: "upload_refused",  # used by the first barber
    }
    for document, code in refused.items():
        person = other.person if document == case.documents[0] else case.shop.person
        response = await submit(http, person, document)
        assert (response.status_code, response.json()["code"]) == (422, code)
    twice = await submit(http, case.shop.person, case.documents[0], case.documents[0])
    assert (twice.status_code, twice.json()["errors"][0]["field"]) == (422, "certificates")
    assert (await stored(container, case))["version"] == 1
    assert (await submit(http, await register(http, role="barber"), case.documents[0])).status_code == 409

    await container.database["budgets"].update_many(
        {"_id": {"$regex": f"^{SUBMISSION_BUDGET.kind}:"}}, {"$set": {"used": SUBMISSION_BUDGET.limit}}
    )
    beyond = await submit(http, case.shop.person, await upload_document(http, case.shop.person))
    assert (beyond.status_code, beyond.json()["code"]) == (429, "too_many_requests")


async def test_barber_without_documents_can_be_decided_about_and_a_stranger_cannot(
    http: httpx.AsyncClient, container: Container
) -> None:
    shop, admin = await barber(http, container), await create_admin(http, container)
    case = Case(shop, admin, [])
    read = (await http.get(case.path, headers=admin.auth)).json()
    assert (read["status"], read["version"], read["history"]) == ("missing", 0, [])
    assert (await case.decided(http, "approve"))["approval"] == "approved"
    assert await is_found(http, case)
    for action in ("approve", "reject"):
        body = {"notes": "No."} if action == "reject" else {}
        unknown = await http.post(f"{QUEUE}/{admin.id}/{action}", json=body, headers=admin.auth)
        assert unknown.status_code == 404
    assert (await http.get(f"{QUEUE}/{uuid4()}", headers=admin.auth)).status_code == 404


async def test_documents_are_deleted_some_days_after_the_decision_and_replaced_ones_within_hours(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    case, documents = await submitted(http, container), container.get(VerificationDocuments)
    new = await upload_document(http, case.shop.person)
    assert (await submit(http, case.shop.person, new, case.documents[1])).status_code == 200
    await documents.remove_old()
    assert await uploads_of(container, case) == {*case.ids, UUID(new)}
    clock.shift = UNNEEDED_LIFE + timedelta(minutes=5)
    await documents.remove_old()
    assert await uploads_of(container, case) == {UUID(new), UUID(case.documents[1])}
    clock.shift = timedelta()

    # A first submission whose process died between the claim and the write.
    shop = await barber(http, container)
    lost = UUID(await upload_document(http, shop.person))
    actor = Actor(shop.person.id, Role.BARBER, uuid4())
    await documents.claim(actor, [lost])
    clock.shift = UNNEEDED_LIFE + timedelta(minutes=5)
    await documents.remove_old()
    assert await container.database["uploads"].count_documents({"_id": lost}) == 0
    clock.shift = timedelta()

    await case.decided(http, "reject", notes="No.")
    kept = timedelta(days=container.settings.barbers.keep_documents_days)
    for shift, left in ((kept - timedelta(hours=1), 2), (kept + timedelta(hours=1), 0)):
        clock.shift = shift
        await documents.remove_old()
        assert len(await uploads_of(container, case)) == left
    clock.shift = timedelta()
    read = (await http.get(case.path, headers=case.admin.auth)).json()
    assert (read["status"], read["id_doc"], read["certificates"]) == ("rejected", None, [])
    assert (await stored(container, case))["tidy_at"] is None


async def test_queue_is_oldest_first_and_pages_by_state(http: httpx.AsyncClient, container: Container) -> None:
    cases = [await submitted(http, container) for _ in range(3)]
    bare = Case(await barber(http, container), cases[0].admin, [])
    await bare.decided(http, "ask-again", notes="Please send your documents.")
    await cases[2].decided(http, "ask-again", notes="Please send both sides.")

    async def listed(status: str) -> list[str]:
        found: list[str] = []
        query = {"status": status, "limit": "1"}
        while True:
            page = (await http.get(QUEUE, params=query, headers=bare.admin.auth)).json()
            found += [row["user_id"] for row in page["items"]]
            if page["next_cursor"] is None:
                return [one for one in found if one in {*(case.shop.id for case in cases), bare.shop.id}]
            query["cursor"] = page["next_cursor"]

    assert await listed("pending") == [cases[0].shop.id, cases[1].shop.id]
    assert await listed("asked_again") == [bare.shop.id, cases[2].shop.id]


@pytest.mark.parametrize("body", [{}, {"notes": ""}, {"notes": "x" * 1001}, {"notes": {"$gt": ""}}])
async def test_rejection_without_proper_notes_is_refused(
    http: httpx.AsyncClient, container: Container, body: dict[str, Any]
) -> None:
    admin = await create_admin(http, container)
    refused = await http.post(f"{QUEUE}/{admin.id}/reject", json=body, headers=admin.auth)
    assert refused.status_code == 422
