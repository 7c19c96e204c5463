"""Holds of quotes: one a customer, none in the customer's own way, and not for ever."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from config.settings import Settings
from grome.composition import AppContext
from grome.migrations import m0005_bounds
from grome.promos.models import MAX_QUOTE_HOLD
from grome.promos.repository import USES
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import ask, book, tomorrow
from tests.builders.people import Person, admin, register
from tests.builders.promos import OWN, a_visit, claim, figures, make, outcomes, reason
from tests.builders.quotes import ask_quote, book_quote, quote
from tests.conftest import SetClock

QUOTED_FOR = timedelta(minutes=15)


@pytest.fixture
async def boss(http: httpx.AsyncClient, context: AppContext) -> Person:
    return await admin(http, context)


@pytest.fixture
async def shop(http: httpx.AsyncClient, context: AppContext) -> Barber:
    return await barber(http, context)


@pytest.fixture
async def customer(http: httpx.AsyncClient) -> Person:
    return await register(http)


@pytest.fixture(scope="module")
async def other_process(settings: Settings, session_clock: SetClock, database: None) -> AsyncIterator[AppContext]:  # noqa: ARG001
    context = await AppContext.open(settings, session_clock)
    yield context
    await context.close()


async def uses_of(context: AppContext, promo: dict[str, Any]) -> list[dict[str, Any]]:
    return await context.database[USES.name].find({"promo_id": UUID(promo["id"])}).to_list()


async def test_a_second_quote_of_a_customer_moves_the_hold(
    http: httpx.AsyncClient, context: AppContext, boss: Person, shop: Barber, customer: Person
) -> None:
    """Under a limit of one use for all: the first quote holds nothing any more, and can be booked all the same."""
    promo = await make(http, boss, most_uses=1)
    first = await quote(http, customer, shop, tomorrow(9), promo_code=promo["code"])
    second = await quote(http, customer, shop, tomorrow(10), promo_code=promo["code"])
    assert second["discount"] == first["discount"] != None  # noqa: E711 -- neither is null
    assert [use["_id"] for use in await uses_of(context, promo)] == [UUID(second["id"])]
    other = await ask(http, await register(http), shop, tomorrow(12), promo_code=promo["code"])
    assert other.json()["errors"] == [{"field": "promo_code", "message": "promo_exhausted"}]
    booked = await book_quote(http, customer, first)
    assert (booked.status_code, booked.json()["price"]) == (201, first["price"])
    assert (await figures(http, boss, promo))["uses"] == 1
    assert (await book_quote(http, customer, second)).json()["code"] == "promo_refused"


async def test_a_booking_without_the_quote_uses_the_hold_of_the_quote(
    http: httpx.AsyncClient, boss: Person, shop: Barber, customer: Person
) -> None:
    promo = await make(http, boss, most_uses=1)
    await quote(http, customer, shop, tomorrow(9), promo_code=promo["code"])
    await book(http, customer, shop, tomorrow(11), promo_code=promo["code"])
    assert (await figures(http, boss, promo))["left"] == 0


async def test_a_customer_holds_one_use_however_many_quotes_are_asked_for_at_once(
    http: httpx.AsyncClient, context: AppContext, other_process: AppContext, boss: Person
) -> None:
    promo, me = await make(http, boss, most_uses=3), uuid4()
    services = (context.promo_redemptions, other_process.promo_redemptions)
    asked = ({"by": me, "claims": services[n % 2], "firm": False} for n in range(12))
    assert await outcomes(context, promo["code"], asked) == [None] * 12
    assert len(await uses_of(context, promo)) == 1
    assert await outcomes(context, promo["code"], [{}, {}]) == [None, None]
    assert await reason(context, promo["code"], by=me, firm=False) is None


async def test_nobody_gets_the_use_while_a_hold_moves(
    http: httpx.AsyncClient, context: AppContext, boss: Person
) -> None:
    promo, me = await make(http, boss, most_uses=1), uuid4()
    await claim(context, promo["code"], by=me, firm=False)
    mine = [reason(context, promo["code"], by=me, firm=False) for _ in range(6)]
    others = [reason(context, promo["code"]) for _ in range(6)]
    told = await asyncio.gather(*mine, *others)
    assert told == [None] * 6 + ["promo_exhausted"] * 6


async def test_quotes_of_one_customer_do_not_keep_a_use_from_others_for_ever(
    http: httpx.AsyncClient, context: AppContext, boss: Person, clock: SetClock
) -> None:
    promo, me = await make(http, boss, most_uses=1), uuid4()
    while clock.shift < MAX_QUOTE_HOLD + timedelta(minutes=20):
        until = context.clock() + QUOTED_FOR
        assert (await claim(context, promo["code"], by=me, until=until, firm=False)).amount == 400
        clock.shift += timedelta(minutes=10)
    assert await reason(context, promo["code"]) is None
    assert await reason(context, promo["code"], by=me, firm=False) == "promo_exhausted"


async def test_a_customer_may_hold_a_use_again_after_a_while(
    http: httpx.AsyncClient, context: AppContext, boss: Person, clock: SetClock
) -> None:
    promo, me = await make(http, boss, most_uses=1), uuid4()
    await claim(context, promo["code"], by=me, firm=False)
    clock.shift = 2 * MAX_QUOTE_HOLD + timedelta(seconds=1)
    await claim(context, promo["code"], by=me, firm=False)
    assert await reason(context, promo["code"]) == "promo_exhausted"


class TestTwoPromosOfOneCode:
    async def test_the_platforms_counts_where_the_barbers_own_is_exhausted(
        self, http: httpx.AsyncClient, context: AppContext, boss: Person, shop: Barber
    ) -> None:
        own = await make(http, shop.person, OWN, percent=50, most_uses=1)
        await make(http, boss, code=own["code"])
        visit = a_visit(barber_id=shop.person.id)
        amounts = [(await claim(context, own["code"], visit=visit)).amount for _ in range(3)]
        assert amounts == [2_000, 400, 400]

    async def test_the_barbers_own_gives_the_reason_where_neither_can_be_used(
        self, http: httpx.AsyncClient, context: AppContext, boss: Person, shop: Barber
    ) -> None:
        own = await make(http, shop.person, OWN, most_uses=1)
        await make(http, boss, code=own["code"], minimum_price=100_000, currency="EUR")
        visit = a_visit(barber_id=shop.person.id)
        told = [await reason(context, own["code"], visit=visit) for _ in range(2)]
        assert told == [None, "promo_exhausted"]


class TestFirstVisitsByTwoCodes:
    async def test_of_two_codes_at_once_one_is_used(
        self, http: httpx.AsyncClient, context: AppContext, other_process: AppContext, boss: Person, shop: Barber
    ) -> None:
        """Two of the platform, and two of a barber."""
        services = (context.promo_redemptions, other_process.promo_redemptions)
        for owner, path in ((boss, "/v1/admin/promos"), (shop.person, OWN)):
            me, visit = uuid4(), a_visit(barber_id=shop.person.id)
            promos = [await make(http, owner, path, first_visit_only=True) for _ in range(2)]
            told = await asyncio.gather(
                *(
                    reason(context, promo["code"], by=me, visit=visit, claims=services[number])
                    for number, promo in enumerate(promos)
                )
            )
            assert sorted(told, key=str) == [None, "promo_first_visit_only"]

    async def test_first_visits_to_two_barbers_are_two(
        self, http: httpx.AsyncClient, context: AppContext, shop: Barber
    ) -> None:
        other, me = await barber(http, context), uuid4()
        for one in (shop, other):
            promo = await make(http, one.person, OWN, first_visit_only=True)
            assert await reason(context, promo["code"], by=me, visit=a_visit(barber_id=one.person.id)) is None

    async def test_quotes_with_two_codes_are_given_and_one_is_booked(
        self, http: httpx.AsyncClient, shop: Barber, customer: Person
    ) -> None:
        promos = [await make(http, shop.person, OWN, first_visit_only=True) for _ in range(2)]
        quotes = [
            await quote(http, customer, shop, tomorrow(9 + number), promo_code=promo["code"])
            for number, promo in enumerate(promos)
        ]
        told = await asyncio.gather(*(book_quote(http, customer, one) for one in quotes))
        assert sorted(answer.status_code for answer in told) == [201, 422]
        (refused,) = [answer.json() for answer in told if answer.status_code == 422]
        assert refused["errors"] == [{"field": "promo_code", "message": "promo_first_visit_only"}]

    async def test_a_claim_whose_booking_never_came_is_in_nobodys_way(
        self, http: httpx.AsyncClient, context: AppContext, shop: Barber, clock: SetClock
    ) -> None:
        me, visit = uuid4(), a_visit(barber_id=shop.person.id)
        promos = [await make(http, shop.person, OWN, first_visit_only=True) for _ in range(2)]
        await claim(context, promos[0]["code"], by=me, visit=visit)
        assert await reason(context, promos[1]["code"], by=me, visit=visit) == "promo_first_visit_only"
        clock.shift = timedelta(minutes=30)
        assert await reason(context, promos[1]["code"], by=me, visit=visit) is None

    async def test_a_code_that_stays_used_by_a_late_cancellation_leaves_the_other(
        self, http: httpx.AsyncClient, context: AppContext, customer: Person
    ) -> None:
        terms = {"cancellation": {"cancel_notice_min": 7 * 24 * 60, "late_refund_percent": 0}}
        shop = await barber(http, context, rules={"auto_accept": True}, terms=terms)
        promos = [await make(http, shop.person, OWN, first_visit_only=True) for _ in range(2)]
        booking = await book(http, customer, shop, tomorrow(9), promo_code=promos[0]["code"])
        await http.post(f"/v1/bookings/{booking['id']}/cancel", json={}, headers=customer.auth)
        await context.promo_redemptions.release(UUID(booking["id"]))  # as the follower of events does
        assert (await figures(http, shop.person, promos[0], OWN))["uses"] == 1
        refused = await ask_quote(http, customer, shop, tomorrow(10), promo_code=promos[0]["code"])
        assert refused.json()["code"] == "promo_refused"
        await book(http, customer, shop, tomorrow(10), promo_code=promos[1]["code"])


async def test_the_migration_leaves_each_customer_one_hold_of_a_promo(
    http: httpx.AsyncClient, context: AppContext, boss: Person
) -> None:
    """As the previous release could store them."""
    promo, me, uses = await make(http, boss, most_uses=5), uuid4(), context.database[USES.name]
    await uses.drop_index("one_hold")
    await claim(context, promo["code"], by=me, firm=False)
    await claim(context, promo["code"], by=me)
    (hold,) = [use for use in await uses_of(context, promo) if not use["firm"]]
    later = {
        "_id": uuid4(),
        "total_seat": 999,
        "customer_seat": 9,
        "held_until": hold["held_until"] + timedelta(minutes=1),
    }
    await uses.insert_one({**hold, **later})
    await m0005_bounds.up(context.database)
    left = await uses_of(context, promo)
    assert sorted((use["firm"], use["_id"] == later["_id"]) for use in left) == [(False, True), (True, False)]
    assert "one_hold" in await uses.index_information()
