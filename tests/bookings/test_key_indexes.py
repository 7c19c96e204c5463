"""The replacement of the unique index on Idempotency-Keys, and settings that do not fit the indexes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from pymongo import MongoClient

from config.settings import Settings
from deploy.mongodb.shard import find_faults, read_collections
from grome.bookings.key_indexes import KeyIndexes, find_key_fault
from grome.bookings.repository import COLLECTION
from grome.cli.findings import find_all
from grome.cli.preparation import replace_key_index, require_migrated
from grome.composition import open_container
from grome.dev.embedded import CannotStart
from grome.infrastructure.container import Container
from grome.infrastructure.migrations import migrate
from grome.infrastructure.mongo.client import Client, apply_collection, drop_index, set_validator
from grome.infrastructure.mongo.index_replacement import ReplacementState
from grome.migrations import MIGRATIONS
from tests.builders.barbers import barber
from tests.builders.bookings import ask, book, tomorrow
from tests.builders.people import register
from tests.support.app import serve_app, with_database
from tests.support.http_client import http_client

OLD, BOTH, REPLACED = (
    ReplacementState(has_old=True, has_new=False, has_rule=False),
    ReplacementState(has_old=True, has_new=True, has_rule=False),
    ReplacementState(has_old=False, has_new=True, has_rule=True),
)


def with_claims(settings: Settings, *, claims: bool) -> Settings:
    return msgspec.structs.replace(settings, mongo=msgspec.structs.replace(settings.mongo, sharded_bookings=claims))


@pytest.fixture(scope="module")
async def own_database(settings: Settings) -> AsyncIterator[Container]:
    container = await open_container(with_database(settings, "key_indexes"))
    await container.get(Client).drop_database(container.settings.mongo.database)
    async for _ in migrate(container.database, MIGRATIONS, container.clock):
        pass
    yield container
    await container.close()


@pytest.fixture
async def migrated(own_database: Container) -> Container:
    """A container with the setting off, and with the indexes of `bookings` as the migrations make them."""
    await own_database.database[COLLECTION.name].drop()
    await apply_collection(own_database.database, COLLECTION)
    return own_database


async def test_replacement_needs_the_setting(migrated: Container) -> None:
    indexes = migrated.get(KeyIndexes)
    with pytest.raises(CannotStart, match="GROME_MONGO_SHARDED_BOOKINGS=true"):
        await replace_key_index(migrated.settings)
    assert await indexes.read() == OLD
    await replace_key_index(with_claims(migrated.settings, claims=True))
    assert await indexes.read() == REPLACED


async def test_shard_script_accepts_bookings_once_the_index_is_replaced(migrated: Container) -> None:
    mongo = migrated.settings.mongo

    def read_faults() -> list[str]:
        with MongoClient[dict[str, Any]](mongo.url, uuidRepresentation="standard") as client:
            return find_faults(COLLECTION.name, read_collections(client[mongo.database]))

    assert len(await asyncio.to_thread(read_faults)) == 2
    await migrated.get(KeyIndexes).replace()
    assert await asyncio.to_thread(read_faults) == []


async def test_replacement_interrupted_at_any_step_is_completed_by_a_repeat(migrated: Container) -> None:
    indexes, bookings = migrated.get(KeyIndexes), migrated.database[COLLECTION.name]
    assert COLLECTION.replacement is not None
    await bookings.create_indexes(list(COLLECTION.replacement.new))
    assert await indexes.read() == BOTH
    await indexes.replace()
    assert await indexes.read() == REPLACED
    since = await _rule(migrated)
    await indexes.replace()
    assert await _rule(migrated) == since


async def test_later_migrations_keep_the_replacement(migrated: Container) -> None:
    indexes = migrated.get(KeyIndexes)
    await indexes.replace()
    rule = await _rule(migrated)
    await apply_collection(migrated.database, COLLECTION)
    assert await indexes.read() == REPLACED
    assert await _rule(migrated) == rule


async def _rule(container: Container) -> Any:
    (described,) = await (await container.database.list_collections(filter={"name": COLLECTION.name})).to_list()
    return described["options"]["validator"]["$or"]


async def test_bookings_across_the_replacement_are_made_once(migrated: Container) -> None:
    """Keys from before claims, from before the replacement and from after it; a process without claims is refused."""
    old_settings, new_settings = migrated.settings, with_claims(migrated.settings, claims=True)
    async with (
        serve_app(old_settings) as old,
        serve_app(new_settings) as new,
        http_client(old.ctx.base_url) as unaware,
        http_client(new.ctx.base_url) as claiming,
    ):
        shop, customer = await barber(unaware, migrated), await register(unaware)
        unclaimed = await book(unaware, customer, shop, tomorrow(9), key="before")
        first = await book(claiming, customer, shop, tomorrow(10), key="claimed")
        assert await book(unaware, customer, shop, tomorrow(10), key="claimed") == first
        await migrated.get(KeyIndexes).replace()
        assert await book(claiming, customer, shop, tomorrow(9), key="before") == unclaimed
        assert await book(claiming, customer, shop, tomorrow(10), key="claimed") == first
        after = await book(claiming, customer, shop, tomorrow(11), key="after")
        assert await book(claiming, customer, shop, tomorrow(11), key="after") == after
        refused = await ask(unaware, customer, shop, tomorrow(12), key="unclaimed")
        assert (refused.status_code, refused.json()["code"]) == (500, "internal_error")
        await book(unaware, customer, shop, tomorrow(13))
    assert await migrated.database["bookings"].count_documents({"customer_id": customer.id}) == 4


async def test_start_and_doctor_refuse_replaced_indexes_without_claims(migrated: Container) -> None:
    await migrated.get(KeyIndexes).replace()
    with pytest.raises(CannotStart, match="GROME_MONGO_SHARDED_BOOKINGS=true"):
        await require_migrated(migrated.settings)
    await require_migrated(with_claims(migrated.settings, claims=True))
    for claims in (False, True):
        findings = await asyncio.to_thread(find_all, with_claims(migrated.settings, claims=claims))
        assert [one.ok for one in findings if one.subject == "bookings on shards"] == [claims]


async def test_start_with_claims_on_the_old_index_is_allowed(migrated: Container) -> None:
    claiming = with_claims(migrated.settings, claims=True)
    await require_migrated(claiming)
    findings = await asyncio.to_thread(find_all, claiming)
    (told,) = [one for one in findings if one.subject == "bookings on shards"]
    assert told.ok
    assert "grome prepare-shards" in told.text


async def test_start_with_a_part_of_the_new_indexes_is_refused(migrated: Container) -> None:
    await migrated.get(KeyIndexes).replace()
    await drop_index(migrated.database[COLLECTION.name], "idempotency_of_barber")
    with pytest.raises(CannotStart, match="prepare-shards"):
        await require_migrated(with_claims(migrated.settings, claims=True))
    await set_validator(migrated.database, COLLECTION, {})
    with pytest.raises(CannotStart, match="GROME_MONGO_SHARDED_BOOKINGS=true"):
        await require_migrated(migrated.settings)


def test_fault_is_found_in_every_state_that_could_book_twice() -> None:
    faults = {
        (old, new, rule, claims): find_key_fault(ReplacementState(old, new, rule), claims_keys=claims) is not None
        for old in (False, True)
        for new in (False, True)
        for rule in (False, True)
        for claims in (False, True)
    }
    assert {state for state, is_fault in faults.items() if not is_fault} == {
        (True, False, False, False),
        (True, True, False, False),
        *((True, new, rule, True) for new in (False, True) for rule in (False, True)),
        (False, True, True, True),
    }
