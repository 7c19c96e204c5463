"""Deterministic ids, random generators and dates, so that every seeding writes the same documents."""

from datetime import UTC, datetime
from random import Random
from typing import Final
from uuid import NAMESPACE_DNS, UUID, uuid5

from grome.dev.demo_accounts.models import DOMAIN

CREATED_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
_IDS: Final = uuid5(NAMESPACE_DNS, DOMAIN)


def demo_id(name: str) -> UUID:
    """Derive an id from `name` alone: with another random seed the same barber keeps its id."""
    return uuid5(_IDS, name)


def seeded_random(random_seed: int, name: str) -> Random:
    """Return a generator for `name` alone, so that a larger demo contains the smaller demo unchanged."""
    return Random(f"{random_seed}/{name}")  # noqa: S311 -- reproducible on purpose, and guards nothing
