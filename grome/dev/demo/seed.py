"""Writes demo data. Existing documents stay unchanged, so the next seeding completes an interrupted one."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from config.settings import Settings, SettingsError
from grome.accounts.passwords import open_hasher
from grome.accounts.repository import USERS, UserRepository
from grome.barbers.repository import COLLECTION as BARBERS
from grome.barbers.repository import BarberRepository
from grome.catalogue.repository import ServiceRepository
from grome.dev.demo.barbers import barbers_of
from grome.dev.demo.catalogue import CATALOGUE
from grome.dev.demo.cities import City, find_cities
from grome.dev.demo.people import (
    admin_account,
    barber_account,
    customer_account,
    customer_email,
)
from grome.dev.demo_accounts.models import ADMIN_EMAIL, DEMO_PASSWORD
from grome.infrastructure.container import Container

# Large, on four continents, with and without clock changes, one with a currency that has no minor unit.
DEFAULT_CITIES: Final = ("Berlin", "London", "New York City", "São Paulo", "Tokyo")
_BATCH: Final = 500  # written in one go, in a tenth of the time that the driver gives a write

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedSize:
    """The size of the demo. With the same cities and `random_seed`, a larger demo contains the smaller one."""

    cities: tuple[str, ...] = DEFAULT_CITIES
    barbers_per_city: int = 150
    customers: int = 50
    random_seed: int = 1


@dataclass(frozen=True, slots=True)
class SeedCounts:
    """Numbers of added documents, without those that existed before."""

    services: int
    customers: int
    barbers: int


async def seed_if_empty(container: Container, console: Console) -> None:
    """Seed the default demo into an empty database, or complete an interrupted seeding."""
    users = UserRepository(container.database)
    if not await _is_empty(container) and not await _was_cut_off(users):
        console.print("Demo data: nothing added, this database is in use already")
        return
    added = await seed(container, SeedSize(), console)
    cities = ", ".join(DEFAULT_CITIES)
    console.print(
        f"Demo data: added {added.barbers} barbers in {cities} and {added.customers} customers", soft_wrap=True
    )


async def seed(container: Container, size: SeedSize, console: Console) -> SeedCounts:
    """Add the missing documents of a demo of this size, with progress bars on `console`.

    Raises SettingsError in production, and Invalid for an unknown city or currency.
    """
    _refuse_production(container.settings)
    cities = find_cities(size.cities)
    users, barbers = UserRepository(container.database), BarberRepository(container.database)
    password_hash = await _demo_password_hash(container.settings)
    services = await ServiceRepository(container.database).add_many([entry.service for entry in CATALOGUE])
    with _bars(console) as bars:
        customers = await _add_customers(users, cities, size, password_hash, bars)
        added = await _add_barbers(users, barbers, cities, size, password_hash, bars)
    await users.add_many([admin_account(password_hash)])  # last, as the mark of a complete demo
    return SeedCounts(services, customers, added)


def _refuse_production(settings: Settings) -> None:
    if settings.env == "production":
        raise SettingsError(["GROME_ENV is production: demo accounts have a password that everybody knows."])


async def _is_empty(container: Container) -> bool:
    for name in (USERS.name, BARBERS.name):
        if await container.database[name].find_one({}, {"_id": 1}):
            return False
    return True


async def _was_cut_off(users: UserRepository) -> bool:
    """Return whether the first account of a seeding exists and the last does not."""
    first = await users.find_owners(customer_email(1), None)
    return bool(first) and not await users.find_owners(ADMIN_EMAIL, None)


async def _demo_password_hash(settings: Settings) -> str:
    passwords = open_hasher(settings)
    try:
        return await passwords.hash(DEMO_PASSWORD)
    finally:
        passwords.close()


async def _add_customers(
    users: UserRepository, cities: list[City], size: SeedSize, password_hash: str, bars: Progress
) -> int:
    added = 0
    bar = bars.add_task("Demo customers", total=size.customers)
    for numbers in _batches(range(1, size.customers + 1)):
        accounts = [customer_account(cities[number % len(cities)], number, password_hash) for number in numbers]
        added += await users.add_many(accounts)
        bars.advance(bar, len(accounts))
    return added


async def _add_barbers(
    users: UserRepository,
    barbers: BarberRepository,
    cities: list[City],
    size: SeedSize,
    password_hash: str,
    bars: Progress,
) -> int:
    added = 0
    bar = bars.add_task("Demo barbers", total=size.barbers_per_city * len(cities))
    for city in cities:
        for batch in _batches(barbers_of(city, size.barbers_per_city, size.random_seed)):
            accounts = [barber_account(city, number, password_hash) for number, _ in batch]
            profiles = [profile for _, profile in batch]
            _, new = await asyncio.gather(users.add_many(accounts), barbers.add_many(profiles))
            added += new
            bars.advance(bar, len(batch))
    return added


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    source = iter(items)
    while batch := list(islice(source, _BATCH)):
        yield batch


def _bars(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
    )
