"""What makes demo documents the same at every seeding: ids and dice that follow from names, and one date."""

from datetime import UTC, datetime
from random import Random
from typing import Final
from uuid import NAMESPACE_DNS, UUID, uuid5

DOMAIN: Final = "demo.grome.example"  # RFC 2606 keeps .example free, so no mail ever reaches anybody
CREATED_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
_IDS: Final = uuid5(NAMESPACE_DNS, DOMAIN)


def demo_id(name: str) -> UUID:
    """The id of what a demo calls `name`. Random seeds do not enter: the same barber never comes under two ids."""
    return uuid5(_IDS, name)


def seeded_random(random_seed: int, name: str) -> Random:
    """Dice for `name` alone, so that a larger demo holds the smaller one unchanged."""
    return Random(f"{random_seed}/{name}")  # noqa: S311 -- reproducible on purpose, and guards nothing
