"""What becomes of a use: its booking is stored or never comes, lasts or is called off."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from grome.common.ids import new_id
from grome.composition import AppContext
from grome.composition.projection import PROJECTION
from grome.infrastructure.outbox.models import BOOKINGS, ChangeRecord
from grome.promos.jobs import sweep_promo_holds
from grome.promos.redemptions import HOLD_GRACE
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, move, tomorrow
from tests.builders.people import Person, admin, register
from tests.builders.promos import OWN, a_visit, claim, figures, make, reason
from tests.builders.unreadable import store_unreadable
from tests.conftest import SetClock

SECOND = timedelta(seconds=1)
LONG = timedelta(minutes=10) + HOLD_GRACE + SECOND


@pytest.fixture
async def boss(http: httpx.AsyncClient, context: AppContext) -> Person:
    return await admin(http, context)


@pytest.fixture
async def shop(http: httpx.AsyncClient, context: AppContext) -> Barber:
    return await barber(http, context)


@pytest.fixture
async def promo(http: httpx.AsyncClient, boss: Person) -> dict[str, Any]:
    """Of one use."""
    return await make(http, boss, most_uses=1)


@pytest.fixture
async def customer(http: httpx.AsyncClient) -> Person:
    return await register(http)


@pytest.fixture
async def booking(http: httpx.AsyncClient, customer: Person, shop: Barber) -> dict[str, Any]:
    return await book(http, customer, shop, tomorrow(9))


async def use_for(context: AppContext, promo: dict[str, Any], booking: dict[str, Any], *, keep: bool) -> UUID:
    holder, by = UUID(booking["id"]), UUID(booking["customer_id"])
    await claim(context, promo["code"], by=by, holder=holder, visit=a_visit(barber_id=UUID(booking["barber_id"])))
    if keep:
        await context.promo_redemptions.confirm(holder)
    return holder


async def is_used(context: AppContext, promo: dict[str, Any]) -> bool:
    """Whether its one use is taken."""
    probe = uuid4()
    refused = await reason(context, promo["code"], holder=probe)
    await context.promo_redemptions.release(probe)
    return refused == "promo_exhausted"


class TestWithoutABooking:
    """The process died between the claim and the insert, or the quote was never booked."""

    async def test_up_to_its_time_it_is_left_alone(
        self, context: AppContext, promo: dict[str, Any], clock: SetClock
    ) -> None:
        await claim(context, promo["code"])
        clock.shift = timedelta(minutes=10) + HOLD_GRACE - 20 * SECOND
        await context.promo_redemptions.reap()
        assert await is_used(context, promo)

    async def test_sweep_with_an_unreadable_booking_in_front_gives_the_others_back(
        self,
        http: httpx.AsyncClient,
        context: AppContext,
        boss: Person,
        booking: dict[str, Any],
        promo: dict[str, Any],
        clock: SetClock,
    ) -> None:
        first = await make(http, boss, most_uses=1)
        stored = await context.database[BOOKINGS].find_one({"_id": UUID(booking["id"])})
        assert stored
        bad = await store_unreadable(context.database, BOOKINGS, stored, ticks=[1], status="unheard_of")
        await claim(context, first["code"], holder=bad["_id"])
        await claim(context, promo["code"])
        clock.shift = LONG
        await context.promo_redemptions.reap()
        await context.database[BOOKINGS].delete_one({"_id": bad["_id"]})
        assert not await is_used(context, promo)

    async def test_the_sweep_gives_it_back(
        self, http: httpx.AsyncClient, context: AppContext, boss: Person, clock: SetClock
    ) -> None:
        promo = await make(http, boss)
        await claim(context, promo["code"])
        assert (await figures(http, boss, promo))["held"] == 1
        clock.shift = LONG
        await sweep_promo_holds({"grome": context})
        clock.shift = timedelta()
        assert (await figures(http, boss, promo))["held"] == 0

    async def test_who_comes_next_need_not_wait_for_the_sweep(
        self, context: AppContext, promo: dict[str, Any], clock: SetClock
    ) -> None:
        late = uuid4()
        await claim(context, promo["code"], holder=late)
        clock.shift = LONG
        assert await reason(context, promo["code"]) is None
        await context.promo_redemptions.confirm(late)
        assert await reason(context, promo["code"], holder=late) == "promo_exhausted"

    async def test_one_customers_limit_neither(
        self, http: httpx.AsyncClient, context: AppContext, boss: Person, clock: SetClock
    ) -> None:
        promo, me = await make(http, boss, most_uses_each=1), uuid4()
        await claim(context, promo["code"], by=me)
        clock.shift = LONG
        assert await reason(context, promo["code"], by=me) is None

    async def test_a_repeat_holds_it_longer(self, context: AppContext, promo: dict[str, Any], clock: SetClock) -> None:
        again = {"by": uuid4(), "holder": uuid4()}
        await claim(context, promo["code"], **again)
        clock.shift = timedelta(minutes=9)
        await claim(context, promo["code"], **again)
        clock.shift = LONG
        assert await is_used(context, promo)


class TestWithABooking:
    async def test_a_crash_before_keep_loses_nothing(
        self, http: httpx.AsyncClient, context: AppContext, boss: Person, booking: dict[str, Any], clock: SetClock
    ) -> None:
        swept, taken = await make(http, boss, most_uses=1), await make(http, boss, most_uses=1)
        await use_for(context, swept, booking, keep=False)
        other = await book(http, await register(http), await barber(http, context), tomorrow(9))
        await use_for(context, taken, other, keep=False)
        clock.shift = LONG
        assert await is_used(context, taken)
        await context.promo_redemptions.reap()
        assert await is_used(context, swept)
        clock.shift = timedelta()
        for promo in (swept, taken):
            told = await figures(http, boss, promo)
            assert (told["uses"], told["held"], told["left"]) == (1, 0, 0)

    async def test_release_leaves_it_what_it_has(
        self, context: AppContext, promo: dict[str, Any], booking: dict[str, Any]
    ) -> None:
        """A repeat that failed must not give back what the first request has booked."""
        holder = await use_for(context, promo, booking, keep=False)
        await context.promo_redemptions.release(holder)
        assert await is_used(context, promo)

    @pytest.mark.parametrize("action", ["decline", "cancel"])
    async def test_a_visit_that_does_not_come_about_gives_it_back(
        self, http: httpx.AsyncClient, context: AppContext, promo: dict[str, Any], customer: Person, shop: Barber,
        action: str,
    ) -> None:  # fmt: skip
        booking = await book(http, customer, shop, tomorrow(9))
        await use_for(context, promo, booking, keep=True)
        await hand_on(context, booking)
        assert await is_used(context, promo)
        assert (await move(http, shop.auth, booking, action)).status_code == 200
        for _ in range(2):  # whatever the relay hands on may come again
            await hand_on(context, booking)
        assert not await is_used(context, promo)

    async def test_one_called_off_late_has_used_it(
        self, http: httpx.AsyncClient, context: AppContext, promo: dict[str, Any], customer: Person
    ) -> None:
        shop = await barber(http, context, rules={"auto_accept": True})
        terms = {"cancellation": {"cancel_notice_min": 7 * 24 * 60}}
        assert (await http.put("/v1/barbers/me/terms", json=terms, headers=shop.auth)).status_code == 200
        booking = await book(http, customer, shop, tomorrow(9))
        await use_for(context, promo, booking, keep=False)
        assert (await move(http, customer.auth, booking, "cancel")).status_code == 200
        await hand_on(context, booking)
        assert await is_used(context, promo)

    async def test_what_is_given_back_is_not_kept_afterwards(
        self, http: httpx.AsyncClient, context: AppContext, promo: dict[str, Any], booking: dict[str, Any],
        customer: Person,
    ) -> None:  # fmt: skip
        """The customer was quicker than the end of the request that made the booking."""
        holder = await use_for(context, promo, booking, keep=False)
        await move(http, customer.auth, booking, "cancel")
        await hand_on(context, booking)
        await context.promo_redemptions.confirm(holder)
        assert not await is_used(context, promo)


async def hand_on(context: AppContext, booking: dict[str, Any]) -> None:
    """Everything that has happened to it, as the relay would."""
    document = await context.database[BOOKINGS].find_one({"_id": UUID(booking["id"])})
    assert document
    events = PROJECTION.events_of(ChangeRecord(BOOKINGS, document, None, context.clock()))
    await context.followers["promo codes"].handle(events)


class TestFirstVisits:
    async def test_the_platforms_are_first_visits_to_anybody(
        self, http: httpx.AsyncClient, context: AppContext, boss: Person, booking: dict[str, Any], customer: Person
    ) -> None:
        promo = await make(http, boss, first_visit_only=True)
        assert await reason(context, promo["code"], by=customer.id) == "promo_first_visit_only"
        assert await reason(context, promo["code"], by=new_id()) is None
        await move(http, customer.auth, booking, "cancel")
        assert await reason(context, promo["code"], by=customer.id) is None

    async def test_a_barbers_are_first_visits_to_that_barber(
        self, http: httpx.AsyncClient, context: AppContext, shop: Barber, customer: Person
    ) -> None:
        other = await barber(http, context)
        await book(http, customer, shop, tomorrow(9))
        for one, why in ((shop, "promo_first_visit_only"), (other, None)):
            promo = await make(http, one.person, OWN, first_visit_only=True)
            visit = a_visit(barber_id=one.person.id)
            assert await reason(context, promo["code"], by=customer.id, visit=visit) == why

    async def test_the_booking_it_was_claimed_for_may_be_asked_for_again(
        self, http: httpx.AsyncClient, context: AppContext, boss: Person, customer: Person, shop: Barber
    ) -> None:
        promo = await make(http, boss, first_visit_only=True)
        holder = {"by": customer.id, "holder": uuid4()}
        await claim(context, promo["code"], **holder)
        await book(http, customer, shop, tomorrow(9))
        assert await reason(context, promo["code"], **holder) is None
