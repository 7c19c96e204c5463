"""The demo that is measured on, and people signed in to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from benchmarks.bench import DEMO, Bench
from grome.accounts.models import Device
from grome.accounts.schemas import Login, Register
from grome.accounts.service import AccountService
from grome.barbers.repository import COLLECTION as BARBERS
from grome.composition import open_container
from grome.dev.demo.people import barber_email
from grome.dev.demo.seed import DEFAULT_CITIES, SeedSize, seed
from grome.dev.demo_accounts.models import DEMO_PASSWORD
from grome.infrastructure.container import Container
from grome.infrastructure.migrations import migrate
from grome.migrations import MIGRATIONS

CITIES: Final = DEFAULT_CITIES
PER_CITY: Final = 4_000  # 20,000 in all
_PASSWORD: Final = "measured with a stopwatch"  # noqa: S105 -- of accounts on this machine only


@asynccontextmanager
async def prepared(bench: Bench, database: str) -> AsyncIterator[Container]:
    """A container on a database that has had its migrations, to prepare data with."""
    container = await open_container(bench.settings(database))
    try:
        async for _ in migrate(container.database, MIGRATIONS, container.clock):
            pass
        yield container
    finally:
        await container.close()


async def lay_demo(bench: Bench) -> None:
    """The demo over its cities, unless an earlier section laid it."""
    async with prepared(bench, DEMO) as container:
        if await container.database[BARBERS.name].count_documents({}) < PER_CITY * len(CITIES):
            await seed(container, SeedSize(cities=CITIES, barbers_per_city=PER_CITY, customers=0), bench.console)


async def new_customers(bench: Bench, database: str, count: int) -> list[str]:
    """The access tokens of so many new customers, good for an hour."""
    async with prepared(bench, database) as container:
        return [await _register(container) for _ in range(count)]


async def _register(container: Container) -> str:
    people = container.database["users"]
    number = await people.count_documents({})
    wanted = Register(email=f"bench-{number}@example.com", password=_PASSWORD, name="A customer")
    return (await container.get(AccountService).register(wanted, Device())).access_token


async def new_admin(bench: Bench, database: str) -> str:
    """The access token of an admin, good for an hour."""
    async with prepared(bench, database) as container:
        await container.get(AccountService).create_admin("admin@example.com", "An admin", _PASSWORD)
        return (
            await container.get(AccountService).login(Login(email="admin@example.com", password=_PASSWORD), Device())
        ).access_token


async def demo_barbers(bench: Bench, count: int) -> list[tuple[str, str]]:
    """The ids and access tokens of so many barbers of the demo, city by city in turn."""
    async with prepared(bench, DEMO) as container:
        return [await _sign_in(container, number) for number in range(count)]


async def _sign_in(container: Container, number: int) -> tuple[str, str]:
    turn, place = divmod(number, len(CITIES))
    wanted = Login(email=barber_email(CITIES[place], turn + 1), password=DEMO_PASSWORD)
    signed_in = await container.get(AccountService).login(wanted, Device())
    return str(signed_in.user.id), signed_in.access_token
