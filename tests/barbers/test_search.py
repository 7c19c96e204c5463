"""Searches by words over HTTP, with and without a position, find the same as a scan of all barbers."""

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, pairwise
from random import Random
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grome.barbers.models import Barber
from grome.infrastructure.container import Container
from grome.scheduling.offers import OfferedService
from tests.builders.barbers import barber, catalogue_service
from tests.builders.pages import read_pages
from tests.builders.people import register
from tests.builders.world import (
    REGIONS,
    SERVICES,
    Place,
    build_barber,
    build_barbers,
    destination,
    distance_m,
    list_stored,
    location_of,
    random_location,
    store_barbers,
    stored_barbers,
)

SEARCH = "/v1/barbers"
PROFILE = {
    "name": "A chair",
    "location": {"lat": -47.5, "lng": 76.5},
    "timezone": "UTC",
    "currency": "EUR",
}
# As people write them, and the word that is meant: some begin others, and there are few, so that many match alike.
WRITTEN = {
    "Xa": "xa", "XÁ": "xa", "xab": "xab", "Xäb": "xab", "xabc": "xabc", "Xb": "xb", "XBÀ": "xba", "xbab": "xbab",
    "Xß": "xss", "xss": "xss", "xø": "xo",
}  # fmt: skip
ASKED = ["x", "xa", "XAB", "xabc", "Xá", "xb", "xba", "xs", "XSS", "xo", "xabcd"]


@pytest.fixture
def word() -> str:
    """Return a word that no barber of another test has."""
    return "q" + "".join(Random().choices(string.ascii_lowercase, k=12))  # noqa: S311 -- no secret


async def found(http: httpx.AsyncClient, q: str, **query: Any) -> list[dict[str, Any]]:
    return list(chain.from_iterable(await read_pages(http, SEARCH, {"q": q, **query})))


async def named(http: httpx.AsyncClient, q: str, **query: Any) -> list[str]:
    return [item["name"] for item in await found(http, q, **query)]


def someone(name: str, *, offers: tuple[str, ...] = (), part: str = "", place: Place = (0, 0), **more: Any) -> Barber:
    services = [OfferedService(SERVICES[number], offer, 2000, 30) for number, offer in enumerate(offers)]
    made = build_barber(place, services=services, neighbourhood=part, **more)
    return msgspec.structs.replace(made, display_name=name)


SCRIPTS = {
    "東京{}散髪屋": ["東京{}", "{}", "散髪屋", "京{}散", "屋"],
    "ヘアカット{}": ["カット", "ｶｯﾄ", "カット{}"],
    "ร้านตัดผม{}": ["ตัดผม{}", "ผม"],
    "Bar\u00adberia {}": ["barberia {}"],
    "\u0645\u062d\u0640\u0640\u0645\u062f {}": ["\u0645\u062d\u0645\u062f {}"],
    "हिन्दी {}": ["हिन्दी {}", "हिन् {}"],
}


@pytest.mark.parametrize("name", SCRIPTS)
async def test_search_finds_names_in_any_script(http: httpx.AsyncClient, word: str, name: str) -> None:
    owner = await register(http, role="barber")
    tag = "".join(chr(0x30A1 + 2 * (ord(letter) - ord("a"))) for letter in word[1:]) if "{}" in name[1:] else word
    profile = {**PROFILE, "name": name.format(tag), "location": {"lat": 35.7, "lng": 139.7}}
    assert (await http.put("/v1/barbers/me", json=profile, headers=owner.auth)).status_code == 200
    for typed in SCRIPTS[name]:
        query = f"{typed} {{}}" if "{}" not in typed else typed
        assert [one["name"] for one in await found(http, query.format(tag))] == [name.format(tag)], typed
    assert await found(http, f"{tag} ガ散") == []


async def test_search_in_a_script_without_spaces_uses_an_index(
    http: httpx.AsyncClient, container: Container, word: str
) -> None:
    await barber(http, container)
    await container.database.command("profile", 2)
    try:
        assert await found(http, f"東京散髪屋ヘアカット {word}") == []
        assert (await http.get("/v1/services", params={"q": f"ヘアカット {word}"})).json()["items"] == []
    finally:
        await container.database.command("profile", 0)
    asked = {"command.aggregate": {"$in": ["barbers", "services"]}}
    plans = await container.database["system.profile"].distinct("planSummary", asked)
    assert plans
    assert not [plan for plan in plans if "IXSCAN" not in plan]
    await container.database.drop_collection("system.profile")


async def test_search_with_more_than_ten_words_is_refused(http: httpx.AsyncClient) -> None:
    for q, status in ((" ".join("abcdefghij"), 200), (" ".join("abcdefghijk"), 422), ("東京散髪屋" * 20, 200)):
        assert (await http.get(SEARCH, params={"q": q})).status_code == status, q


async def test_search_result_equals_nearby_with_the_part_of_town(
    http: httpx.AsyncClient, container: Container, word: str
) -> None:
    shop = await barber(
        http, container, name=f"Salon {word}", neighbourhood="Mitte", location={"lat": -47.5, "lng": 76.5}
    )
    around = {"lat": -47.5, "lng": 76.51}
    (item,) = (await http.get(f"{SEARCH}/nearby", params=around)).json()["items"]
    answer = await http.get(SEARCH, params={"q": word, **around})
    assert answer.json() == {"items": [{**item, "neighbourhood": "Mitte"}], "next_cursor": None}
    assert item["distance_m"] > 700
    without = await http.get(SEARCH, params={"q": word})
    assert without.json()["items"] == [{**item, "neighbourhood": "Mitte", "distance_m": None}]
    assert (await http.delete("/v1/barbers/me", headers=shop.auth)).status_code == 204


@pytest.mark.parametrize(
    "sought",
    [
        *("josé", "JOSE", "jose", "jo", "armel", "ÄRMEL", "Ärm", "strasse", "STRAẞE", "oneill", "o'neill", "O’Neill"),  # noqa: RUF001
        *("neill", "lodz", "smørre", "smorre", "ｊｏｓé"),
        *("shave", "sha", "hot", "mit", "MITTE", "nord", "jose mitte", "mitte  sha, JO", "sha shave"),
    ],
)
async def test_search_with_matching_words_finds_the_barber(
    http: httpx.AsyncClient, container: Container, word: str, sought: str
) -> None:
    name = f"José Ärmel-Straße, O'Neill & Łódź Smørrebrød {word}"
    await store_barbers(container, [someone(name, offers=("Haircut", "Hot towel shave"), part="Mitte (Nord)")])
    assert await named(http, f"{word} {sought}") == [name]


@pytest.mark.parametrize("sought", ["ose", "have", "shaven", "itte", "hottowel", "josé none", "euro", "made up", "utc"])
async def test_search_with_other_words_finds_nothing(
    http: httpx.AsyncClient, container: Container, word: str, sought: str
) -> None:
    """Try the middle of a word, a longer word, and other stored fields of the barber."""
    await store_barbers(container, [someone(f"José {word}", offers=("Hot towel shave",), part="Mitte", bio="Made up.")])
    assert await named(http, f"{word} {sought}") == []


async def test_search_ranks_name_service_part_of_town_and_whole_words_first(
    http: httpx.AsyncClient, container: Container, word: str
) -> None:
    more = f"{word}er"
    await store_barbers(
        container,
        [
            someone("6", part=f"{more} Hill", rating=5.0),
            someone("5", part=f"Upper {word}", rating=5.0),
            someone("4", offers=("A cut", more), rating=5.0),
            someone("3 high", offers=(word,), rating=4.5, place=(0, 0.1)),
            someone("3 low", offers=(f"Best {word}",), rating=4.0),
            someone(f"2 {more}", offers=("cut",), part="Mitte"),
            someone(f"1 {word}", part="Mitte", offers=("cut",), rating=1.0, place=(0, 0.1)),
            someone(f"{word} {more} 1 low", part=word),
        ],
    )
    whole = [f"1 {word}", f"{word} {more} 1 low", f"2 {more}", "3 high", "3 low", "4", "5", "6"]
    assert await named(http, word) == whole
    assert await named(http, word.upper(), lat=0, lng=0) == [whole[number] for number in (1, 0, 2, 4, 3, 5, 6, 7)]
    # As good as its worst word: both stand in a name and a service, and one of them only begins a word.
    assert await named(http, f"cut {word}") == [f"1 {word}", f"2 {more}", "4"]


async def test_search_sorts_equal_matches_by_rating_and_id(
    http: httpx.AsyncClient, container: Container, word: str
) -> None:
    made = [someone(word, rating=rating) for rating in (0.0, 5.0, 3.5, 5.0, 0.0)]
    await store_barbers(container, made)
    best = sorted(made, key=lambda one: (-one.rating, one.id))
    assert [item["id"] for item in await found(http, word)] == [str(one.id) for one in best]


async def test_search_around_a_point_sorts_by_distance_within_the_radius(
    http: httpx.AsyncClient, container: Container, word: str
) -> None:
    here = (-47.0, 75.0)
    for kilometres in (45, 19, 21, 3, 0):
        await store_barbers(
            container, [someone(f"{kilometres} {word}", place=destination(here, kilometres * 1000, kilometres))]
        )
    where = {"lat": here[0], "lng": here[1]}
    assert await named(http, word, **where) == [f"{kilometres} {word}" for kilometres in (0, 3, 19)]
    assert await named(http, word, **where, radius_km=50) == [f"{one} {word}" for one in (0, 3, 19, 21, 45)]
    assert len(await named(http, word)) == 5


async def test_search_finds_new_texts_and_not_the_old(http: httpx.AsyncClient, container: Container, word: str) -> None:
    """Fields that are not written keep their words."""
    old, new, cut = f"{word}old", f"{word}new", f"{word}cut"
    person = await register(http, role="barber")
    offer = {"service_id": await catalogue_service(container, name=cut), "price": 1, "duration_min": 30}

    async def write(path: str, wanted: dict[str, Any]) -> None:
        response = await http.put(f"{SEARCH}/me{path}", json=wanted, headers=person.auth)
        assert response.is_success, response.text
        assert "words" not in response.json()

    await write("", {**PROFILE, "name": old, "neighbourhood": f"{old}town"})
    assert await named(http, f"{old} {old}town") == [old]
    assert await named(http, cut) == []
    await write("/services", {"services": [offer]})
    assert await named(http, f"{old} {cut}") == [old]
    await write("", {**PROFILE, "name": new})
    assert await named(http, f"{new} {cut}") == [new]
    assert await named(http, old) == []
    await write("/services", {"services": []})
    assert await named(http, cut) == []
    assert (await http.delete(f"{SEARCH}/me", headers=person.auth)).status_code == 204
    assert await named(http, new) == []


async def test_search_words_are_in_no_response(http: httpx.AsyncClient, container: Container, word: str) -> None:
    shop = await barber(http, container, name=word)
    for answer in (
        await http.get(SEARCH, params={"q": word}),
        await http.get(f"{SEARCH}/{shop.id}"),
        await http.get(f"{SEARCH}/me", headers=shop.auth),
    ):
        assert word in answer.text
        assert '"words"' not in answer.text


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"q": None}, "q"),
        ({"q": ""}, "q"),
        ({"q": "  "}, "q"),
        ({"q": "-&'🪒"}, "q"),
        ({"q": "a" * 101}, "q"),
        ({"q": "a b c d e f g h i j k"}, "q"),
        ({"lat": "52.5"}, "lng"),
        ({"lng": "13.4"}, "lat"),
        ({"radius_km": "5"}, "radius_km"),
        ({"lat": "52.5", "radius_km": "5"}, "lng"),
        ({"lat": "91", "lng": "0"}, "lat"),
        ({"lat": "0", "lng": "nan"}, "lng"),
        ({"lat": "0", "lng": "0", "radius_km": "50.1"}, "radius_km"),
        ({"lat": "0", "lng": "0", "radius_km": "0"}, "radius_km"),
        ({"limit": "0"}, "limit"),
        ({"sort": "rating"}, "sort"),
        ({"cursor": "x"}, "cursor"),
    ],
)
async def test_search_with_an_invalid_value_names_the_field(
    http: httpx.AsyncClient, wrong: dict[str, str | None], field: str
) -> None:
    query = {name: value for name, value in {"q": "cut", **wrong}.items() if value is not None}
    response = await http.get(SEARCH, params=query)
    assert (response.status_code, response.json()["code"]) == (422, "invalid")
    assert [fault["field"] for fault in response.json()["errors"]] == [field]


async def test_search_cursor_of_another_order_is_refused(
    http: httpx.AsyncClient, container: Container, word: str
) -> None:
    await store_barbers(container, [someone(word), someone(word)])
    queries = [{"q": word, "limit": 1}, {"q": word, "limit": 1, "lat": 0, "lng": 0}]
    cursors = [(await http.get(SEARCH, params=query)).json()["next_cursor"] for query in queries]
    for query, cursor in zip(queries, reversed(cursors), strict=True):
        response = await http.get(SEARCH, params={**query, "cursor": cursor})
        assert [fault["field"] for fault in response.json()["errors"]] == ["cursor"]


@dataclass(frozen=True)
class Search:
    """Holds a query and its meaning for a scan."""

    q: str
    place: Place | None
    radius_km: float

    @property
    def query(self) -> dict[str, Any]:
        if self.place is None:
            return {"q": self.q}
        return {"q": self.q, "lat": self.place[0], "lng": self.place[1], "radius_km": self.radius_km}

    def rank(self, one: Barber) -> int | None:
        """Return None if the barber does not match."""
        fields = [one.display_name, " ".join(offer.name for offer in one.services), one.neighbourhood]
        standing = [plain(text) for text in fields]
        ranks = [
            [2 * place + (word not in standing[place]) for place in range(3) if begins_in(word, standing[place])]
            for word in plain(self.q)
        ]
        return max(map(min, ranks)) if all(ranks) else None

    def distance_m(self, one: Barber) -> float:
        return distance_m(self.place, location_of(one)) if self.place else 0.0


def plain(text: str) -> list[str]:
    """Normalise the few texts that these tests write."""
    written = re.split(r"[\s,-]+", text)
    return [WRITTEN.get(word, word.lower().replace("á", "a")) for word in written if word]


def begins_in(word: str, words: list[str]) -> bool:
    return any(other.startswith(word) for other in words)


def wordy(one: Barber, chance: Random) -> Barber:
    def text(longest: int) -> str:
        return chance.choice([" ", "-", ", "]).join(chance.choices(list(WRITTEN), k=chance.randint(0, longest)))

    services = [msgspec.structs.replace(offer, name=text(2)) for offer in one.services]
    return msgspec.structs.replace(one, display_name=text(3), neighbourhood=text(1), services=services)


def any_limits(chance: Random) -> Iterator[int]:
    while True:
        yield chance.randint(1, 12)


def check(search: Search, everybody: dict[str, Barber], items: list[dict[str, Any]]) -> None:
    ids = [item["id"] for item in items]
    ranks = {one_id: rank for one_id, one in everybody.items() if (rank := search.rank(one)) is not None}
    if search.place is None:
        order = sorted(ranks, key=lambda one_id: (ranks[one_id], -everybody[one_id].rating, one_id))
        assert ids == order
        return
    metres = {one_id: search.distance_m(everybody[one_id]) for one_id in ranks}
    edge = search.radius_km * 1000
    assert len(set(ids)) == len(ids)
    assert {one_id for one_id in ranks if metres[one_id] < edge - 0.01} <= set(ids)
    assert set(ids) <= {one_id for one_id in ranks if metres[one_id] < edge + 0.01}
    assert all(abs(item["distance_m"] - metres[item["id"]]) <= 0.06 for item in items)
    for one, other in pairwise(ids):
        assert ranks[one] <= ranks[other]
        if ranks[one] == ranks[other]:
            assert metres[one] <= metres[other] + 0.001
            assert location_of(everybody[one]) != location_of(everybody[other]) or one < other


@settings(max_examples=25)
@given(region=st.sampled_from(REGIONS), size=st.integers(0, 40), dice=st.integers(0, 2**32))
async def test_search_finds_the_same_as_a_scan(
    http: httpx.AsyncClient, container: Container, region: Place, size: int, dice: int
) -> None:
    chance = Random(dice)  # noqa: S311 -- reproducible, and no secret
    async with stored_barbers(container, [wordy(one, chance) for one in build_barbers(region, size, chance)]):
        everybody = await list_stored(container)
        for _ in range(6):
            asked = " ".join(chance.choices(ASKED, k=chance.choice([1, 1, 2, 3])))
            place = chance.choice([None, region, random_location(region, chance)])
            search = Search(asked, place, chance.choice([50, 20, 5]))
            pages = await read_pages(http, SEARCH, search.query, limits=any_limits(chance))
            check(search, everybody, list(chain.from_iterable(pages)))
