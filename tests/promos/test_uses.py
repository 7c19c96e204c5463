"""A use is confirmed or given back, as its booking is stored, missing, kept or cancelled."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from grome.common.ids import new_id
from grome.composition.projection import PROJECTION
from grome.infrastructure.container import Container
from grome.infrastructure.outbox.models import BOOKINGS, ChangeRecord
from grome.infrastructure.outbox.relay import Subscribers
from grome.promos.jobs import sweep_promo_holds
from grome.promos.redemptions import HOLD_GRACE, PromoRedemptions
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, move, tomorrow
from tests.builders.people import Person, create_admin, register
from tests.builders.promos import OWN, claim_use, create_promo, priced_visit, read_figures, rejection_of
from tests.builders.unreadable import store_unreadable
from tests.conftest import AdjustableClock

SECOND = timedelta(seconds=1)
LONG = timedelta(minutes=10) + HOLD_GRACE + SECOND


@pytest.fixture
async def boss(http: httpx.AsyncClient, container: Container) -> Person:
    return await create_admin(http, container)


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    return await barber(http, container)


@pytest.fixture
async def promo(http: httpx.AsyncClient, boss: Person) -> dict[str, Any]:
    """Return a promo with a limit of one use."""
    return await create_promo(http, boss, most_uses=1)


@pytest.fixture
async def customer(http: httpx.AsyncClient) -> Person:
    return await register(http)


@pytest.fixture
async def booking(http: httpx.AsyncClient, customer: Person, shop: Barber) -> dict[str, Any]:
    return await book(http, customer, shop, tomorrow(9))


async def use_for(container: Container, promo: dict[str, Any], booking: dict[str, Any], *, keep: bool) -> UUID:
    holder, by = UUID(booking["id"]), UUID(booking["customer_id"])
    await claim_use(
        container, promo["code"], by=by, holder=holder, visit=priced_visit(barber_id=UUID(booking["barber_id"]))
    )
    if keep:
        await container.get(PromoRedemptions).confirm(holder)
    return holder


async def is_used(container: Container, promo: dict[str, Any]) -> bool:
    """Return whether the promo's single use is taken."""
    probe = uuid4()
    refused = await rejection_of(container, promo["code"], holder=probe)
    await container.get(PromoRedemptions).release(probe)
    return refused == "promo_exhausted"


class TestWithoutABooking:
    """The process died between claim and insert, or the quote was never booked."""

    async def test_overdue_claim_is_kept_until_its_grace_ends(
        self, container: Container, promo: dict[str, Any], clock: AdjustableClock
    ) -> None:
        await claim_use(container, promo["code"])
        clock.shift = timedelta(minutes=10) + HOLD_GRACE - 20 * SECOND
        await container.get(PromoRedemptions).reap()
        assert await is_used(container, promo)

    async def test_reap_passes_an_unreadable_booking(
        self,
        http: httpx.AsyncClient,
        container: Container,
        boss: Person,
        booking: dict[str, Any],
        promo: dict[str, Any],
        clock: AdjustableClock,
    ) -> None:
        first = await create_promo(http, boss, most_uses=1)
        stored = await container.database[BOOKINGS].find_one({"_id": UUID(booking["id"])})
        assert stored
        bad = await store_unreadable(container.database, BOOKINGS, stored, ticks=[1], status="unheard_of")
        await claim_use(container, first["code"], holder=bad["_id"])
        await claim_use(container, promo["code"])
        clock.shift = LONG
        await container.get(PromoRedemptions).reap()
        await container.database[BOOKINGS].delete_one({"_id": bad["_id"]})
        assert not await is_used(container, promo)

    async def test_reap_gives_an_overdue_claim_back(
        self, http: httpx.AsyncClient, container: Container, boss: Person, clock: AdjustableClock
    ) -> None:
        promo = await create_promo(http, boss)
        await claim_use(container, promo["code"])
        assert (await read_figures(http, boss, promo))["held"] == 1
        clock.shift = LONG
        await sweep_promo_holds({"container": container})
        clock.shift = timedelta()
        assert (await read_figures(http, boss, promo))["held"] == 0

    async def test_next_claim_takes_an_overdue_use_without_reap(
        self, container: Container, promo: dict[str, Any], clock: AdjustableClock
    ) -> None:
        late = uuid4()
        await claim_use(container, promo["code"], holder=late)
        clock.shift = LONG
        assert await rejection_of(container, promo["code"]) is None
        await container.get(PromoRedemptions).confirm(late)
        assert await rejection_of(container, promo["code"], holder=late) == "promo_exhausted"

    async def test_next_claim_of_a_customer_takes_an_overdue_use_without_reap(
        self, http: httpx.AsyncClient, container: Container, boss: Person, clock: AdjustableClock
    ) -> None:
        promo, me = await create_promo(http, boss, most_uses_each=1), uuid4()
        await claim_use(container, promo["code"], by=me)
        clock.shift = LONG
        assert await rejection_of(container, promo["code"], by=me) is None

    async def test_repeated_claim_extends_the_hold(
        self, container: Container, promo: dict[str, Any], clock: AdjustableClock
    ) -> None:
        again = {"by": uuid4(), "holder": uuid4()}
        await claim_use(container, promo["code"], **again)
        clock.shift = timedelta(minutes=9)
        await claim_use(container, promo["code"], **again)
        clock.shift = LONG
        assert await is_used(container, promo)


class TestWithABooking:
    async def test_crash_before_confirm_keeps_the_use_of_a_stored_booking(
        self,
        http: httpx.AsyncClient,
        container: Container,
        boss: Person,
        booking: dict[str, Any],
        clock: AdjustableClock,
    ) -> None:
        swept, taken = await create_promo(http, boss, most_uses=1), await create_promo(http, boss, most_uses=1)
        await use_for(container, swept, booking, keep=False)
        other = await book(http, await register(http), await barber(http, container), tomorrow(9))
        await use_for(container, taken, other, keep=False)
        clock.shift = LONG
        assert await is_used(container, taken)
        await container.get(PromoRedemptions).reap()
        assert await is_used(container, swept)
        clock.shift = timedelta()
        for promo in (swept, taken):
            told = await read_figures(http, boss, promo)
            assert (told["uses"], told["held"], told["left"]) == (1, 0, 0)

    async def test_release_keeps_the_use_of_a_stored_booking(
        self, container: Container, promo: dict[str, Any], booking: dict[str, Any]
    ) -> None:
        """A failed repeat must not give back the use of the first request's booking."""
        holder = await use_for(container, promo, booking, keep=False)
        await container.get(PromoRedemptions).release(holder)
        assert await is_used(container, promo)

    @pytest.mark.parametrize("action", ["decline", "cancel"])
    async def test_booking_that_ends_without_a_visit_gives_the_use_back(
        self, http: httpx.AsyncClient, container: Container, promo: dict[str, Any], customer: Person, shop: Barber,
        action: str,
    ) -> None:  # fmt: skip
        booking = await book(http, customer, shop, tomorrow(9))
        await use_for(container, promo, booking, keep=True)
        await hand_on(container, booking)
        assert await is_used(container, promo)
        assert (await move(http, shop.auth, booking, action)).status_code == 200
        for _ in range(2):  # the relay may deliver an event again
            await hand_on(container, booking)
        assert not await is_used(container, promo)

    async def test_late_cancellation_keeps_the_use(
        self, http: httpx.AsyncClient, container: Container, promo: dict[str, Any], customer: Person
    ) -> None:
        shop = await barber(http, container, rules={"auto_accept": True})
        terms = {"cancellation": {"cancel_notice_min": 7 * 24 * 60}}
        assert (await http.put("/v1/barbers/me/terms", json=terms, headers=shop.auth)).status_code == 200
        booking = await book(http, customer, shop, tomorrow(9))
        await use_for(container, promo, booking, keep=False)
        assert (await move(http, customer.auth, booking, "cancel")).status_code == 200
        await hand_on(container, booking)
        assert await is_used(container, promo)

    async def test_confirm_after_a_given_back_use_stores_nothing(
        self, http: httpx.AsyncClient, container: Container, promo: dict[str, Any], booking: dict[str, Any],
        customer: Person,
    ) -> None:  # fmt: skip
        """The customer cancels before the request that made the booking has ended."""
        holder = await use_for(container, promo, booking, keep=False)
        await move(http, customer.auth, booking, "cancel")
        await hand_on(container, booking)
        await container.get(PromoRedemptions).confirm(holder)
        assert not await is_used(container, promo)


async def hand_on(container: Container, booking: dict[str, Any]) -> None:
    """Deliver all events of the booking to the promos, as the relay does."""
    document = await container.database[BOOKINGS].find_one({"_id": UUID(booking["id"])})
    assert document
    events = PROJECTION.events_of(ChangeRecord(BOOKINGS, document, None, container.clock()))
    await container.get(Subscribers)["promo codes"].handle(events)


class TestFirstVisits:
    async def test_platform_first_visit_promo_counts_bookings_with_any_barber(
        self, http: httpx.AsyncClient, container: Container, boss: Person, booking: dict[str, Any], customer: Person
    ) -> None:
        promo = await create_promo(http, boss, first_visit_only=True)
        assert await rejection_of(container, promo["code"], by=customer.id) == "promo_first_visit_only"
        assert await rejection_of(container, promo["code"], by=new_id()) is None
        await move(http, customer.auth, booking, "cancel")
        assert await rejection_of(container, promo["code"], by=customer.id) is None

    async def test_barbers_first_visit_promo_counts_bookings_with_that_barber(
        self, http: httpx.AsyncClient, container: Container, shop: Barber, customer: Person
    ) -> None:
        other = await barber(http, container)
        await book(http, customer, shop, tomorrow(9))
        for one, why in ((shop, "promo_first_visit_only"), (other, None)):
            promo = await create_promo(http, one.person, OWN, first_visit_only=True)
            visit = priced_visit(barber_id=one.person.id)
            assert await rejection_of(container, promo["code"], by=customer.id, visit=visit) == why

    async def test_first_visit_claim_is_repeatable_for_its_own_booking(
        self, http: httpx.AsyncClient, container: Container, boss: Person, customer: Person, shop: Barber
    ) -> None:
        promo = await create_promo(http, boss, first_visit_only=True)
        holder = {"by": customer.id, "holder": uuid4()}
        await claim_use(container, promo["code"], **holder)
        await book(http, customer, shop, tomorrow(9))
        assert await rejection_of(container, promo["code"], **holder) is None
