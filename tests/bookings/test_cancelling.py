"""Test the cost of cancellations and no-shows over HTTP, and waitlist offers."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from grome.infrastructure.container import Container
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, changed, history, move, offered, read, tomorrow
from tests.builders.people import Person, create_admin, register, sign_in_again
from tests.conftest import AdjustableClock

MINUTE, INSTANT = timedelta(minutes=1), timedelta(milliseconds=1)
TERMS = {"cancellation": {"cancel_notice_min": 120, "late_refund_percent": 25, "no_show_refund_percent": 10}}
# The price is 3000, and 1000 are paid.
FREE, LATE = {"fee": 0, "refund": 1000, "due": 0}, {"fee": 2250, "refund": 0, "due": 1250}
NEVER_CAME = {"fee": 2700, "refund": 0, "due": 1700}
START = tomorrow(15)


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    return await barber(http, container, rules={"auto_accept": True}, terms=TERMS)


@pytest.fixture
async def customer(http: httpx.AsyncClient) -> Person:
    return await register(http)


@pytest.fixture
async def visit(http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber) -> dict[str, Any]:
    booking = await book(http, customer, shop, START)
    await changed(container, booking, payment__paid=1000)
    return booking


async def preview(http: httpx.AsyncClient, person: Person, booking: dict[str, Any]) -> httpx.Response:
    return await http.get(f"/v1/bookings/{booking['id']}/cancellation", headers=person.auth)


def cost(answer: dict[str, Any]) -> dict[str, int]:
    return {name: answer[name] for name in FREE}


@pytest.mark.parametrize(
    ("before_start", "costs"),
    [
        (300 * MINUTE, FREE),
        (120 * MINUTE + INSTANT, FREE),
        (120 * MINUTE, FREE),
        (120 * MINUTE - INSTANT, LATE),
        (17 * MINUTE, LATE),
        (INSTANT, LATE),
    ],
    ids=str,
)
async def test_preview_equals_the_cost_of_the_cancellation(
    http: httpx.AsyncClient,
    customer: Person,
    visit: dict[str, Any],
    clock: AdjustableClock,
    before_start: timedelta,
    costs: dict[str, int],
) -> None:
    clock.stopped = START - before_start
    customer = await sign_in_again(http, customer)
    told = (await preview(http, customer, visit)).json()
    assert cost(told) == costs
    assert datetime.fromisoformat(told["free_until"]) == START - 120 * MINUTE
    assert (datetime.fromisoformat(told["at"]), told["currency"]) == (clock.stopped, "EUR")
    assert (await read(http, customer.auth, visit))["settlement"] is None

    expected = {"expected_fee": told["fee"], "expected_refund": told["refund"]}
    ended = await move(http, customer.auth, visit, "cancel", **expected)

    assert ended.status_code == 200, ended.text
    assert ended.json()["settlement"] == costs
    assert (await preview(http, customer, visit)).json()["code"] == "wrong_state"


async def test_cancellation_with_another_expected_cost_is_refused(
    http: httpx.AsyncClient, customer: Person, visit: dict[str, Any], clock: AdjustableClock
) -> None:
    clock.stopped = START - 119 * MINUTE
    customer = await sign_in_again(http, customer)
    for expected in ({"expected_fee": 0}, {"expected_refund": 1000}, {"expected_fee": 2250, "expected_refund": 1}):
        refused = await move(http, customer.auth, visit, "cancel", **expected)
        assert (refused.status_code, refused.json()["code"]) == (409, "settlement_changed")
        assert refused.json()["detail"] == "The fee is 2250 and the refund 0 now, in minor units."
    assert (await read(http, customer.auth, visit))["version"] == 1
    ended = await move(http, customer.auth, visit, "cancel", expected_refund=0)
    again = await move(http, customer.auth, visit, "cancel", expected_refund=1000)  # it is done, so this is no change
    assert again.json() == ended.json()


@pytest.mark.parametrize("who", ["barber", "admin"])
async def test_cancellation_by_barber_or_admin_costs_nothing(
    http: httpx.AsyncClient, container: Container, shop: Barber, visit: dict[str, Any], clock: AdjustableClock, who: str
) -> None:
    clock.stopped = START
    person = await sign_in_again(http, shop.person) if who == "barber" else await create_admin(http, container)
    told = (await preview(http, person, visit)).json()
    assert (cost(told), told["free_until"]) == (FREE, None)
    assert (await move(http, person.auth, visit, "cancel")).json()["settlement"] == FREE


async def test_cancellation_of_a_request_costs_nothing_until_accepted(
    http: httpx.AsyncClient, container: Container, customer: Person, clock: AdjustableClock
) -> None:
    strict = {"cancellation": {**TERMS["cancellation"], "cancel_notice_min": 7 * 24 * 60}}
    shop = await barber(http, container, terms=strict)
    first, second = [await book(http, customer, shop, START + hours * 60 * MINUTE) for hours in (0, 1)]
    asked = (await preview(http, customer, first)).json()
    assert (asked["fee"], asked["free_until"]) == (0, None)
    await move(http, shop.auth, first, "accept")
    answered = (await preview(http, customer, first)).json()
    assert (answered["fee"], answered["refund"], answered["due"]) == (2250, 0, 2250)
    clock.stopped = datetime.fromisoformat(second["answer_by"])
    customer = await sign_in_again(http, customer)
    for answer in (await preview(http, customer, second), await move(http, customer.auth, second, "cancel")):
        assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")


async def test_cancellation_follows_the_terms_at_the_time_of_booking(
    http: httpx.AsyncClient, customer: Person, shop: Barber, visit: dict[str, Any], clock: AdjustableClock
) -> None:
    assert (await http.put("/v1/barbers/me/terms", json={}, headers=shop.auth)).status_code == 200
    clock.stopped = START - MINUTE
    customer = await sign_in_again(http, customer)
    assert (await move(http, customer.auth, visit, "cancel")).json()["settlement"] == LATE


async def test_preview_of_a_foreign_booking_is_not_found(http: httpx.AsyncClient, visit: dict[str, Any]) -> None:
    assert (await preview(http, await register(http), visit)).status_code == 404


@pytest.mark.parametrize(
    ("moment", "told"),
    [
        (START + 5 * MINUTE - INSTANT, "outside_window"),
        (START + 5 * MINUTE, None),
        (START + 30 * MINUTE + timedelta(hours=24), None),
        (START + 30 * MINUTE + timedelta(hours=24) + INSTANT, "outside_window"),
    ],
    ids=str,
)
async def test_no_show_outside_its_window_is_refused(
    http: httpx.AsyncClient,
    shop: Barber,
    visit: dict[str, Any],
    clock: AdjustableClock,
    moment: datetime,
    told: str | None,
) -> None:
    clock.stopped = moment
    auth = (await sign_in_again(http, shop.person)).auth
    answer = await move(http, auth, visit, "no-show", note="I rang twice.")
    if told:
        assert (answer.status_code, answer.json()["code"]) == (409, told)
        return
    ended = answer.json()
    assert (ended["status"], ended["reason"], ended["settlement"]) == ("cancelled", "no_show", NEVER_CAME)
    last = (await history(http, auth, visit))[-1]
    assert (last["action"], last["by"], last["note"]) == ("no_show", "barber", "I rang twice.")
    assert (await move(http, auth, visit, "no-show")).json() == ended
    assert (await move(http, auth, visit, "cancel")).json()["code"] == "wrong_state"


async def test_no_show_frees_the_rest_of_its_time(
    http: httpx.AsyncClient, container: Container, customer: Person, clock: AdjustableClock
) -> None:
    shop = await barber(http, container, durations=(60,), rules={"auto_accept": True})
    booking = await book(http, customer, shop, START)
    clock.stopped = START + 10 * MINUTE
    auth = (await sign_in_again(http, shop.person)).auth
    assert (await move(http, auth, booking, "no-show")).status_code == 200
    await book(http, await sign_in_again(http, customer), shop, START + 15 * MINUTE)


class TestOffers:
    """Tests waitlist offers, which await the customer, and then perhaps the barber."""

    @pytest.mark.parametrize("by", ["system", "barber"])
    async def test_offer_accepted_by_the_customer_is_accepted_if_the_barber_auto_accepts(
        self, http: httpx.AsyncClient, container: Container, shop: Barber, customer: Person, by: str
    ) -> None:
        """Covers barbers that accept automatically, and offers that the barber made."""
        asking = shop if by == "system" else await barber(http, container)
        offer = await offered(http, container, customer, asking, START, by)
        assert (offer["status"], offer["awaits"]) == ("requested", "customer")
        taken = (await move(http, customer.auth, offer, "accept")).json()
        assert (taken["status"], taken["awaits"], taken["answer_by"]) == ("accepted", None, None)
        assert (await move(http, customer.auth, offer, "accept")).json() == taken

    async def test_offer_accepted_by_the_customer_awaits_the_barber(
        self, http: httpx.AsyncClient, container: Container, customer: Person
    ) -> None:
        asked = await barber(http, container)
        offer = await offered(http, container, customer, asked, START)
        wanted = (await move(http, customer.auth, offer, "accept")).json()
        assert (wanted["status"], wanted["awaits"], wanted["version"]) == ("requested", "barber", 2)
        assert datetime.fromisoformat(wanted["answer_by"]) > datetime.fromisoformat(offer["answer_by"])
        last = (await history(http, customer.auth, offer))[-1]
        assert (last["action"], last["status"], last["answer_by"]) == ("accept", "requested", wanted["answer_by"])
        assert (await move(http, customer.auth, offer, "accept")).json() == wanted
        assert (await move(http, customer.auth, offer, "decline")).json()["code"] == "wrong_state"
        assert (await move(http, asked.auth, offer, "accept")).json()["status"] == "accepted"

    async def test_offer_declined_by_the_customer_ends(
        self, http: httpx.AsyncClient, container: Container, shop: Barber, customer: Person
    ) -> None:
        offer = await offered(http, container, customer, shop, START)
        ended = (await move(http, customer.auth, offer, "decline", note="Too early.")).json()
        assert (ended["status"], ended["reason"], ended["awaits"]) == ("cancelled", "declined", None)
        assert (await history(http, shop.auth, offer))[-1]["by"] == "customer"
        await book(http, customer, shop, START)

    @pytest.mark.parametrize("action", ["accept", "decline"])
    async def test_offer_cannot_be_answered_by_the_barber(
        self, http: httpx.AsyncClient, container: Container, shop: Barber, customer: Person, action: str
    ) -> None:
        offer = await offered(http, container, customer, shop, START)
        refused = await move(http, shop.auth, offer, action)
        assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")
        assert refused.json()["detail"] == "The request awaits the customer's answer."

    async def test_offer_expires_without_an_answer(
        self, http: httpx.AsyncClient, container: Container, shop: Barber, customer: Person, clock: AdjustableClock
    ) -> None:
        offer = await offered(http, container, customer, shop, START)
        clock.stopped = datetime.fromisoformat(offer["answer_by"])
        customer = await sign_in_again(http, customer)
        assert (await move(http, customer.auth, offer, "accept")).json()["code"] == "wrong_state"
        ended = await read(http, customer.auth, offer)
        assert (ended["status"], ended["reason"]) == ("cancelled", "expired")
