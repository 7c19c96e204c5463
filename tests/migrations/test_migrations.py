"""`grome migrate` on an empty database, once more, twice at once, and on one that is older than its validators."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from loguru import logger
from pymongo.errors import DuplicateKeyError, WriteError

from config.settings import Settings
from grome.accounts.models import User
from grome.barbers.models import Barber, CancellationPolicy, StoredBarber, Terms
from grome.barbers.repository import COLLECTION as BARBERS
from grome.barbers.repository import document_of
from grome.bookings.drafts import BookingDraft, PlatformTerms, build_booking
from grome.bookings.models import Booking, Party, Status
from grome.bookings.repository import COLLECTION as BOOKINGS
from grome.catalogue.models import Service
from grome.catalogue.repository import ServiceRepository
from grome.cli.bootstrap import opened_container
from grome.common.actor import Role
from grome.common.clock import system_clock
from grome.common.ids import new_id
from grome.composition.personal_data import DECLARED
from grome.infrastructure.migrations import Migration, applied, migrate
from grome.infrastructure.mongo.client import Client, Database, from_document, to_document
from grome.migrations import MIGRATIONS, m0001_foundation, m0003_effects, m0004_shop_rules
from grome.scheduling.offers import ChosenService, OfferedService
from tests.builders.world import build_barber
from tests.support.app import with_database
from tests.support.commands import run_command
from tests.support.processes import environment

FAILED_VALIDATION = 121
COLLECTIONS = (*m0001_foundation.COLLECTIONS, *m0003_effects.COLLECTIONS, *m0004_shop_rules.COLLECTIONS)
NUMBERS = [migration.number for migration in MIGRATIONS]


@pytest.fixture
def elsewhere(settings: Settings) -> Settings:
    """The same servers, and a database of this test's own."""
    return with_database(settings, uuid4().hex[:12])


@pytest.fixture
async def database_(elsewhere: Settings) -> AsyncIterator[Database]:
    async with opened_container(elsewhere) as container:
        yield container.database
        await container.get(Client).drop_database(elsewhere.mongo.database)


async def run(database: Database, *migrations: Migration) -> list[int]:
    """Return the numbers of the applied migrations."""
    return [done.number async for done in migrate(database, migrations or MIGRATIONS, system_clock)]


async def described(database: Database) -> dict[str, tuple[Any, Any]]:
    """Every collection with its validator and indexes."""
    found: dict[str, tuple[Any, Any]] = {}
    async for collection in await database.list_collections():
        indexes = await database[collection["name"]].index_information()
        found[collection["name"]] = (collection["options"].get("validator"), indexes)
    return found


async def is_complete(database: Database) -> None:
    found = await described(database)
    for spec in COLLECTIONS:
        validator, indexes = found[spec.name]
        assert validator == spec.validator
        assert {"_id_", *(index.document["name"] for index in spec.indexes)} == set(indexes)


def test_migration_numbers_ascend_without_gaps() -> None:
    assert list(range(1, len(MIGRATIONS) + 1)) == NUMBERS
    assert all(migration.title for migration in MIGRATIONS)


async def test_migrations_are_applied_once_and_change_nothing_when_they_run_again(database_: Database) -> None:
    assert await run(database_) == NUMBERS
    await is_complete(database_)
    assert await applied(database_) == set(NUMBERS)
    before = await described(database_)
    # A transaction over several shards cannot create a collection (decision 24).
    assert {declared.spec.name for declared in DECLARED} <= before.keys()
    records = await database_["migrations"].find().to_list()

    assert await run(database_) == []

    assert await described(database_) == before
    assert await database_["migrations"].find().to_list() == records

    # A later migration runs after the earlier ones.
    seen: list[set[int]] = []

    async def look(database: Database) -> None:
        seen.append(await applied(database))

    later = Migration(len(MIGRATIONS) + 1, "a later one", look)
    assert await run(database_, *MIGRATIONS, later) == [later.number]
    assert seen == [set(NUMBERS)]

    # As after a cut between the change and the record of it.
    await database_["migrations"].delete_many({})
    assert await run(database_) == NUMBERS
    assert await described(database_) == before


async def test_migrations_that_run_concurrently_are_applied_completely(database_: Database) -> None:
    await asyncio.gather(*(run(database_) for _ in range(4)))
    await is_complete(database_)
    assert await applied(database_) == set(NUMBERS)


async def test_failed_migration_is_not_recorded_and_stops_the_later_migrations(database_: Database) -> None:
    async def fail(_: Database) -> None:
        raise RuntimeError("half-way")

    first, broken, last = (
        Migration(number, "a step", up) for number, up in ((1, MIGRATIONS[0].up), (2, fail), (3, MIGRATIONS[0].up))
    )
    with pytest.raises(RuntimeError, match="half-way"):
        await run(database_, first, broken, last)
    assert await applied(database_) == {1}


async def test_barbers_without_search_fields_get_them(database_: Database) -> None:
    """More of them than are written in one go, some of which have a part already."""
    added = ("version", "service_radius_km", "neighbourhood", "words")
    offers = [OfferedService(new_id(), "Hot towel shave", 2000, 30)]
    barbers = [build_barber((52.5, 13.4), services=offers) for _ in range(600)]
    complete = [document_of(barber) for barber in barbers]
    old = [
        {name: value for name, value in one.items() if name not in added[number % 4 :]}
        for number, one in enumerate(complete)
    ]
    schema = {**BARBERS.validator["$jsonSchema"], "required": list(old[0])}
    await database_.create_collection(BARBERS.name, validator={"$jsonSchema": schema})
    await database_[BARBERS.name].insert_many(old)
    unused = await database_[BARBERS.name].create_index(
        [("services.service_id", 1), ("location", "2dsphere")], name="service_location"
    )
    assert await run(database_, *MIGRATIONS[1:]) == NUMBERS[1:]
    found = await database_[BARBERS.name].find().to_list()
    assert {one["_id"]: from_document(one, Barber) for one in found} == {barber.id: barber for barber in barbers}
    words = {"display_name": ["at", "sea"], "services": ["hot", "shave", "towel"], "neighbourhood": []}
    assert [one for one in found if one["words"] != words] == []
    assert unused not in await database_[BARBERS.name].index_information()


async def test_barbers_without_terms_get_terms_that_cost_customers_nothing(database_: Database) -> None:
    """Whether they are from before the searches or not."""
    added = ("openings", "house_calls", "terms")
    shops = [
        build_barber((52.5, 13.4), services=[OfferedService(new_id(), "Hot towel shave", 2000, 30)]) for _ in range(2)
    ]
    old = [
        {name: value for name, value in document_of(shop).items() if name not in lacking}
        for shop, lacking in zip(shops, (added, (*added, "words", "version")), strict=True)
    ]
    for one in old:
        one["services"] = [{name: one["services"][0][name] for name in ("service_id", "name", "price", "duration_min")}]
        del one["rules"]["daily_cap"]
    await database_[BARBERS.name].insert_many(old)
    assert await run(database_) == NUMBERS
    found = {one["_id"]: from_document(one, StoredBarber) async for one in database_[BARBERS.name].find()}
    assert found == {shop.id: from_document(document_of(shop), StoredBarber) for shop in shops}
    assert shops[0].terms.cancellation == CancellationPolicy(0, 0, late_refund_percent=100, no_show_refund_percent=0)


async def test_reschedule_notice_of_zero_is_set_to_the_cancellation_notice(database_: Database) -> None:
    policies = [CancellationPolicy(cancel, move) for cancel, move in ((1440, 0), (1440, 60), (0, 0))]
    shops = [msgspec.structs.replace(build_barber((52.5, 13.4)), terms=Terms(policy)) for policy in policies]
    await database_[BARBERS.name].insert_many([document_of(shop) for shop in shops])
    assert await run(database_) == NUMBERS
    found = {one["_id"]: one["terms"]["cancellation"] async for one in database_[BARBERS.name].find()}
    assert [found[shop.id]["reschedule_notice_min"] for shop in shops] == [1440, 60, 0]


def a_booking(shop: Barber, status: Status, answer_by: datetime | None = None) -> Booking:
    start = datetime(2026, 12, 1, 9, tzinfo=UTC)
    wish = BookingDraft(
        id=new_id(),
        customer_id=new_id(),
        barber=shop,
        services=[ChosenService(shop.services[0])],
        start=start,
        terms=shop.terms,
    )
    made = build_booking(wish, start - timedelta(days=1), PlatformTerms(timedelta(days=1)))
    history = [msgspec.structs.replace(made.history[0], answer_by=answer_by)]
    active = status in {Status.REQUESTED, Status.ACCEPTED, Status.IN_PROGRESS}
    changed = {"status": status, "active": active, "answer_by": answer_by, "awaits": None, "history": history}
    return msgspec.structs.replace(made, **changed)


async def test_bookings_without_terms_wait_for_the_barber_and_keep_their_status(database_: Database) -> None:
    """Requests await the barber, and ended bookings do not change."""
    shop = build_barber((52.5, 13.4), services=[OfferedService(new_id(), "Hot towel shave", 2000, 30)])
    answer_by = datetime(2026, 12, 1, 8, tzinfo=UTC)
    bookings = [
        a_booking(shop, Status.REQUESTED, answer_by),
        *(a_booking(build_barber((0, 0), services=shop.services), status) for status in list(Status)[1:]),
    ]
    kept = {
        *("_id", "customer_id", "barber_id", "services", "scheduled_at", "ends_at", "ticks", "active", "status"),
        *("reason", "price", "currency", "payment", "version", "answer_by", "idempotency", "history", "created_at"),
    }
    for booking in bookings:
        old = {name: value for name, value in to_document(booking).items() if name in kept}
        del old["services"][0]["add_ons"], old["history"][0]["scheduled_at"], old["history"][0]["answer_by"]
        old["payment"] = {name: old["payment"][name] for name in ("status", "amount", "currency")}
        await database_[BOOKINGS.name].insert_one(old)
    assert await run(database_) == NUMBERS
    found = {one["_id"]: from_document(one, Booking) async for one in database_[BOOKINGS.name].find()}
    bookings[0] = msgspec.structs.replace(bookings[0], awaits=Party.BARBER)
    assert found == {booking.id: booking for booking in bookings}


async def test_services_without_search_words_get_them(database_: Database) -> None:
    """And loses the index that found whole words only."""
    services = database_["services"]
    cut = Service(id=new_id(), name="Beard trim", category="beard", created_at=system_clock())
    await services.insert_one(to_document(cut))
    await services.create_index([("name", "text")], name="words")
    assert await run(database_) == NUMBERS
    await is_complete(database_)
    assert await ServiceRepository(database_).find(cut.id) == cut
    ((found, _),) = await ServiceRepository(database_).search(["tri"], None, None, 10)
    assert found == cut


async def test_migrations_add_missing_validators_and_indexes(database_: Database) -> None:
    old = {"_id": new_id(), "email": "old@example.com"}
    for spec in COLLECTIONS:
        await database_.create_collection(spec.name)
    await database_["users"].insert_one(old)

    assert await run(database_) == NUMBERS

    await is_complete(database_)
    assert await database_["users"].find_one() == old
    with pytest.raises(WriteError) as refused:
        await database_["users"].insert_one({"_id": new_id(), "email": "new@example.com"})
    assert refused.value.code == FAILED_VALIDATION
    with pytest.raises((DuplicateKeyError, WriteError)):
        await database_["users"].insert_one({**old, "_id": new_id()})


async def grome_migrate(settings: Settings, home: Path, *options: str) -> str:
    """In a thread: a driver on a blocked event loop would take its server for dead."""
    env = {**environment(settings, home), "COLUMNS": "200"}
    done = await asyncio.to_thread(run_command, "migrate", *options, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_migrate_command_lists_and_applies_migrations(
    elsewhere: Settings, database_: Database, tmp_path: Path
) -> None:
    def states(listed: str) -> list[bool]:
        lines = [line for migration in MIGRATIONS for line in listed.splitlines() if migration.title in line]
        assert len(lines) == len(MIGRATIONS)
        return ["applied" in line for line in lines]

    await run(database_, MIGRATIONS[0])
    before = await described(database_)
    assert states(await grome_migrate(elsewhere, tmp_path, "--list")) == [True] + [False] * (len(MIGRATIONS) - 1)
    assert await described(database_) == before
    told = await grome_migrate(elsewhere, tmp_path)
    assert [f"{number:04}" in told for number in NUMBERS] == [False] + [True] * (len(MIGRATIONS) - 1)
    assert await applied(database_) == set(NUMBERS)
    assert await grome_migrate(elsewhere, tmp_path) == ""


async def test_stored_emails_and_phones_are_normalised_unless_another_account_has_them(database_: Database) -> None:
    await run(database_, *MIGRATIONS[:4])
    addresses = {
        "decomposed": ("jose\u0301@example.com", None),
        "a-label": ("a@xn--mller-kva.example", "+49015123456789"),
        "taken": ("b@m\u00fcller.example", "+4915111111111"),
        "clashes": ("b@xn--mller-kva.example", "+49015111111111"),
        "impossible": ("a@\U0001f488.example", "+99912345678"),
        "normal": ("ada@example.com", "+4930123456"),
    }
    ids = {name: new_id() for name in addresses}
    for name, (email, phone) in addresses.items():
        user = User(
            id=ids[name],
            email=email,
            phone=phone,
            password_hash="",
            name=name,
            role=Role.CUSTOMER,
            created_at=system_clock(),
        )
        await database_["users"].insert_one(to_document(user))
    lines: list[str] = []
    sink = logger.add(lines.append, level="WARNING", format="{message}")
    try:
        assert await run(database_) == NUMBERS[4:]
    finally:
        logger.remove(sink)
    stored = {user["name"]: (user["email"], user["phone"]) async for user in database_["users"].find()}
    assert stored == {
        **addresses,
        "decomposed": ("jos\u00e9@example.com", None),
        "a-label": ("a@m\u00fcller.example", "+4915123456789"),
    }
    told = sorted((str(ids[name]), field) for name in ("clashes", "impossible") for field in ("email", "phone"))
    assert sorted((line.split("account ")[1][:36], line.split()[1]) for line in lines) == told


async def test_stored_search_words_are_recomputed(database_: Database) -> None:
    await run(database_, *MIGRATIONS[:4])
    shop = msgspec.structs.replace(build_barber((35.7, 139.7)), display_name="東京散髪屋")
    cut = Service(id=new_id(), name="ヘアカット", category="hair", created_at=system_clock())
    old = {name: ["東京散髪屋"] for name in ("display_name", "services", "neighbourhood")}
    await database_["barbers"].insert_one({**document_of(shop), "words": old})
    services = ServiceRepository(database_)
    await services.add(cut)
    await database_["services"].update_one({"_id": cut.id}, {"$set": {"words.name": ["ヘアカット"]}})
    assert await services.search(["カッ"], None, None, 10) == []
    assert await run(database_) == NUMBERS[4:]
    assert [found.id for found, _ in await services.search(["カッ", "ット"], None, None, 10)] == [cut.id]
    assert (await database_["barbers"].find_one() or {})["words"] == document_of(shop)["words"]
