"""Concurrent claims through several processes get exactly as many uses as the limit allows."""

from collections.abc import AsyncIterator
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from config.settings import Settings
from grome.common.ids import new_id
from grome.composition import open_container
from grome.infrastructure.container import Container
from grome.infrastructure.mongo.client import insert_missing, to_document
from grome.promos.models import MAX_USES, PromoUse
from grome.promos.redemptions import PromoRedemptions
from grome.promos.repository import USES
from tests.builders.people import Person, create_admin
from tests.builders.promos import claim_use, create_promo, read_figures, rejection_of, rejections_of, replace_terms
from tests.conftest import AdjustableClock


@pytest.fixture
async def boss(http: httpx.AsyncClient, container: Container) -> Person:
    return await create_admin(http, container)


@pytest.fixture(scope="module")
async def other_process(settings: Settings, session_clock: AdjustableClock, database: None) -> AsyncIterator[Container]:  # noqa: ARG001
    container = await open_container(settings, session_clock)
    yield container
    await container.close()


async def stored(container: Container, promo: dict[str, Any]) -> list[dict[str, Any]]:
    return await container.database[USES.name].find({"promo_id": UUID(promo["id"])}).to_list()


async def test_150_concurrent_claims_with_a_limit_of_ten_get_ten_uses(
    http: httpx.AsyncClient, container: Container, other_process: Container, boss: Person
) -> None:
    promo = await create_promo(http, boss, most_uses=10)
    services = (container.get(PromoRedemptions), other_process.get(PromoRedemptions))
    told = await rejections_of(container, promo["code"], ({"claims": services[n % 2]} for n in range(150)))
    assert (told.count(None), told.count("promo_exhausted")) == (10, 140)
    assert sorted(use["total_seat"] for use in await stored(container, promo)) == list(range(10))


async def test_concurrent_claims_of_a_customer_with_a_limit_of_two_get_two_uses(
    http: httpx.AsyncClient, container: Container, other_process: Container, boss: Person
) -> None:
    promo, me = await create_promo(http, boss, most_uses_each=2, most_uses=50), uuid4()
    services = (container.get(PromoRedemptions), other_process.get(PromoRedemptions))
    told = await rejections_of(container, promo["code"], ({"by": me, "claims": services[n % 2]} for n in range(30)))
    assert (told.count(None), told.count("promo_used_up_by_you")) == (2, 28)
    # One insert claims both seats or neither: a claim that lost a seat holds no other seat.
    assert len(await stored(container, promo)) == 2
    assert await rejection_of(container, promo["code"]) is None


async def test_repeated_claim_returns_the_first_discount_and_uses_once(
    http: httpx.AsyncClient, container: Container, boss: Person
) -> None:
    """Also while the first claim is in flight, and after the promo was switched off."""
    promo, me, holder = await create_promo(http, boss, most_uses=1, most_uses_each=1), uuid4(), uuid4()
    again = {"by": me, "holder": holder}
    assert await rejections_of(container, promo["code"], [again] * 20) == [None] * 20
    await replace_terms(http, boss, promo, percent=50, valid_until=container.clock().isoformat())
    assert (await claim_use(container, promo["code"].lower(), **again)).amount == 400
    await container.get(PromoRedemptions).confirm(holder)
    assert (await claim_use(container, promo["code"], **again)).amount == 400
    assert (await read_figures(http, boss, promo))["uses"] == 1
    with pytest.raises(ValueError, match=str(holder)):
        await claim_use(container, promo["code"], holder=holder)


async def test_released_use_can_be_claimed_again(http: httpx.AsyncClient, container: Container, boss: Person) -> None:
    promo, me, holder = await create_promo(http, boss, most_uses=1, most_uses_each=1), uuid4(), uuid4()
    await claim_use(container, promo["code"], by=me, holder=holder)
    assert await rejection_of(container, promo["code"], by=me) == "promo_used_up_by_you"
    assert await rejection_of(container, promo["code"]) == "promo_exhausted"
    for _ in range(2):
        await container.get(PromoRedemptions).release(holder)
    assert (await rejections_of(container, promo["code"], [{"by": me}] * 5)).count(None) == 1


async def test_concurrent_first_visits_use_the_code_once(
    http: httpx.AsyncClient, container: Container, boss: Person
) -> None:
    promo, me = await create_promo(http, boss, first_visit_only=True, most_uses_each=5), uuid4()
    told = await rejections_of(container, promo["code"], [{"by": me}] * 6)
    assert (told.count(None), told.count("promo_used_up_by_you")) == (1, 5)


async def test_changed_limit_counts_earlier_uses(http: httpx.AsyncClient, container: Container, boss: Person) -> None:
    """A claim succeeds exactly if there are fewer uses than the limit, regardless of the seats of earlier uses."""
    promo, chance, held = await create_promo(http, boss), Random(5), list[UUID]()  # noqa: S311 -- dice
    limit: int | None = None
    for step in range(120):
        if step % 12 == 11:
            limit = chance.choice([None, *range(1, 12)])
            await replace_terms(http, boss, promo, most_uses=limit)
        elif held and chance.random() < 0.35:
            await container.get(PromoRedemptions).release(held.pop(chance.randrange(len(held))))
        else:
            holder = uuid4()
            refused = await rejection_of(container, promo["code"], holder=holder)
            assert refused == (None if limit is None or len(held) < limit else "promo_exhausted"), (step, limit)
            held += [] if refused else [holder]
    assert (await read_figures(http, boss, promo))["held"] == len(held)


async def test_last_free_seat_of_many_is_found(
    http: httpx.AsyncClient, container: Container, other_process: Container, boss: Person
) -> None:
    promo = await create_promo(http, boss, most_uses=2_000)
    last = 777
    uses = [
        PromoUse(
            id=new_id(), promo_id=UUID(promo["id"]), customer_id=new_id(), total_seat=seat, customer_seat=0,
            code=promo["code"], amount=400, currency="EUR", held_until=None, firm=True, at=container.clock(),
        )
        for seat in range(2_000) if seat != last
    ]  # fmt: skip
    await insert_missing(container.database[USES.name], [to_document(use) for use in uses])
    told = await rejections_of(container, promo["code"], [{}] * 8)
    assert (told.count(None), told.count("promo_exhausted")) == (1, 7)
    await other_process.get(PromoRedemptions).release(uses[0].id)
    told = await rejections_of(container, promo["code"], [{}] * 8)
    assert (told.count(None), told.count("promo_exhausted")) == (1, 7)


async def test_freed_seat_without_a_counter_update_is_found_after_the_cache_expires(
    http: httpx.AsyncClient, container: Container, boss: Person, clock: AdjustableClock
) -> None:
    """The process died after it gave the use back and before it updated the promo."""
    promo = await create_promo(http, boss, most_uses=1)
    assert [await rejection_of(container, promo["code"]) for _ in range(2)] == [None, "promo_exhausted"]
    await container.database[USES.name].delete_one({"promo_id": UUID(promo["id"])})
    clock.shift = timedelta(seconds=11)
    assert await rejection_of(container, promo["code"]) is None


async def test_limit_of_uses_above_the_maximum_is_refused(http: httpx.AsyncClient, boss: Person) -> None:
    assert (await create_promo(http, boss, most_uses=MAX_USES))["most_uses"] == MAX_USES
    refused = await http.post(
        "/v1/admin/promos", json={"code": "TOO-MANY", "percent": 1, "most_uses": MAX_USES + 1}, headers=boss.auth
    )
    assert refused.json()["errors"][0]["field"] == "most_uses"


class TestQuotes:
    """Claims of quotes are not firm."""

    async def test_quotes_claim_yields_only_to_the_same_customer(
        self, http: httpx.AsyncClient, container: Container, boss: Person
    ) -> None:
        promo, me, old, new = await create_promo(http, boss, most_uses=1, most_uses_each=1), uuid4(), uuid4(), uuid4()
        await claim_use(container, promo["code"], by=me, holder=old, firm=False)
        assert await rejection_of(container, promo["code"], firm=True) == "promo_exhausted"
        await claim_use(container, promo["code"], by=me, holder=new, firm=False)
        (use,) = await stored(container, promo)
        assert use["_id"] == new

    async def test_booked_claim_does_not_yield(
        self, http: httpx.AsyncClient, container: Container, boss: Person
    ) -> None:
        promo, me, quote = await create_promo(http, boss, most_uses=1, most_uses_each=1), uuid4(), uuid4()
        for firm in (False, True, False):
            await claim_use(container, promo["code"], by=me, holder=quote, firm=firm)
        assert await rejection_of(container, promo["code"], by=me, firm=False) == "promo_used_up_by_you"

    async def test_booking_keeps_the_hold_of_another_quote_if_the_limit_allows_two(
        self, http: httpx.AsyncClient, container: Container, boss: Person
    ) -> None:
        promo, me, quotes = await create_promo(http, boss, most_uses_each=2), uuid4(), [uuid4(), uuid4()]
        for firm in (False, True):
            for quote in quotes:
                await claim_use(container, promo["code"], by=me, holder=quote, firm=firm)
                assert len(await stored(container, promo)) == (2 if firm else 1)

    async def test_concurrent_bookings_of_two_quotes_use_the_code_once(
        self, http: httpx.AsyncClient, container: Container, boss: Person
    ) -> None:
        promo, me = await create_promo(http, boss, most_uses_each=1), uuid4()
        quotes = [uuid4() for _ in range(4)]
        for quote in quotes:
            await claim_use(container, promo["code"], by=me, holder=quote, firm=False)
        told = await rejections_of(container, promo["code"], ({"by": me, "holder": quote} for quote in quotes))
        assert (told.count(None), told.count("promo_used_up_by_you")) == (1, 3)

    async def test_quotes_claim_ends_at_its_time(
        self, http: httpx.AsyncClient, container: Container, boss: Person, clock: AdjustableClock
    ) -> None:
        promo, until = await create_promo(http, boss, most_uses=1), container.clock() + timedelta(minutes=5)
        await claim_use(container, promo["code"], until=until, firm=False)
        clock.set(until - timedelta(seconds=5))
        assert await rejection_of(container, promo["code"]) == "promo_exhausted"
        clock.set(until)
        assert await rejection_of(container, promo["code"]) is None
