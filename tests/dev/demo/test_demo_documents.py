"""The demo data is deterministic, valid for the API, and at the stated places."""

import math
from itertools import islice
from pathlib import Path
from zoneinfo import available_timezones

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grome.accounts.schemas import Register
from grome.barbers.models import Barber
from grome.barbers.schemas import OffersIn, ProfileIn
from grome.catalogue.schemas import ServiceIn
from grome.common.errors import Invalid
from grome.common.geo import to_lat_lng
from grome.dev.demo.barbers import barbers_of
from grome.dev.demo.catalogue import CATALOGUE
from grome.dev.demo.cities import City, find_cities
from grome.dev.demo.people import barber_account, demo_email_of
from grome.dev.demo.places import KM_PER_DEGREE, reach_km
from grome.dev.demo.prices import HAIRCUT, format_price, price_of
from grome.dev.demo.seed import DEFAULT_CITIES
from grome.dev.demo_accounts.models import DEMO_PASSWORD
from grome.infrastructure.mongo.client import from_document, to_document
from grome.scheduling.models import validation_errors

CITIES = find_cities(DEFAULT_CITIES)
CITY_TABLE = Path("grome/dev/demo/cities.csv")
BERLIN, *_, TOKYO = CITIES
cities = pytest.mark.parametrize("city", CITIES, ids=lambda city: city.name)


def made(city: City, count: int, random_seed: int = 1) -> list[Barber]:
    return [barber for _, barber in barbers_of(city, count, random_seed)]


def km_from_centre(barber: Barber, city: City) -> float:
    place = to_lat_lng(barber.location)
    north = (place.lat - city.latitude) * KM_PER_DEGREE
    east = (place.lng - city.longitude) * KM_PER_DEGREE * math.cos(math.radians(city.latitude))
    return math.hypot(north, east)


def test_demo_barbers_depend_on_the_seed_and_their_ids_do_not() -> None:
    assert made(BERLIN, 30) == made(BERLIN, 30)
    others = made(BERLIN, 30, random_seed=2)
    assert [barber.id for barber in others] == [barber.id for barber in made(BERLIN, 30)]
    assert all(one.location != other.location for one, other in zip(made(BERLIN, 30), others, strict=True))


def test_larger_demo_begins_with_the_barbers_of_a_smaller_demo() -> None:
    assert made(TOKYO, 40)[:10] == made(TOKYO, 10)


@given(st.integers(), st.sampled_from(CITIES), st.integers(1, 8))
def test_demo_barber_is_valid_for_the_api(random_seed: int, city: City, number: int) -> None:
    (barber,) = islice((barber for _, barber in barbers_of(city, number, random_seed)), number - 1, number)
    profile = ProfileIn(barber.display_name, to_lat_lng(barber.location), barber.timezone, barber.currency, barber.bio)
    offers = [{"service_id": o.service_id, "price": o.price, "duration_min": o.duration_min} for o in barber.services]
    assert from_document(to_document(barber), Barber) == barber
    assert msgspec.convert(msgspec.to_builtins(profile), ProfileIn) == profile
    assert len(msgspec.convert({"services": offers}, OffersIn).services) == len({o.service_id for o in barber.services})
    assert 2 <= len(offers) <= 6
    assert validation_errors(barber.availability) == []
    assert (barber.rating, barber.reviews_count) == (0, 0)


@cities
def test_demo_barbers_are_inside_their_city_and_densest_at_its_centre(city: City) -> None:
    distances = [km_from_centre(barber, city) for barber in made(city, 300)]
    within = {km: sum(distance < km for distance in distances) for km in (1, 2, 4)}
    assert max(distances) < 2 * reach_km(city)
    assert within[1] >= 10
    # Rings of 1, 3 and 12 times the same area.
    assert within[1] > (within[2] - within[1]) / 3 > (within[4] - within[2]) / 12


def test_demo_barbers_have_the_timezone_and_currency_of_their_city() -> None:
    known = {city.name: (city.timezone, city.currency) for city in CITIES}
    assert known == {
        "Berlin": ("Europe/Berlin", "EUR"),
        "London": ("Europe/London", "GBP"),
        "New York City": ("America/New_York", "USD"),
        "São Paulo": ("America/Sao_Paulo", "BRL"),
        "Tokyo": ("Asia/Tokyo", "JPY"),
    }
    for city in CITIES:
        assert {(barber.timezone, barber.currency) for barber in made(city, 5)} == {known[city.name]}


def test_demo_city_has_every_kind_of_week_and_rule() -> None:
    barbers = made(BERLIN, 150)
    fridays = [barber.availability.friday for barber in barbers]
    assert 30 < sum(not barber.availability.monday.is_available for barber in barbers) < 80
    assert 70 < sum(barber.is_online for barber in barbers) < 130
    assert {barber.rules.auto_accept for barber in barbers} == {True, False}
    assert all(friday.is_available and friday.breaks for friday in fridays)
    assert any(friday.minutes[1] > 24 * 60 for friday in fridays)
    assert any(friday.start_time >= "11:00" and friday.end_time > "20:00" for friday in fridays)


@pytest.mark.parametrize(
    ("name", "found"),
    [("new york", "New York City"), ("York", "York"), ("Wien", "Vienna"), ("sao PAULO", "São Paulo"), ("Bern", "Bern")],
)
def test_city_is_found_by_each_of_its_names_without_case_and_accents(name: str, found: str) -> None:
    assert [city.name for city in find_cities([name])] == [found]


def test_city_given_by_two_names_is_found_once() -> None:
    assert [city.name for city in find_cities(["Vienna", "Wien", "Tokyo"])] == ["Vienna", "Tokyo"]


def test_unknown_city_names_are_refused_together_with_the_nearest_name() -> None:
    with pytest.raises(Invalid, match=r"'Grometown'; .*'Berlim', did you mean Berlin\?"):
        find_cities(["Grometown", "Berlin", "Berlim"])


def test_every_city_has_prices_a_known_timezone_and_a_name_of_its_own() -> None:
    note, _, table = CITY_TABLE.read_text(encoding="utf-8").partition("name,")
    names = [line.partition(",")[0] for line in table.splitlines()[1:]]
    assert "Attribution 4.0" in note
    every = find_cities(names)
    assert [city.name for city in every] == names
    assert {city.currency for city in every} == HAIRCUT.keys()
    assert {city.timezone for city in every} <= available_timezones()


@cities
def test_demo_barber_email_follows_from_the_display_name(city: City) -> None:
    for number, barber in barbers_of(city, 3, 1):
        account = barber_account(city, number, "hash")
        assert demo_email_of(barber.display_name) == account.email
        assert account.id == barber.id
        wish = {"email": account.email, "password": DEMO_PASSWORD, "name": account.name, "role": "barber"}
        assert msgspec.convert(wish, Register).email == account.email


def test_demo_email_of_an_unknown_display_name_is_none() -> None:
    assert demo_email_of("Barber at the corner, Berlin") is None


def test_demo_catalogue_has_fifteen_services_in_six_languages() -> None:
    taken = [
        msgspec.convert({name: fields[name] for name in ServiceIn.__struct_fields__}, ServiceIn)
        for fields in (msgspec.to_builtins(entry.service) for entry in CATALOGUE)
    ]
    assert len({service.name for service in taken}) == 15
    assert all(set(service.translations) == {"de", "es", "fr", "pt", "ja"} for service in taken)
    assert all(text.description for service in taken for text in service.translations.values())


@given(st.sampled_from(sorted(HAIRCUT)), st.floats(0.1, 7))
def test_demo_prices_are_round_and_positive(currency: str, haircuts: float) -> None:
    price = price_of(currency, haircuts)
    step = price_of(currency, 0)
    assert price >= step > 0
    assert price % step == 0
    assert abs(price - HAIRCUT[currency] * haircuts) <= step


@pytest.mark.parametrize(
    ("amount", "currency", "words"), [(2850, "EUR", "28.50 EUR"), (4200, "JPY", "4200 JPY"), (4250, "KWD", "4.250 KWD")]
)
def test_demo_price_is_formatted_with_the_minor_digits_of_its_currency(amount: int, currency: str, words: str) -> None:
    assert format_price(amount, currency) == words
