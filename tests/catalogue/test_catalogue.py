"""Admins extend the catalogue over HTTP; everyone lists it by name and searches it by words."""

import asyncio
import random
import string
from collections import Counter
from itertools import repeat
from typing import Any
from uuid import uuid4

import httpx
import pytest

from grome.common.search_words import sort_key
from grome.infrastructure.container import Container
from grome.migrations import m0005_bounds
from tests.builders.barbers import barber
from tests.builders.pages import read_pages
from tests.builders.people import Person, create_admin, register

SERVICES = "/v1/services"


@pytest.fixture
async def boss(http: httpx.AsyncClient, container: Container) -> Person:
    return await create_admin(http, container)


@pytest.fixture
def word() -> str:
    """Return a word that no service of another test has, and that no stemming shortens."""
    return "x" + "".join(random.choices(string.ascii_lowercase, k=10)) + "k"  # noqa: S311 -- no secret


async def add(http: httpx.AsyncClient, boss: Person, name: str, **changed: Any) -> dict[str, Any]:
    response = await http.post(SERVICES, json={"name": name, "category": "hair", **changed}, headers=boss.auth)
    assert response.status_code == 201, response.text
    service: dict[str, Any] = response.json()
    return service


async def names(http: httpx.AsyncClient, limit: int = 100, **query: str) -> list[list[str]]:
    """Return the names on each page."""
    pages = await read_pages(http, SERVICES, query, limits=repeat(limit))
    return [[service["name"] for service in page] for page in pages]


async def search(http: httpx.AsyncClient, words: str, **query: str) -> list[str]:
    (found,) = await names(http, 100, q=words, **query)
    return found


async def test_service_is_read_as_created(http: httpx.AsyncClient, boss: Person, word: str) -> None:
    made = await add(
        http,
        boss,
        word,
        category="beard",
        description="Hot towel.\nSharp knife.",
        translations={"de": {"name": "Rasur"}, "pt-BR": {"name": "Barba", "description": "Toalha quente."}},
    )
    assert made == {
        "id": made["id"],
        "name": word,
        "category": "beard",
        "description": "Hot towel.\nSharp knife.",
        "translations": {
            "de": {"name": "Rasur", "description": ""},
            "pt-BR": {"name": "Barba", "description": "Toalha quente."},
        },
    }
    assert (await http.get(f"{SERVICES}/{made['id']}")).json() == made
    assert (await http.get(f"{SERVICES}/{uuid4()}")).status_code == 404


async def test_service_creation_is_for_admins_only(http: httpx.AsyncClient, container: Container, word: str) -> None:
    wanted = {"name": word, "category": "hair"}
    assert (await http.post(SERVICES, json=wanted)).status_code == 401
    for person in (await register(http), (await barber(http, container)).person):
        response = await http.post(SERVICES, json=wanted, headers=person.auth)
        assert (response.status_code, response.json()["code"]) == (403, "forbidden")
    assert await search(http, word) == []


async def test_service_with_an_existing_name_is_refused(http: httpx.AsyncClient, boss: Person, word: str) -> None:
    wanted = {"name": word, "category": "hair"}
    answers = await asyncio.gather(*(http.post(SERVICES, json=wanted, headers=boss.auth) for _ in range(10)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 9}
    refused = next(answer.json() for answer in answers if answer.status_code == 409)
    assert (refused["code"], refused["errors"][0]["field"]) == ("service_exists", "name")
    assert await search(http, word) == [word]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a" * 81}, "name"),
        ({"name": "Cut\n"}, "name"),
        ({"category": "\x00"}, "category"),
        ({"description": "a" * 1001}, "description"),
        ({"description": "\x07"}, "description"),
        ({"price": 1}, "price"),
        ({"translations": {"de\n": {"name": "Schnitt"}}}, "translations"),
        ({"translations": {"de": {"nam": "Schnitt"}}}, "translations"),
    ],
)
async def test_invalid_service_names_the_field(
    http: httpx.AsyncClient, boss: Person, word: str, wrong: dict[str, Any], field: str
) -> None:
    response = await http.post(SERVICES, json={"name": word, "category": "hair", **wrong}, headers=boss.auth)
    assert (response.status_code, response.json()["code"]) == (422, "invalid")
    assert response.json()["errors"][0]["field"].startswith(field)


async def test_category_is_listed_by_name_in_pages(http: httpx.AsyncClient, boss: Person, word: str) -> None:
    made = [f"{word} {number:02}" for number in range(7)]
    for name in random.sample(made, k=len(made)):
        await add(http, boss, name, category=word)
    await add(http, boss, f"{word} elsewhere")
    assert await names(http, category=word, limit=3) == [made[:3], made[3:6], made[6:]]
    assert await names(http, category=word, limit=7) == [made]
    assert await names(http, category=f"{word} unknown") == [[]]


async def test_whole_list_is_sorted_and_complete(http: httpx.AsyncClient, container: Container) -> None:
    listed = [name for page in await names(http) for name in page]
    assert listed == sorted(listed, key=lambda name: (sort_key(name), name.encode()))
    assert len(listed) == await container.database["services"].count_documents({})


@pytest.mark.parametrize("limit", [1, 3, 50])
async def test_names_are_sorted_without_case_and_accents_in_pages(
    http: httpx.AsyncClient, boss: Person, word: str, limit: int
) -> None:
    """Neither the list nor equal matches of a search depend on case and accents."""
    ordered = ["apfel", "Äpfel", "Birne", "birnen", "École", "Œuf", "Øl", "STRASSE 1", "Straße 2", "zopf"]
    made = [f"{name} {word}" for name in ordered]
    for name in random.sample(made, k=len(made)):
        await add(http, boss, name, category=word)
    pages = [made[first : first + limit] for first in range(0, len(made), limit)]
    assert await names(http, category=word, limit=limit) == pages
    assert await names(http, q=word, limit=limit) == pages


async def test_service_of_the_previous_release_is_listed_and_gets_a_key(
    http: httpx.AsyncClient, container: Container, boss: Person, word: str
) -> None:
    made = [(await add(http, boss, f"{name} {word}", category=word))["name"] for name in ("aa", "bb", "cc")]
    services = container.database["services"]
    await services.update_one({"name": made[1]}, {"$unset": {"name_key": ""}})
    assert sorted(await search(http, word)) == made
    assert await names(http, category=word, limit=1) == [[name] for name in made]
    await services.update_one({"name": made[1]}, {"$unset": {"name_key": ""}})
    await m0005_bounds.up(container.database)
    assert await services.count_documents({"name_key": {"$exists": False}}) == 0


async def test_search_finds_words_in_all_fields_best_match_first(
    http: httpx.AsyncClient, boss: Person, word: str
) -> None:
    await add(http, boss, f"A {word[:4]}", description=f"With {word}.")
    await add(http, boss, f"B {word[:4]}", category=word)
    await add(http, boss, f"C {word}")
    await add(http, boss, f"D {word[:4]}", description="Without.")
    found = [f"C {word}", f"B {word[:4]}", f"A {word[:4]}"]
    assert await search(http, word) == found
    assert await search(http, word.upper()) == found
    assert await search(http, word, category="hair") == [found[0], found[2]]
    assert await search(http, f"{word}none") == []


async def test_search_finds_beginnings_after_whole_words(http: httpx.AsyncClient, boss: Person, word: str) -> None:
    await add(http, boss, "A", description=f"Like {word}s.")
    await add(http, boss, "B", category=f"{word}s")
    await add(http, boss, f"C {word}s")
    await add(http, boss, f"D {word}")
    assert await search(http, word) == [f"D {word}", f"C {word}s", "B", "A"]
    assert await search(http, word[:-2]) == [f"C {word}s", f"D {word}", "B", "A"]
    assert await search(http, word[1:]) == []


async def test_search_requires_all_words_in_any_field(http: httpx.AsyncClient, boss: Person, word: str) -> None:
    await add(http, boss, f"{word} Hot towel shave", category="beard")
    await add(http, boss, f"{word} Beard trim", category="beard", description="Without a towel.")
    assert await search(http, f"{word} beard TOWEL") == [f"{word} Hot towel shave", f"{word} Beard trim"]
    assert await search(http, f"{word} sha, beard") == [f"{word} Hot towel shave"]
    assert await search(http, f"{word} towel colour") == []


async def test_search_finds_translations_without_accents(http: httpx.AsyncClient, boss: Person, word: str) -> None:
    texts = {"fr": {"name": f"Dégradé {word}"}, "de": {"name": "Übergang", "description": "Fließend."}}
    await add(http, boss, f"{word} fade", translations=texts)
    for words in ("degrade", "DÉGRADÉ", "uber", "fliessend", "fade übergang"):
        assert await search(http, f"{word} {words}") == [f"{word} fade"], words
    assert '"words"' not in (await http.get(SERVICES, params={"q": word})).text


async def test_search_results_come_in_pages(http: httpx.AsyncClient, boss: Person, word: str) -> None:
    for number in range(9):  # three scores, three entries each
        texts = [{}, {"category": word}, {"description": word}][number % 3]
        name = f"{number} {word}" if number % 3 == 0 else f"{number} {word[:5]}"
        await add(http, boss, name, **texts)
    whole = await search(http, word)
    assert [int(name[0]) % 3 for name in whole] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    for limit in (1, 2, 4, 9):
        pages = await names(http, q=word, limit=limit)
        assert [name for page in pages for name in page] == whole


@pytest.mark.parametrize(
    "query", [{"cursor": "x"}, {"q": "cut", "cursor": "x"}, {"category": ""}, {"q": ""}, {"limit": 0}]
)
async def test_invalid_query_is_refused(http: httpx.AsyncClient, query: dict[str, Any]) -> None:
    response = await http.get(SERVICES, params=query)
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, list(query)[-1])


async def test_search_with_a_cursor_of_the_list_is_refused(http: httpx.AsyncClient, boss: Person, word: str) -> None:
    for number in range(2):
        await add(http, boss, f"{word} {number}", category=word)
    cursor = (await http.get(SERVICES, params={"category": word, "limit": 1})).json()["next_cursor"]
    response = await http.get(SERVICES, params={"q": word, "cursor": cursor})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "cursor")


@pytest.mark.parametrize("words", ['"', '"never closed', "-", "-cut", "$where", "{}", "  ", "🪒", "a" * 100])
async def test_search_with_any_text_succeeds(http: httpx.AsyncClient, words: str) -> None:
    assert (await http.get(SERVICES, params={"q": words})).status_code == 200
