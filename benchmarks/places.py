"""Where is asked, over the cities of the demo."""

from random import Random
from typing import Final

from grome.dev.demo.cities import find_cities
from grome.dev.demo.seed import DEFAULT_CITIES

Place = tuple[float, float]  # latitude, longitude
AROUND_DEG: Final = 0.06
SPOTS: Final = 35


def city_centres() -> list[Place]:
    return [(city.latitude, city.longitude) for city in find_cities(DEFAULT_CITIES)]


def hot_spots() -> list[Place]:
    """Some dozens of fixed points, as stations and squares are; no two within the same hundred metres."""
    return uniform(SPOTS, "hot spots", city_centres(), AROUND_DEG)


def uniform(count: int, dice: str, centres: list[Place], around_deg: float) -> list[Place]:
    """Points anywhere around the centres; other `dice`, other points. Equally thick per degree, to about 0.1 m."""
    rng = Random(dice)  # noqa: S311 -- reproducible on purpose
    return [
        (round(lat + rng.uniform(-around_deg, around_deg), 6), round(lng + rng.uniform(-around_deg, around_deg), 6))
        for lat, lng in rng.choices(centres, k=count)
    ]


def query(place: Place, limit: int | None) -> str:
    """The query string of a nearby request; without a limit the default of 20 holds."""
    lat, lng = place
    return f"lat={lat}&lng={lng}" + (f"&limit={limit}" if limit else "")
