"""Demo barbers as pure values: the same city, number and random seed give the same barber."""

from collections.abc import Iterator
from random import Random

from grome.barbers.models import Barber
from grome.common.geo import GeoPoint
from grome.dev.demo.catalogue import HAIRCUT, SPECIALITIES, Entry
from grome.dev.demo.cities import City
from grome.dev.demo.deterministic import CREATED_AT, seeded_random
from grome.dev.demo.hours import working_week
from grome.dev.demo.people import barber_email, barber_id, barber_name
from grome.dev.demo.places import part_of_town, quarters_of, random_location
from grome.dev.demo.prices import price_level, price_of
from grome.scheduling.models import BookingRules
from grome.scheduling.offers import OfferedService


def barbers_of(city: City, count: int, random_seed: int) -> Iterator[tuple[int, Barber]]:
    """Barbers 1 to `count` of a city with their numbers, one at a time, so that memory holds any count."""
    quarters = quarters_of(city, seeded_random(random_seed, city.name))
    for number in range(1, count + 1):
        rng = seeded_random(random_seed, barber_email(city.name, number))
        yield number, _barber(city, number, random_location(city, quarters, rng), rng)


def _barber(city: City, number: int, location: GeoPoint, rng: Random) -> Barber:
    return Barber(
        id=barber_id(city, number),
        display_name=barber_name(city.name, number),
        bio=f"A demo barber in {city.name}: place, hours and prices are made up.",
        neighbourhood=part_of_town(city, location),
        location=location,
        timezone=city.timezone,
        currency=city.currency,
        services=_offers(city.currency, rng),
        is_online=rng.random() < 2 / 3,
        availability=working_week(rng),
        rules=_rules(rng),
        service_radius_km=rng.choice((0.0, 0.0, 0.0, 5.0, 10.0)),
        created_at=CREATED_AT,
        updated_at=CREATED_AT,
    )


def _offers(currency: str, rng: Random) -> list[OfferedService]:
    """Two to six services at one shop's level of prices, a plain haircut always among them."""
    entries = [HAIRCUT, *rng.sample(SPECIALITIES, rng.randint(1, 5))]
    level = price_level(rng)
    return [_offer(entry, price_of(currency, entry.haircuts * level), rng) for entry in entries]


def _offer(entry: Entry, price: int, rng: Random) -> OfferedService:
    duration = entry.minutes + rng.choice((0, 0, 5, 10))
    return OfferedService(entry.service.id, entry.service.name, price, duration)


def _rules(rng: Random) -> BookingRules:
    return BookingRules(
        slot_step_min=rng.choice((10, 15, 15, 20, 30)),
        min_notice_min=rng.choice((0, 30, 60, 120, 24 * 60)),
        horizon_days=rng.choice((14, 30, 60, 90)),
        buffer_before_min=rng.choice((0, 0, 0, 5)),
        buffer_after_min=rng.choice((0, 0, 5, 10)),
        auto_accept=rng.random() < 0.4,  # noqa: PLR2004 -- the share, as the others stand here
    )
