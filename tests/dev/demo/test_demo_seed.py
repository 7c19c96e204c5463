"""Seeding a real database, and the story on a Grome that serves it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import StringIO
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from config.settings import Settings, SettingsError
from grome.accounts.models import Device
from grome.accounts.schemas import Login
from grome.accounts.service import AccountService
from grome.composition import open_container
from grome.dev.demo.people import barber_email, customer_email
from grome.dev.demo.scenario import run_scenario
from grome.dev.demo.seed import DEFAULT_CITIES, SeedCounts, SeedSize, seed, seed_if_empty
from grome.dev.demo_accounts.models import ADMIN_EMAIL, DEMO_ACCOUNTS, DEMO_PASSWORD
from grome.infrastructure.container import Container
from grome.infrastructure.migrations import migrate
from grome.infrastructure.mongo.client import Client
from grome.migrations import MIGRATIONS
from tests.builders.people import PASSWORD
from tests.support.app import apart, serve_app
from tests.support.jobs import run_worker
from tests.support.processes import free_port
from tests.support.stripe import local_stripe, with_payments
from workers.registry import HANDLERS

SMALL = SeedSize(cities=("Berlin", "Tokyo"), barbers_per_city=6, customers=4)
COLLECTIONS = ("services", "users", "barbers")


@pytest.fixture
def own_settings(settings: Settings) -> Settings:
    """A database apart, so that demo barbers do not turn up in the searches of other tests."""
    return apart(settings, "demo", 1)


@pytest.fixture
async def empty(own_settings: Settings) -> AsyncIterator[Container]:
    container = await open_container(own_settings)
    await container.get(Client).drop_database(own_settings.mongo.database)
    async for _ in migrate(container.database, MIGRATIONS, container.clock):
        pass
    yield container
    await container.get(Client).drop_database(own_settings.mongo.database)
    await container.close()


@pytest.fixture
def console() -> Console:
    return Console(file=StringIO(), width=120)


def printed(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


async def stored(container: Container) -> dict[str, list[object]]:
    """Return all documents without password hashes, because their salts differ."""
    return {
        name: [document async for document in container.database[name].find({}, {"password_hash": 0}).sort("_id", 1)]
        for name in COLLECTIONS
    }


async def test_seed_that_is_repeated_adds_nothing_and_sign_in_works(empty: Container, console: Console) -> None:
    assert await seed(empty, SMALL, console) == SeedCounts(services=15, customers=4, barbers=12)
    assert await empty.database["users"].count_documents({"outbox": {"$ne": []}}) == 0
    assert await empty.database["sessions"].count_documents({}) == 0
    first = await stored(empty)
    assert [len(first[name]) for name in COLLECTIONS] == [15, 4 + 12 + 1, 12]
    assert await seed(empty, SMALL, console) == SeedCounts(services=0, customers=0, barbers=0)
    assert await stored(empty) == first

    for name in COLLECTIONS:
        await empty.database[name].delete_many({})
    await seed(empty, SMALL, console)
    assert await stored(empty) == first, "another database has other documents"

    for email in DEMO_ACCOUNTS.values():
        signed_in = await empty.get(AccountService).login(Login(email=email, password=DEMO_PASSWORD), Device())
        assert signed_in.user.email == email


async def test_interrupted_seed_is_completed_at_the_next_start(empty: Container, console: Console) -> None:
    await seed_if_empty(empty, console)
    whole = await stored(empty)
    late = {"email": {"$in": [ADMIN_EMAIL, customer_email(50), barber_email("Tokyo", 150)]}}
    await empty.database["users"].delete_many(late)
    await empty.database["barbers"].delete_many({"timezone": "Asia/Tokyo"})
    await seed_if_empty(empty, console)
    assert await stored(empty) == whole
    assert len(whole["barbers"]) == 150 * len(DEFAULT_CITIES)


async def test_seed_of_a_database_in_use_adds_nothing(empty: Container, console: Console) -> None:
    await empty.get(AccountService).create_admin("owner@example.com", "Owner", PASSWORD)
    await seed_if_empty(empty, console)
    assert "nothing added" in printed(console)
    assert await empty.database["barbers"].count_documents({}) == 0


async def test_seed_in_production_is_refused(own_settings: Settings, console: Console) -> None:
    accounts = msgspec.structs.replace(own_settings.accounts, bcrypt_rounds=4)
    container = await open_container(msgspec.structs.replace(own_settings, env="production", accounts=accounts))
    try:
        with pytest.raises(SettingsError, match="production"):
            await seed(container, SMALL, console)
    finally:
        await container.close()


@asynccontextmanager
async def serve_with_jobs(settings: Settings, port: int) -> AsyncIterator[str]:
    """Serve the application and run jobs in this event loop, which needs no processes; yield the URL."""
    async with serve_app(settings, port=port) as app, run_worker(app.ctx.container, HANDLERS):
        yield app.ctx.base_url


async def test_scenario_without_payments_succeeds_and_names_what_is_missing(
    empty: Container, own_settings: Settings, console: Console
) -> None:
    await seed(empty, SMALL, console)
    async with serve_with_jobs(own_settings, free_port()) as url:
        assert await asyncio.to_thread(run_scenario, url, "Tokyo", console) == 0, printed(console)
        assert "complete by barber: completed" in printed(console)
        assert "Payments are off" in printed(console)
        assert await asyncio.to_thread(run_scenario, url, "Reykjavík", console) == 1
    assert "nobody is near Reykjavík" in printed(console)
    assert await asyncio.to_thread(run_scenario, url, "Tokyo", console) == 1
    assert "is `grome run` running there?" in printed(console)


async def test_scenario_with_the_local_stripe_pays_refunds_and_charges_fees_twice(
    empty: Container, own_settings: Settings, console: Console, tmp_path: Path
) -> None:
    await seed(empty, SMALL, console)
    port = free_port()
    with local_stripe(tmp_path, f"http://127.0.0.1:{port}/v1/stripe/webhook") as stripe:
        async with serve_with_jobs(with_payments(own_settings, stripe), port) as url:
            for _ in range(2):
                assert await asyncio.to_thread(run_scenario, url, "Tokyo", console) == 0, printed(console)
    story = printed(console)
    for told in ("Stripe: requires_action", "and a tip of", "Refunded:", "Kept: the deposit of"):
        assert story.count(told) == 2, story
    for seen in ("accepted", "I will.", "150 m away, there in 1 min", "the barber has arrived", "completed"):
        assert story.count(f"The customer sees: {seen}") == 2, story
    assert "the account is active, in JP" in story
    assert "It is open since an earlier demo" in story
    assert "All accounts add up to 0 in JPY" in story
    assert await empty.database["barbers"].count_documents({"terms.deposit.percent": {"$gt": 0}}) == 0
