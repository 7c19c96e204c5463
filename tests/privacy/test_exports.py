"""Exports of personal data over HTTP."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx

from grome.infrastructure.container import Container
from grome.infrastructure.storage.protocol import Storage
from grome.privacy.exporter import Exporter
from grome.privacy.models import EXPORT_LIFE, FILE_PREFIX
from grome.privacy.service import ExportService
from tests.builders.people import register, sign_in_again
from tests.builders.privacy import exported, read_export, requested_export
from tests.conftest import AdjustableClock
from tests.privacy.conftest import Town


async def stored_files(container: Container) -> set[UUID]:
    return {UUID(hex=key.removeprefix(FILE_PREFIX)) async for key in container.get(Storage).keys(FILE_PREFIX)}


async def test_export_of_a_customer_has_all_of_the_customer_and_photos(
    http: httpx.AsyncClient, container: Container, town: Town
) -> None:
    archive = await exported(http, container, town.customer)
    assert [text for text in town.texts.of_customer if text not in archive.text] == []
    assert archive.lists["users"][0]["email"] == town.customer.email
    filled = {"bookings", "favourites", "messages", "quotes", "reviews", "sessions", "uploads", "users", "waitlist"}
    assert {name for name in filled if not archive.lists.get(name)} == set()
    ((name, photo),) = archive.files.items()
    assert name.startswith(f"files/{town.photo}.")
    assert photo
    # Both sides of the conversation, as the API shows it.
    assert {message["text"] for message in archive.lists["messages"]} == {town.texts.message, town.texts.reply}


async def test_export_has_no_secret_and_nothing_that_the_api_does_not_show(
    http: httpx.AsyncClient, container: Container, town: Town
) -> None:
    stored = await container.database["users"].find_one({"_id": town.customer.id})
    assert stored is not None
    archive = await exported(http, container, town.customer)
    hidden = (
        town.texts.barber_note,
        "A barber",
        "Nobody",
        stored["password_hash"],
        town.shop.person.email,
        town.stranger.email,
    )
    assert [text for text in hidden if text in archive.text] == []
    assert str(town.stranger.id) not in archive.text


async def test_export_of_a_barber_has_the_shop_and_its_bookings_without_the_customers_account(
    http: httpx.AsyncClient, container: Container, town: Town
) -> None:
    archive = await exported(http, container, town.shop.person)
    assert archive.lists["barbers"][0]["display_name"] == town.texts.shop
    assert [one["barber_note"] for one in archive.lists["bookings"] if one["id"] == town.booking["id"]] == [
        town.texts.barber_note
    ]
    shown = (*town.texts.of_barber, town.texts.address, town.texts.message)
    assert [text for text in shown if text not in archive.text] == []
    hidden = (town.texts.name, town.customer.email, town.texts.device)
    assert [text for text in hidden if text in archive.text] == []


async def test_concurrent_requests_make_one_export_and_a_fourth_in_a_day_waits(
    http: httpx.AsyncClient, container: Container
) -> None:
    person = await register(http)
    ids = {export["id"] for export in await asyncio.gather(*[requested_export(http, person) for _ in range(5)])}
    assert len(ids) == 1
    for _ in range(2):
        await container.get(Exporter).make(UUID(ids.pop()))
        ids.add((await requested_export(http, person))["id"])
    await container.get(Exporter).make(UUID(ids.pop()))
    answer = await http.post("/v1/me/export", headers=person.auth)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    listed = (await http.get("/v1/me/exports", headers=person.auth)).json()["items"]
    assert [(one["state"], one["url"]) for one in listed] == [("done", None)] * 3


async def test_export_of_another_person_is_not_found(http: httpx.AsyncClient) -> None:
    export = await requested_export(http, await register(http))
    answer = await http.get(f"/v1/me/exports/{export['id']}", headers=(await register(http)).auth)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_export_and_its_link_need_a_recent_proof_of_identity(
    http: httpx.AsyncClient, clock: AdjustableClock
) -> None:
    person = await register(http)
    export = await requested_export(http, person)
    clock.shift = timedelta(minutes=11)
    for method, path in (("POST", "/v1/me/export"), ("GET", f"/v1/me/exports/{export['id']}")):
        answer = await http.request(method, path, headers=person.auth)
        assert (answer.status_code, answer.json()["code"]) == (403, "step_up_required")


async def test_export_and_its_file_are_gone_after_seven_days(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    person = await register(http)
    await exported(http, container, person)
    clock.shift = EXPORT_LIFE - timedelta(minutes=1)
    await container.get(ExportService).expire_and_repair()
    person = await sign_in_again(http, person)
    (export,) = (await http.get("/v1/me/exports", headers=person.auth)).json()["items"]
    assert (await read_export(http, person, export["id"]))["url"]
    clock.shift = EXPORT_LIFE + timedelta(minutes=1)
    await container.get(ExportService).expire_and_repair()
    assert (await http.get(f"/v1/me/exports/{export['id']}", headers=person.auth)).status_code == 404
    assert UUID(export["id"]) not in await stored_files(container)


async def test_export_that_is_made_twice_is_one_file_and_a_removed_one_leaves_none(
    http: httpx.AsyncClient, container: Container
) -> None:
    person = await register(http)
    export: dict[str, Any] = await requested_export(http, person)
    export_id = UUID(export["id"])
    await container.get(Exporter).make(export_id)
    first = await read_export(http, person, export["id"])
    await container.get(Exporter).make(export_id)
    assert {**await read_export(http, person, export["id"]), "url": ""} == {**first, "url": ""}
    await container.database["exports"].delete_one({"_id": export_id})
    assert export_id in await stored_files(container)
    assert await container.get(ExportService).delete_orphaned_files() >= 1
    assert export_id not in await stored_files(container)


async def test_export_with_a_lost_job_gets_it_again_and_with_a_dead_job_fails(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    person, jobs = await register(http), container.database["jobs"]
    export = await requested_export(http, person)
    job = {"_id": f"export:{export['id']}"}
    assert (await jobs.delete_one(job)).deleted_count == 1
    clock.shift = timedelta(minutes=2)
    await container.get(ExportService).expire_and_repair()
    assert (await jobs.update_one(job, {"$set": {"state": "dead"}})).matched_count == 1
    await container.get(ExportService).expire_and_repair()
    assert (await read_export(http, person, export["id"]))["state"] == "failed"
