"""Real cities with their coordinates, time zones and currencies, from GeoNames (`cities.csv` names the licence)."""

import csv
import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from grome.common.errors import Invalid

_TABLE: Final = Path(__file__).with_name("cities.csv")


@dataclass(frozen=True, slots=True)
class City:
    """A city as GeoNames has it; `currency` is its country's, in ISO 4217."""

    name: str
    latitude: float
    longitude: float
    timezone: str
    population: int
    currency: str


def find_cities(names: Sequence[str]) -> list[City]:
    """Find the city of each name, without regard to case and accents; each city is returned once.

    Some cities have a second name, e.g. Vienna is also found as Wien. Raises Invalid with all names that match no city.
    """
    known = _load_cities()
    found = {name: known.get(slug(name)) for name in names}
    if wrong := [name for name, city in found.items() if city is None]:
        raise Invalid("city", "; ".join(map(_sentence, wrong)))
    return list(dict.fromkeys(city for city in found.values() if city))


def slug(name: str) -> str:
    """'São Paulo' as 'sao-paulo', for addresses."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub("[^a-z0-9]+", "-", plain.lower()).strip("-")


@cache
def _load_cities() -> dict[str, City]:
    """Map the slugs of all names to cities. A city's own name wins over a second name."""
    with _TABLE.open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(line for line in table if not line.startswith("#")))
    return {slug(row[column]): _city(row) for column in ("other_name", "name") for row in rows if row[column]}


def _city(row: dict[str, str]) -> City:
    return City(
        name=row["name"],
        latitude=float(row["latitude"]),
        longitude=float(row["longitude"]),
        timezone=row["timezone"],
        population=int(row["population"]),
        currency=row["currency"],
    )


def _sentence(name: str) -> str:
    near = difflib.get_close_matches(slug(name), _load_cities(), n=1, cutoff=0.75)
    hint = f", did you mean {_load_cities()[near[0]].name}?" if near else f"; the cities are in {_TABLE.name}"
    return f"the demo has no city {name!r}{hint}"
