"""Addresses in outbox entries are erased by age, in the documents that records of the trail name."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx

from grome.accounts.events import user_event
from grome.audit.old_addresses import OldAddresses
from grome.audit.repository import AuditRepository
from grome.audit.service import AuditTrail
from grome.infrastructure.container import Container
from grome.infrastructure.outbox.personal_entries import PersonalEntries
from tests.builders.audit import verify
from tests.builders.people import register
from tests.conftest import AdjustableClock

_DAY = timedelta(days=1)


async def account(container: Container, person: UUID) -> dict[str, Any]:
    found = await container.database.users.find_one({"_id": person})
    assert found
    return found


async def addresses(container: Container, person: UUID) -> list[str | None]:
    return [entry["origin"].get("address") for entry in (await account(container, person))["outbox"]]


async def test_addresses_in_outbox_entries_are_erased_once_they_are_old(
    http: httpx.AsyncClient, empty_trail: Container, clock: AdjustableClock
) -> None:
    people = [(await register(http)).id for _ in range(3)]
    start = clock() - _DAY
    for person in people:
        document = await account(empty_trail, person)
        await empty_trail.get(AuditTrail).handle([user_event(entry, document) for entry in document["outbox"]])
    assert [set(await addresses(empty_trail, person)) for person in people] == [{"127.0.0.1"}] * 3
    before = await account(empty_trail, people[0])
    old = OldAddresses(empty_trail.get(AuditRepository), PersonalEntries(empty_trail.database))

    await old.expire(start - _DAY, start)
    assert await account(empty_trail, people[0]) == before
    await old.expire(start, clock() + _DAY)

    assert [set(await addresses(empty_trail, person)) for person in people] == [{None}] * 3
    for entry in before["outbox"]:
        del entry["origin"]["address"]
    assert await account(empty_trail, people[0]) == before
    assert (await verify(empty_trail)).flaws == 0


async def test_newer_entries_of_a_document_keep_their_addresses(
    http: httpx.AsyncClient, empty_trail: Container, clock: AdjustableClock
) -> None:
    person = (await register(http)).id
    document = await account(empty_trail, person)
    entry = document["outbox"][-1]
    newer = {**entry, "id": UUID(int=1), "at": entry["at"] + 2 * _DAY}
    await empty_trail.database.users.update_one({"_id": person}, {"$push": {"outbox": newer}})
    await PersonalEntries(empty_trail.database).erase_addresses("account", [person], clock() + _DAY)
    assert await addresses(empty_trail, person) == [None] * len(document["outbox"]) + ["127.0.0.1"]
