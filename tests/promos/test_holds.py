"""Holds of quotes: one per customer, for a limited time, and never in the customer's own way."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from config.settings import Settings
from grome.composition import open_container
from grome.infrastructure.container import Container
from grome.migrations import m0005_bounds
from grome.promos.models import MAX_QUOTE_HOLD
from grome.promos.redemptions import PromoRedemptions
from grome.promos.repository import USES
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import ask, book, tomorrow
from tests.builders.people import Person, create_admin, register
from tests.builders.promos import OWN, claim_use, create_promo, priced_visit, read_figures, rejection_of, rejections_of
from tests.builders.quotes import ask_quote, book_quote, quote
from tests.conftest import AdjustableClock

QUOTED_FOR = timedelta(minutes=15)


@pytest.fixture
async def boss(http: httpx.AsyncClient, container: Container) -> Person:
    return await create_admin(http, container)


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    return await barber(http, container)


@pytest.fixture
async def customer(http: httpx.AsyncClient) -> Person:
    return await register(http)


@pytest.fixture(scope="module")
async def other_process(settings: Settings, session_clock: AdjustableClock, database: None) -> AsyncIterator[Container]:  # noqa: ARG001
    container = await open_container(settings, session_clock)
    yield container
    await container.close()


async def uses_of(container: Container, promo: dict[str, Any]) -> list[dict[str, Any]]:
    return await container.database[USES.name].find({"promo_id": UUID(promo["id"])}).to_list()


async def test_second_quote_of_a_customer_takes_over_the_hold(
    http: httpx.AsyncClient, container: Container, boss: Person, shop: Barber, customer: Person
) -> None:
    """With a limit of one use, the first quote has lost its hold and can still be booked."""
    promo = await create_promo(http, boss, most_uses=1)
    first = await quote(http, customer, shop, tomorrow(9), promo_code=promo["code"])
    second = await quote(http, customer, shop, tomorrow(10), promo_code=promo["code"])
    assert second["discount"] == first["discount"] != None  # noqa: E711 -- neither is null
    assert [use["_id"] for use in await uses_of(container, promo)] == [UUID(second["id"])]
    other = await ask(http, await register(http), shop, tomorrow(12), promo_code=promo["code"])
    assert other.json()["errors"] == [{"field": "promo_code", "message": "promo_exhausted"}]
    booked = await book_quote(http, customer, first)
    assert (booked.status_code, booked.json()["price"]) == (201, first["price"])
    assert (await read_figures(http, boss, promo))["uses"] == 1
    assert (await book_quote(http, customer, second)).json()["code"] == "promo_refused"


async def test_booking_without_a_quote_takes_over_the_quotes_hold(
    http: httpx.AsyncClient, boss: Person, shop: Barber, customer: Person
) -> None:
    promo = await create_promo(http, boss, most_uses=1)
    await quote(http, customer, shop, tomorrow(9), promo_code=promo["code"])
    await book(http, customer, shop, tomorrow(11), promo_code=promo["code"])
    assert (await read_figures(http, boss, promo))["left"] == 0


async def test_concurrent_quotes_of_a_customer_hold_one_use(
    http: httpx.AsyncClient, container: Container, other_process: Container, boss: Person
) -> None:
    promo, me = await create_promo(http, boss, most_uses=3), uuid4()
    services = (container.get(PromoRedemptions), other_process.get(PromoRedemptions))
    asked = ({"by": me, "claims": services[n % 2], "firm": False} for n in range(12))
    assert await rejections_of(container, promo["code"], asked) == [None] * 12
    assert len(await uses_of(container, promo)) == 1
    assert await rejections_of(container, promo["code"], [{}, {}]) == [None, None]
    assert await rejection_of(container, promo["code"], by=me, firm=False) is None


async def test_no_other_customer_gets_the_use_while_a_hold_is_replaced(
    http: httpx.AsyncClient, container: Container, boss: Person
) -> None:
    promo, me = await create_promo(http, boss, most_uses=1), uuid4()
    await claim_use(container, promo["code"], by=me, firm=False)
    mine = [rejection_of(container, promo["code"], by=me, firm=False) for _ in range(6)]
    others = [rejection_of(container, promo["code"]) for _ in range(6)]
    told = await asyncio.gather(*mine, *others)
    assert told == [None] * 6 + ["promo_exhausted"] * 6


async def test_successive_quotes_of_a_customer_hold_a_use_for_a_limited_time(
    http: httpx.AsyncClient, container: Container, boss: Person, clock: AdjustableClock
) -> None:
    promo, me = await create_promo(http, boss, most_uses=1), uuid4()
    while clock.shift < MAX_QUOTE_HOLD + timedelta(minutes=20):
        until = container.clock() + QUOTED_FOR
        assert (await claim_use(container, promo["code"], by=me, until=until, firm=False)).amount == 400
        clock.shift += timedelta(minutes=10)
    assert await rejection_of(container, promo["code"]) is None
    assert await rejection_of(container, promo["code"], by=me, firm=False) == "promo_exhausted"


async def test_customer_can_hold_a_use_again_after_the_pause(
    http: httpx.AsyncClient, container: Container, boss: Person, clock: AdjustableClock
) -> None:
    promo, me = await create_promo(http, boss, most_uses=1), uuid4()
    await claim_use(container, promo["code"], by=me, firm=False)
    clock.shift = 2 * MAX_QUOTE_HOLD + timedelta(seconds=1)
    await claim_use(container, promo["code"], by=me, firm=False)
    assert await rejection_of(container, promo["code"]) == "promo_exhausted"


class TestTwoPromosOfOneCode:
    async def test_platform_promo_is_used_if_the_barbers_promo_is_exhausted(
        self, http: httpx.AsyncClient, container: Container, boss: Person, shop: Barber
    ) -> None:
        own = await create_promo(http, shop.person, OWN, percent=50, most_uses=1)
        await create_promo(http, boss, code=own["code"])
        visit = priced_visit(barber_id=shop.person.id)
        amounts = [(await claim_use(container, own["code"], visit=visit)).amount for _ in range(3)]
        assert amounts == [2_000, 400, 400]

    async def test_rejection_reason_is_of_the_barbers_promo_if_both_are_rejected(
        self, http: httpx.AsyncClient, container: Container, boss: Person, shop: Barber
    ) -> None:
        own = await create_promo(http, shop.person, OWN, most_uses=1)
        await create_promo(http, boss, code=own["code"], minimum_price=100_000, currency="EUR")
        visit = priced_visit(barber_id=shop.person.id)
        told = [await rejection_of(container, own["code"], visit=visit) for _ in range(2)]
        assert told == [None, "promo_exhausted"]


class TestFirstVisitsByTwoCodes:
    async def test_concurrent_first_visit_codes_of_a_customer_use_one(
        self, http: httpx.AsyncClient, container: Container, other_process: Container, boss: Person, shop: Barber
    ) -> None:
        """Two codes of the platform, and two codes of a barber."""
        services = (container.get(PromoRedemptions), other_process.get(PromoRedemptions))
        for owner, path in ((boss, "/v1/admin/promos"), (shop.person, OWN)):
            me, visit = uuid4(), priced_visit(barber_id=shop.person.id)
            promos = [await create_promo(http, owner, path, first_visit_only=True) for _ in range(2)]
            told = await asyncio.gather(
                *(
                    rejection_of(container, promo["code"], by=me, visit=visit, claims=services[number])
                    for number, promo in enumerate(promos)
                )
            )
            assert sorted(told, key=str) == [None, "promo_first_visit_only"]

    async def test_first_visit_codes_of_two_barbers_are_both_used(
        self, http: httpx.AsyncClient, container: Container, shop: Barber
    ) -> None:
        other, me = await barber(http, container), uuid4()
        for one in (shop, other):
            promo = await create_promo(http, one.person, OWN, first_visit_only=True)
            assert (
                await rejection_of(container, promo["code"], by=me, visit=priced_visit(barber_id=one.person.id)) is None
            )

    async def test_quotes_with_two_first_visit_codes_allow_one_booking(
        self, http: httpx.AsyncClient, shop: Barber, customer: Person
    ) -> None:
        promos = [await create_promo(http, shop.person, OWN, first_visit_only=True) for _ in range(2)]
        quotes = [
            await quote(http, customer, shop, tomorrow(9 + number), promo_code=promo["code"])
            for number, promo in enumerate(promos)
        ]
        told = await asyncio.gather(*(book_quote(http, customer, one) for one in quotes))
        assert sorted(answer.status_code for answer in told) == [201, 422]
        (refused,) = [answer.json() for answer in told if answer.status_code == 422]
        assert refused["errors"] == [{"field": "promo_code", "message": "promo_first_visit_only"}]

    async def test_lapsed_first_visit_claim_does_not_block_another_code(
        self, http: httpx.AsyncClient, container: Container, shop: Barber, clock: AdjustableClock
    ) -> None:
        me, visit = uuid4(), priced_visit(barber_id=shop.person.id)
        promos = [await create_promo(http, shop.person, OWN, first_visit_only=True) for _ in range(2)]
        await claim_use(container, promos[0]["code"], by=me, visit=visit)
        assert await rejection_of(container, promos[1]["code"], by=me, visit=visit) == "promo_first_visit_only"
        clock.shift = timedelta(minutes=30)
        assert await rejection_of(container, promos[1]["code"], by=me, visit=visit) is None

    async def test_first_visit_code_used_by_a_late_cancellation_does_not_block_another_code(
        self, http: httpx.AsyncClient, container: Container, customer: Person
    ) -> None:
        terms = {"cancellation": {"cancel_notice_min": 7 * 24 * 60, "late_refund_percent": 0}}
        shop = await barber(http, container, rules={"auto_accept": True}, terms=terms)
        promos = [await create_promo(http, shop.person, OWN, first_visit_only=True) for _ in range(2)]
        booking = await book(http, customer, shop, tomorrow(9), promo_code=promos[0]["code"])
        await http.post(f"/v1/bookings/{booking['id']}/cancel", json={}, headers=customer.auth)
        await container.get(PromoRedemptions).release(UUID(booking["id"]))  # as the subscriber of events does
        assert (await read_figures(http, shop.person, promos[0], OWN))["uses"] == 1
        refused = await ask_quote(http, customer, shop, tomorrow(10), promo_code=promos[0]["code"])
        assert refused.json()["code"] == "promo_refused"
        await book(http, customer, shop, tomorrow(10), promo_code=promos[1]["code"])


async def test_migration_leaves_one_hold_per_customer_and_promo(
    http: httpx.AsyncClient, container: Container, boss: Person
) -> None:
    """The previous release could store several holds."""
    promo, me, uses = await create_promo(http, boss, most_uses=5), uuid4(), container.database[USES.name]
    await uses.drop_index("one_hold")
    await claim_use(container, promo["code"], by=me, firm=False)
    await claim_use(container, promo["code"], by=me)
    (hold,) = [use for use in await uses_of(container, promo) if not use["firm"]]
    later = {
        "_id": uuid4(),
        "total_seat": 999,
        "customer_seat": 9,
        "held_until": hold["held_until"] + timedelta(minutes=1),
    }
    await uses.insert_one({**hold, **later})
    await m0005_bounds.up(container.database)
    left = await uses_of(container, promo)
    assert sorted((use["firm"], use["_id"] == later["_id"]) for use in left) == [(False, True), (True, False)]
    assert "one_hold" in await uses.index_information()
