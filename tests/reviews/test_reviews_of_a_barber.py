"""The public list of a barber's reviews."""

from base64 import b64decode
from typing import Any
from uuid import uuid4

import httpx
import pytest

from grome.infrastructure.container import Container
from grome.infrastructure.mongo.client import Database
from grome.reviews.models import public_name
from tests.builders.people import Person, create_admin, register
from tests.builders.reviews import (
    CompletedVisit,
    complete_visit,
    copy_visit,
    create_review,
    edit_review,
    list_reviews,
    put_answer,
    remove_review,
)

GIVEN = (3, 5, 1, 5, 3, 4, 1, 5)


@pytest.fixture
async def visits(http: httpx.AsyncClient, container: Container) -> list[CompletedVisit]:
    """Return visits that were reviewed in sequence, with the ratings in `GIVEN`."""
    first = await complete_visit(http, container)
    visits = [first, *await copy_visit(container, first, [first.customer] * (len(GIVEN) - 1))]
    for number, (visit, rating) in enumerate(zip(visits, GIVEN, strict=True)):
        await create_review(http, visit, rating, f"Number {number}.")
    return visits


async def walk(http: httpx.AsyncClient, barber_id: str, limit: int, **query: Any) -> list[int]:
    """Return the numbers of all reviews, read in pages."""
    found: list[int] = []
    while True:
        page = await list_reviews(http, barber_id, limit=limit, **query)
        found += [int(one["text"].removeprefix("Number ").removesuffix(".")) for one in page["items"]]
        assert len(page["items"]) == limit or page["next_cursor"] is None
        if page["next_cursor"] is None:
            return found
        query["cursor"] = page["next_cursor"]


ORDERS = {
    "newest": [7, 6, 5, 4, 3, 2, 1, 0],
    "best": [7, 3, 1, 5, 4, 0, 6, 2],
    "worst": [6, 2, 4, 0, 5, 7, 3, 1],
}


@pytest.mark.parametrize("sort", ORDERS)
async def test_review_list_sorts_and_filters(http: httpx.AsyncClient, visits: list[CompletedVisit], sort: str) -> None:
    barber_id = visits[0].shop.id
    for limit in (3, 8, 100):
        assert await walk(http, barber_id, limit, sort=sort) == ORDERS[sort]
    for rating in range(1, 6):
        wanted = [number for number in ORDERS[sort] if GIVEN[number] == rating]
        assert await walk(http, barber_id, 2, sort=sort, rating=rating) == wanted


async def test_review_summary_ignores_filters(http: httpx.AsyncClient, visits: list[CompletedVisit]) -> None:
    barber_id = visits[0].shop.id
    stars = {"one": 2, "two": 0, "three": 2, "four": 1, "five": 3}
    summary = {"rating": sum(GIVEN) / len(GIVEN), "reviews_count": len(GIVEN), "stars": stars}
    assert (await list_reviews(http, barber_id))["summary"] == summary
    assert (await list_reviews(http, barber_id, rating=2)) == {"summary": summary, "items": [], "next_cursor": None}
    await edit_review(http, visits[2], 2, "Number 2.")
    await remove_review(http, visits[1])
    stars = {"one": 1, "two": 1, "three": 2, "four": 1, "five": 2}
    summary = {"rating": (sum(GIVEN) + 1 - 5) / 7, "reviews_count": 7, "stars": stars}
    assert (await list_reviews(http, barber_id))["summary"] == summary
    assert await walk(http, barber_id, 3, sort="best") == [7, 3, 5, 4, 0, 2, 6]


async def test_review_list_is_empty_without_reviews_and_404_for_unknown_barbers(
    http: httpx.AsyncClient, container: Container
) -> None:
    visit = await complete_visit(http, container)
    page = await list_reviews(http, visit.shop.id)
    assert (page["items"], page["summary"]["rating"], page["summary"]["reviews_count"]) == ([], None, 0)
    assert (await http.get(f"/v1/barbers/{uuid4()}/reviews")).status_code == 404


async def test_public_reviews_hide_full_names_and_booking_ids(http: httpx.AsyncClient, container: Container) -> None:
    older = await complete_visit(http, container, customer_name="Zoë van Dijk")
    (visit,) = await copy_visit(container, older, [older.customer])
    await create_review(http, older, 5)
    await create_review(http, visit, 5, "Good.")
    await put_answer(http, visit, "Thanks.")

    async def visible_to(person: Person | None) -> dict[str, Any]:
        page = await list_reviews(http, visit.shop.id, person, limit=1)
        assert visit.booking_id not in b64decode(page["next_cursor"] + "==").decode()
        (review,) = page["items"]
        assert review["author"] == "Zoë D."
        assert (review["text"], review["answer"]["text"]) == ("Good.", "Thanks.")
        return review

    for stranger in (None, await register(http), (await complete_visit(http, container)).shop.person):
        review = await visible_to(stranger)
        assert review["booking_id"] is None
        told = str(review)
        assert visit.booking_id not in told
        assert str(visit.customer.id) not in told
    for party in (visit.customer, visit.shop.person, await create_admin(http, container)):
        assert (await visible_to(party))["booking_id"] == visit.booking_id


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Zoë Mertens", "Zoë M."),
        ("Ana María de la Cruz", "Ana C."),
        ("  Li   wei ", "Li W."),
        ("Cher", "Cher"),
        ("山田 太郎", "山田 太."),
        ("", ""),
        (" ", ""),
    ],
)
def test_public_name_is_first_name_and_initial(name: str, shown: str) -> None:
    assert public_name(name) == shown


async def plan_of(database: Database, barber_id: Any, query: dict[str, Any], order: list[tuple[str, int]]) -> str:
    found = database["reviews"].find({"barber_id": barber_id, "shown": True, **query}).sort(order).limit(21)
    return str((await found.explain())["queryPlanner"]["winningPlan"])


async def test_review_list_is_sorted_by_an_index_in_every_order(container: Container) -> None:
    newest = [("public_id", -1)]
    after = {"$or": [{"rating": {"$lt": 3}}, {"rating": 3, "public_id": {"$lt": uuid4()}}]}
    best, worst = [("rating", -1), *newest], [("rating", 1), *newest]
    wishes: list[tuple[dict[str, Any], list[tuple[str, int]]]] = [
        ({}, newest), ({"rating": 3}, newest), ({}, best), ({}, worst), (after, best),
    ]  # fmt: skip
    for query, order in wishes:
        plan = await plan_of(container.database, uuid4(), query, order)
        assert "'SORT'" not in plan, (query, order)
        assert "IXSCAN" in plan


async def test_edited_review_keeps_its_position(http: httpx.AsyncClient, visits: list[CompletedVisit]) -> None:
    await edit_review(http, visits[0], 4, "Number 0.")
    assert (await walk(http, visits[0].shop.id, 3))[-1] == 0
