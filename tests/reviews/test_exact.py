"""A barber's rating is the mean of the reviews, also after concurrent changes and killed processes."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from random import Random
from signal import SIGKILL
from statistics import fmean
from typing import Any
from uuid import UUID

import httpx
import pytest

from config.settings import Settings
from grome.common.actor import Actor, Role
from grome.common.ids import new_id
from grome.composition import open_container
from grome.infrastructure.container import Container
from grome.reviews.schemas import ReviewIn
from grome.reviews.service import ReviewService
from tests.builders.barbers import Barber
from tests.builders.people import register
from tests.builders.reviews import (
    CompletedVisit,
    complete_visit,
    copy_visit,
    create_review,
    edit_review,
    list_reviews,
    post_review,
    remove_review,
)
from tests.support.eventually import START_PATIENCE_S, until
from tests.support.processes import environment

VISITS = 40
# No other barber is near, so that the search finds only this barber.
FAR_OFF = {"lat": -54.4, "lng": 3.4}


@pytest.fixture
async def other_process(settings: Settings) -> AsyncIterator[Container]:
    """Open the services of a second process, with an event loop of its own."""
    container = await open_container(settings)
    yield container
    await container.close()


async def stored(container: Container, shop: Barber) -> tuple[list[int], Any]:
    """Return the ratings of the shown reviews, and the barber's rating and count."""
    reviews = container.database["reviews"].find({"barber_id": shop.person.id, "shown": True})
    barber = await container.database["barbers"].find_one({"_id": shop.person.id}) or {}
    return [review["rating"] async for review in reviews], (barber.get("rating"), barber.get("reviews_count"))


async def shown(http: httpx.AsyncClient, shop: Barber) -> list[tuple[float, int]]:
    """Return the rating in the profile, the list, the text search and the map."""
    profile = (await http.get(f"/v1/barbers/{shop.id}")).json()
    summary = (await list_reviews(http, shop.id))["summary"]
    by_words = (await http.get("/v1/barbers", params={"q": "chair", **FAR_OFF})).json()["items"]
    on_map = (await http.get("/v1/barbers/nearby", params={**FAR_OFF, "radius_km": 1})).json()["items"]
    rows = [profile, summary, *(one for one in (*by_words, *on_map) if one["id"] == shop.id)]
    return [(row["rating"], row["reviews_count"]) for row in rows]


Step = Callable[[CompletedVisit, int], Awaitable[None]]


def over_http(http: httpx.AsyncClient) -> dict[str, Step]:
    async def give(visit: CompletedVisit, stars: int) -> None:
        assert (await post_review(http, visit, stars)).status_code == 201

    async def change(visit: CompletedVisit, stars: int) -> None:
        assert (await edit_review(http, visit, stars)).status_code == 200

    async def take_back(visit: CompletedVisit, _stars: int) -> None:
        assert (await remove_review(http, visit)).status_code == 204

    return {"give": give, "change": change, "take back": take_back}


def elsewhere(container: Container) -> dict[str, Step]:
    def actor(visit: CompletedVisit) -> Actor:
        return Actor(visit.customer.id, Role.CUSTOMER, new_id())

    async def give(visit: CompletedVisit, stars: int) -> None:
        await container.get(ReviewService).post(actor(visit), UUID(visit.booking_id), ReviewIn(stars), None)

    async def change(visit: CompletedVisit, stars: int) -> None:
        await container.get(ReviewService).edit(actor(visit), UUID(visit.booking_id), ReviewIn(stars))

    async def take_back(visit: CompletedVisit, _stars: int) -> None:
        await container.get(ReviewService).remove(actor(visit), UUID(visit.booking_id))

    return {"give": give, "change": change, "take back": take_back}


async def test_rating_is_the_mean_after_concurrent_changes(
    http: httpx.AsyncClient, container: Container, other_process: Container
) -> None:
    chance = Random(7)  # noqa: S311 -- no secret
    first = await complete_visit(http, container, location=FAR_OFF)
    await shown(http, first.shop)  # so that the map has the barber in memory
    customers = [await register(http) for _ in range(6)]
    visits = await copy_visit(container, first, [chance.choice(customers) for _ in range(VISITS)])
    ways = [over_http(http), elsewhere(other_process)]
    last: dict[str, int | None] = {}

    async def live(visit: CompletedVisit) -> None:
        for step in ("give", *chance.choices(["change"], k=chance.randint(0, 3)), *chance.choices(["take back", ""])):
            if step:
                stars = chance.randint(1, 5)
                last[visit.booking_id] = None if step == "take back" else stars
                await chance.choice(ways)[step](visit, stars)

    await asyncio.gather(*map(live, visits))
    left = [stars for stars in last.values() if stars]
    assert 10 < len(left) < VISITS
    exact = fmean(left), len(left)
    reviews, barber = await stored(container, first.shop)
    assert sorted(reviews) == sorted(left)
    assert barber == exact

    async def everybody_knows() -> bool:
        return set(await shown(http, first.shop)) == {exact}

    await until(everybody_knows)  # changes of the other process arrive through Redis
    assert len(await shown(http, first.shop)) == 4


async def test_rating_counts_the_last_of_concurrent_edits(
    http: httpx.AsyncClient, container: Container, other_process: Container
) -> None:
    visit = await complete_visit(http, container)
    await create_review(http, visit, 3)
    ways = [over_http(http), elsewhere(other_process)]
    await asyncio.gather(*(ways[number % 2]["change"](visit, 1 + number % 5) for number in range(20)))
    (left,), barber = await stored(container, visit.shop)
    assert barber == (left, 1)
    answers = await asyncio.gather(*(remove_review(http, visit) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [204, 404, 404, 404]
    assert await stored(container, visit.shop) == ([], (0.0, 0))


async def test_recreated_profile_has_the_rating_of_all_reviews(http: httpx.AsyncClient, container: Container) -> None:
    first = await complete_visit(http, container)
    visits = [first, *await copy_visit(container, first, [first.customer] * 3)]
    profile = {"name": "Anew", "location": FAR_OFF, "timezone": "UTC", "currency": "EUR"}
    await create_review(http, visits[0], 5)
    await create_review(http, visits[1], 2)
    assert (await http.delete("/v1/barbers/me", headers=first.shop.auth)).status_code == 204
    assert (await http.get(f"/v1/barbers/{first.shop.id}/reviews")).status_code == 404
    await create_review(http, visits[2], 4)
    await remove_review(http, visits[1])

    made = await http.put("/v1/barbers/me", json=profile, headers=first.shop.auth)

    assert (made.json()["rating"], made.json()["reviews_count"]) == (4.5, 2)
    await create_review(http, visits[3], 3)
    assert set(await shown(http, first.shop)) == {(4.0, 3)}


async def test_profile_recreated_during_reviews_counts_all(
    http: httpx.AsyncClient, container: Container, other_process: Container
) -> None:
    first = await complete_visit(http, container)
    visits = await copy_visit(container, first, [first.customer] * 24)
    give = elsewhere(other_process)["give"]
    profile = {"name": "Anew", "location": FAR_OFF, "timezone": "UTC", "currency": "EUR"}

    async def come_and_go() -> None:
        for _ in range(6):
            await http.delete("/v1/barbers/me", headers=first.shop.auth)
            answers = await asyncio.gather(
                *(http.put("/v1/barbers/me", json=profile, headers=first.shop.auth) for _ in range(2))
            )
            assert {answer.status_code for answer in answers} == {200}

    await asyncio.gather(come_and_go(), *(give(visit, 1 + number % 5) for number, visit in enumerate(visits)))
    reviews, barber = await stored(container, first.shop)
    assert len(reviews) == len(visits)
    assert barber == (fmean(reviews), len(reviews))


async def test_rating_is_exact_after_a_killed_process(
    http: httpx.AsyncClient, container: Container, settings: Settings, tmp_path: Path
) -> None:
    """Kill a process that changes reviews of many barbers."""
    firsts = [await complete_visit(http, container) for _ in range(3)]
    visits = [
        f"{visit.customer.id}:{visit.booking_id}"
        for first in firsts
        for visit in await copy_visit(container, first, [first.customer] * 200)
    ]
    hurrying = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.reviews.hurry", *visits), env=environment(settings, tmp_path)
    )
    shops = {"$in": [first.shop.person.id for first in firsts]}

    async def is_in_the_midst() -> bool:
        return await container.database["reviews"].count_documents({"barber_id": shops}) > 40

    try:
        await until(is_in_the_midst, within_s=START_PATIENCE_S)
    finally:
        hurrying.kill()
        assert await hurrying.wait() == -SIGKILL
    for first in firsts:
        reviews, barber = await stored(container, first.shop)
        assert barber == (fmean(reviews) if reviews else 0.0, len(reviews))
