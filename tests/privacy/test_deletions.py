"""Deletions of accounts over HTTP, and the erasure of their data."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from bson.raw_bson import RawBSONDocument

from grome.accounts.deletions import AccountDeletions
from grome.common.actor import Role
from grome.composition.projection import PROJECTION
from grome.infrastructure.container import Container
from grome.infrastructure.jobs.errors import PostponedError
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.outbox.models import EventType
from grome.infrastructure.outbox.repository import RelayRepository
from grome.infrastructure.personal_data import Exported, KeptData, OpenMatter, Person, PersonalData
from grome.infrastructure.storage.protocol import Storage
from grome.privacy.deletion import DeletionService, Eraser
from grome.privacy.inventory import Inventory
from tests.builders.barbers import barber
from tests.builders.bookings import book, tomorrow
from tests.builders.people import PASSWORD, person_of, register
from tests.conftest import AdjustableClock
from tests.privacy.conftest import Town


async def delete(http: httpx.AsyncClient, auth: dict[str, str], password: str | None = PASSWORD) -> httpx.Response:
    body = {} if password is None else {"password": password}
    return await http.request("DELETE", "/v1/me", json=body, headers=auth)


async def everything_stored(container: Container) -> str:
    """Return all documents of all collections. Texts and bytes stand in them as UTF-8."""
    database = container.database
    names = [name for name in await database.list_collection_names() if not name.startswith("system.")]
    options = database.codec_options.with_options(document_class=RawBSONDocument)
    documents = [found.raw for name in names async for found in database.get_collection(name, options).find()]
    return b"\n".join(documents).decode(errors="replace")


async def stored_keys(container: Container) -> list[str]:
    storage = container.get(Storage)
    return [key for prefix in ("uploads/", "exports/") for key in [key async for key in storage.keys(prefix)]]


async def erase(container: Container, user_id: UUID) -> None:
    await container.get(Eraser).erase(user_id)


class KilledError(Exception):
    """Ends a process in a test."""


class DyingPart:
    """Personal data with an erasure that is killed, before or after it is done."""

    def __init__(self, part: PersonalData, *, after: bool) -> None:
        self._part, self._after, self.name = part, after, part.name

    def export(self, person: Person) -> AsyncIterator[Exported]:
        return self._part.export(person)

    async def find_open(self, person: Person) -> Sequence[OpenMatter]:
        return await self._part.find_open(person)

    async def erase(self, person: Person) -> None:
        if self._after:
            await self._part.erase(person)
        raise KilledError

    def kept(self, role: Role) -> KeptData | None:
        return self._part.kept(role)


async def test_deleted_customer_is_signed_out_at_once_and_nothing_personal_is_left(
    http: httpx.AsyncClient, container: Container, town: Town
) -> None:
    await http.post("/v1/me/export", headers=town.customer.auth)
    answer = await delete(http, town.customer.auth)
    assert answer.status_code == 202, answer.text
    assert {"bookings", "payments", "reviews", "users"} <= {kept["data"] for kept in answer.json()["kept"]}
    assert (await http.get("/v1/me", headers=town.customer.auth)).status_code == 401
    login = {"email": town.customer.email, "password": PASSWORD}
    assert (await http.post("/v1/auth/login", json=login)).status_code == 401
    await erase(container, town.customer.id)
    left = await everything_stored(container)
    assert [text for text in (*town.texts.of_customer, town.customer.email) if text in left] == []
    assert [key for key in await stored_keys(container) if town.photo.replace("-", "") in key] == []


async def test_books_and_the_other_sides_data_survive_the_deletion_of_a_customer(
    http: httpx.AsyncClient, container: Container, town: Town
) -> None:
    seen_before = (await http.get(f"/v1/bookings/{town.booking['id']}", headers=town.shop.auth)).json()
    await delete(http, town.customer.auth)
    await erase(container, town.customer.id)
    seen = (await http.get(f"/v1/bookings/{town.booking['id']}", headers=town.shop.auth)).json()
    changed = {name for name in seen if seen[name] != seen_before[name]}
    assert changed == {"house_call", "customer_note"}
    (review,) = (await http.get(f"/v1/barbers/{town.shop.id}/reviews")).json()["items"]
    assert (review["rating"], review["text"], review["author"]) == (5, "", "")
    page = await http.get(f"/v1/bookings/{town.booking['id']}/messages", headers=town.shop.auth)
    assert {message["text"] for message in page.json()["items"]} == {"", town.texts.reply}
    left = await everything_stored(container)
    assert [text for text in town.texts.of_barber if text not in left] == [town.texts.barber_note]


async def test_deleted_barber_is_not_found_at_once_and_nothing_personal_is_left(
    http: httpx.AsyncClient, container: Container, town: Town
) -> None:
    answer = await delete(http, town.shop.auth)
    assert answer.status_code == 202, answer.text
    assert (await http.get(f"/v1/barbers/{town.shop.id}")).status_code == 404
    await erase(container, town.shop.person.id)
    left = await everything_stored(container)
    assert [text for text in (*town.texts.of_barber, town.shop.person.email) if text in left] == []
    # The customer keeps the visit and its note.
    seen = (await http.get(f"/v1/bookings/{town.booking['id']}", headers=town.customer.auth)).json()
    assert (seen["status"], seen["customer_note"]) == ("completed", town.texts.note)


async def test_erasure_that_is_killed_at_any_step_is_completed_by_the_next_run(
    http: httpx.AsyncClient, container: Container, town: Town
) -> None:
    await delete(http, town.customer.auth)
    inventory, accounts = container.get(Inventory), container.get(AccountDeletions)
    for position in range(len(inventory.parts)):
        for after in (False, True):
            parts = list(inventory.parts)
            parts[position] = DyingPart(parts[position], after=after)
            is_erased = after and position == len(parts) - 1
            try:
                await Eraser(Inventory(parts), accounts).erase(town.customer.id)
            except KilledError:
                continue
            assert is_erased
    for _ in range(2):
        await erase(container, town.customer.id)
    left = await everything_stored(container)
    assert [text for text in (*town.texts.of_customer, town.customer.email) if text in left] == []


async def test_deletion_is_refused_while_a_booking_is_open_and_names_it(
    http: httpx.AsyncClient, container: Container
) -> None:
    shop, customer = await barber(http, container, rules={"auto_accept": True}), await register(http)
    booking = await book(http, customer, shop, tomorrow(9))
    for auth in (customer.auth, shop.auth):
        refused = await delete(http, auth)
        assert (refused.status_code, refused.json()["code"]) == (409, "account_in_use")
        assert [error["field"] for error in refused.json()["errors"]] == ["bookings"]
        assert (await http.get("/v1/me", headers=auth)).status_code == 200
    cancelled = await http.post(f"/v1/bookings/{booking['id']}/cancel", headers=customer.auth)
    assert cancelled.status_code == 200
    assert (await delete(http, customer.auth)).status_code == 202


async def test_deletion_needs_the_password_or_a_recent_proof(http: httpx.AsyncClient, clock: AdjustableClock) -> None:
    person = await register(http)
    assert (await delete(http, person.auth, "not the password")).status_code in {401, 403, 422}
    clock.shift = timedelta(minutes=11)
    refused = await delete(http, person.auth, None)
    assert (refused.status_code, refused.json()["code"]) == (403, "step_up_required")
    assert (await delete(http, person.auth)).status_code == 202
    clock.shift = timedelta()
    assert (await delete(http, (await register(http)).auth, None)).status_code == 202


async def test_address_of_a_deleted_account_can_register_again_as_another_account(
    http: httpx.AsyncClient, container: Container
) -> None:
    person = await register(http)
    await delete(http, person.auth)
    await erase(container, person.id)
    again = await http.post("/v1/auth/register", json={"email": person.email, "password": PASSWORD, "name": "Again"})
    assert again.status_code == 201
    assert person_of(again.json()).id != person.id


async def test_erasure_waits_for_a_booking_that_a_request_made_beside_the_deletion(
    http: httpx.AsyncClient, container: Container
) -> None:
    shop, customer = await barber(http, container, rules={"auto_accept": True}), await register(http, name="Zoë Late")
    assert (await delete(http, customer.auth)).status_code == 202
    booking = await book(http, await register(http), shop, tomorrow(11))
    raced = container.database["bookings"].update_one
    await raced({"_id": UUID(booking["id"])}, {"$set": {"customer_id": customer.id}})
    with pytest.raises(PostponedError):
        await erase(container, customer.id)
    assert "Zoë Late" in await everything_stored(container)
    await http.post(f"/v1/bookings/{booking['id']}/cancel", headers=shop.auth)
    await erase(container, customer.id)
    assert "Zoë Late" not in await everything_stored(container)


async def test_erasure_repeats_no_event_of_the_anonymised_documents(
    http: httpx.AsyncClient, container: Container, town: Town
) -> None:
    await delete(http, town.customer.auth)
    events, is_over = [], False
    async with RelayRepository(container.database).changes(None) as changes:
        await erase(container, town.customer.id)
        while not is_over:
            change, _ = await changes.next()
            found = PROJECTION.events_of(change) if change else []
            events += found
            is_over = any(event.type is EventType.ACCOUNT_DELETED for event in found)
    assert [event.type for event in events] == [EventType.ACCOUNT_DELETED]


async def test_deletion_with_a_lost_job_gets_another_one(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    person = await register(http)
    await delete(http, person.auth)
    clock.shift = timedelta(hours=2)
    await container.get(DeletionService).repair()
    day = clock().date().isoformat()
    assert await container.get(JobQueue).find(f"erase:{person.id}:{day}") is not None
    await erase(container, person.id)
    await container.database["jobs"].delete_many({"kind": "erase_account"})
    await container.get(DeletionService).repair()
    assert await container.get(JobQueue).find(f"erase:{person.id}:{day}") is None
