"""The number of promos of a barber is limited, also for concurrent requests."""

import asyncio
from uuid import uuid4

import httpx

from grome.infrastructure.container import Container
from grome.promos.models import MAX_PROMOS_PER_BARBER
from tests.builders.barbers import barber
from tests.builders.people import create_admin
from tests.builders.promos import ADMIN, OWN, create_promo, new_code


async def test_promos_beyond_the_limit_of_a_barber_are_refused(http: httpx.AsyncClient, container: Container) -> None:
    shop, promos = await barber(http, container), container.database["promos"]
    made = await create_promo(http, shop.person, OWN)
    first = await promos.find_one({"code": made["code"]})
    assert first is not None
    more = [
        {**first, "_id": uuid4(), "code": new_code(), "place": place} for place in range(1, MAX_PROMOS_PER_BARBER - 2)
    ]
    await promos.insert_many(more)

    wanted = [{"code": new_code(), "percent": 10} for _ in range(8)]
    answers = await asyncio.gather(*(http.post(OWN, json=one, headers=shop.auth) for one in wanted))

    assert sorted(answer.status_code for answer in answers) == [201, 201, *[409] * 6]
    refused = {answer.json()["code"] for answer in answers if answer.status_code == 409}
    assert refused == {"too_many_promos"}
    assert await promos.count_documents({"owner_id": shop.person.id}) == MAX_PROMOS_PER_BARBER
    again = await http.post(
        OWN, json={"code": made["code"], "percent": 10}, headers=(await barber(http, container)).auth
    )
    assert again.status_code == 201


async def test_platform_has_no_limit_of_promos(http: httpx.AsyncClient, container: Container) -> None:
    boss = await create_admin(http, container)
    made = await create_promo(http, boss, ADMIN)
    stored = await container.database["promos"].find_one({"code": made["code"]})
    assert stored is not None
    assert stored["place"] is None
