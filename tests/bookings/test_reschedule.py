"""Test rescheduling over HTTP: immediate changes, proposals, and the time held by proposals."""

import asyncio
from collections import Counter
from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from grome.bookings.jobs import expire_unanswered
from grome.infrastructure.container import Container
from tests.bookings.reschedule_requests import (
    DAY,
    OTHER,
    START,
    accepted,
    answer,
    at,
    changed,
    instant,
    is_free,
    refused,
    reschedule,
)
from tests.builders.barbers import EAGER, Barber, barber
from tests.builders.bookings import book, history, move, read, serve
from tests.builders.people import Person, create_admin, register, sign_in_again
from tests.conftest import AdjustableClock


@pytest.fixture
async def customer(http: httpx.AsyncClient) -> Person:
    return await register(http)


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    """Create a barber that must accept each booking."""
    return await barber(http, container)


@pytest.fixture
async def eager(http: httpx.AsyncClient, container: Container) -> Barber:
    """Create a barber that accepts bookings automatically."""
    return await barber(http, container, rules={"auto_accept": True})


async def test_rescheduled_request_awaits_the_barber_again(
    http: httpx.AsyncClient, customer: Person, shop: Barber, clock: AdjustableClock
) -> None:
    booking = await book(http, customer, shop, START)
    clock.shift = timedelta(minutes=10)
    moved = await changed(await reschedule(http, customer, booking, OTHER, note="Sorry."))
    untouched = {"scheduled_at", "ends_at", "answer_by", "version"}
    assert {name: value for name, value in moved.items() if name not in untouched} == {
        name: value for name, value in booking.items() if name not in untouched
    }
    assert (moved["scheduled_at"], moved["ends_at"]) == (at(OTHER), at(OTHER + timedelta(minutes=30)))
    assert instant(moved["answer_by"]) - instant(booking["answer_by"]) >= timedelta(minutes=10)
    last = (await history(http, shop.auth, booking))[-1]
    assert (last["action"], last["status"], last["by"], last["version"]) == ("reschedule", "requested", "customer", 2)
    assert (last["scheduled_at"], last["note"]) == (at(OTHER), "Sorry.")
    assert await is_free(http, shop, START)
    assert not await is_free(http, shop, OTHER)


async def test_visit_of_an_auto_accepting_barber_is_rescheduled_at_once(
    http: httpx.AsyncClient, customer: Person, eager: Barber
) -> None:
    booking = await book(http, customer, eager, START)
    moved = await changed(await reschedule(http, customer, booking, OTHER))
    expected = {"scheduled_at": at(OTHER), "ends_at": at(OTHER + timedelta(minutes=30)), "version": 2}
    assert moved == {**booking, **expected}
    assert moved == await changed(await reschedule(http, customer, booking, OTHER)), "a repeat changes nothing"
    assert await is_free(http, eager, START)


async def test_visit_can_be_rescheduled_into_its_own_time(
    http: httpx.AsyncClient, customer: Person, eager: Barber
) -> None:
    """The ticks of the booking itself do not block its new time."""
    booking = await book(http, customer, eager, START)
    for minutes in (15, 5, -10):
        moved = await changed(await reschedule(http, customer, booking, START + timedelta(minutes=minutes)))
        assert moved["scheduled_at"] == at(START + timedelta(minutes=minutes))
    assert await is_free(http, eager, START + timedelta(minutes=20))


async def test_refused_reschedule_keeps_the_time(
    http: httpx.AsyncClient, container: Container, customer: Person
) -> None:
    shop = await barber(http, container, rules={"auto_accept": True, "slot_step_min": 30, "min_notice_min": 60})
    booking = await book(http, customer, shop, START)
    await book(http, await register(http), shop, OTHER)
    assert refused(await reschedule(http, customer, booking, OTHER), 409, "slot_taken")
    for start, rule in {
        OTHER + timedelta(minutes=31): "misaligned",
        OTHER + timedelta(minutes=10): "off_grid",
        OTHER + timedelta(days=400): "beyond_horizon",
        OTHER - timedelta(days=400): "too_soon",
    }.items():
        answered = await reschedule(http, customer, booking, start)
        assert refused(answered, 422, "slot_not_offered")
        assert answered.json()["errors"] == [{"field": "scheduled_at", "message": rule}]
    read = await http.get(f"/v1/bookings/{booking['id']}", headers=customer.auth)
    assert read.json() == booking
    assert not await is_free(http, shop, START)


async def test_reschedule_of_an_accepted_visit_is_a_proposal_that_holds_both_times(
    http: httpx.AsyncClient, customer: Person, shop: Barber
) -> None:
    booking = await accepted(http, customer, shop)
    asked = await changed(await reschedule(http, customer, booking, OTHER))
    proposal = asked["proposal"]
    assert (asked["status"], asked["scheduled_at"], asked["version"]) == ("accepted", at(START), 3)
    assert (proposal["scheduled_at"], proposal["awaits"]) == (at(OTHER), "barber")
    assert not await is_free(http, shop, START)
    assert not await is_free(http, shop, OTHER)
    assert asked == await changed(await reschedule(http, customer, booking, OTHER)), "a repeat changes nothing"
    assert refused(await answer(http, customer, booking, "accept"), 409, "no_proposal")

    moved = await changed(await answer(http, shop.person, booking, "accept", note="Fine."))
    assert (moved["status"], moved["scheduled_at"], moved["proposal"]) == ("accepted", at(OTHER), None)
    assert await is_free(http, shop, START)
    assert not await is_free(http, shop, OTHER)
    assert moved == await changed(await answer(http, shop.person, booking, "accept"))
    told = [(one["action"], one["by"], one["scheduled_at"]) for one in await history(http, customer.auth, booking)]
    assert told[2:] == [("propose", "customer", at(OTHER)), ("reschedule", "barber", at(OTHER))]


@pytest.mark.parametrize(
    ("word", "who", "action"), [("decline", "barber", "reject"), ("withdraw", "customer", "withdraw")]
)
async def test_declined_proposal_leaves_the_booking_unchanged(
    http: httpx.AsyncClient, customer: Person, shop: Barber, word: str, who: str, action: str
) -> None:
    near = START + timedelta(minutes=15)  # shares ticks with the present time
    booking = await accepted(http, customer, shop)
    await changed(await reschedule(http, customer, booking, near))
    assert not await is_free(http, shop, START + timedelta(minutes=30))
    person, other = (shop.person, customer) if who == "barber" else (customer, shop.person)
    assert refused(await answer(http, other, booking, word), 409, "no_proposal")
    left = await changed(await answer(http, person, booking, word))
    assert left == {**booking, "version": 4}
    assert left == await changed(await answer(http, person, booking, word))
    last = (await history(http, customer.auth, booking))[-1]
    assert (last["action"], last["by"], last["scheduled_at"]) == (action, who, at(near))
    assert await is_free(http, shop, START + timedelta(minutes=30))
    assert not await is_free(http, shop, START)
    assert refused(await answer(http, person, booking, "accept"), 409, "no_proposal")


async def test_barber_can_propose_any_free_time(
    http: httpx.AsyncClient, container: Container, customer: Person
) -> None:
    closed = {
        day: {"is_available": True, "start_time": "09:00", "end_time": "13:00"}
        for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    }
    shop = await barber(http, container, timezone="UTC", hours=closed, rules={"min_notice_min": 600})
    booking = await accepted(http, customer, shop)
    await book(http, customer, shop, START + timedelta(hours=2))
    assert refused(await reschedule(http, customer, booking, OTHER), 422, "slot_not_offered")
    assert refused(await reschedule(http, shop.person, booking, START + timedelta(hours=2)), 409, "slot_taken")
    for start in (OTHER + timedelta(minutes=1), START - 30 * DAY, START + 367 * DAY):
        assert refused(await reschedule(http, shop.person, booking, start), 422, "slot_not_offered")
    asked = await changed(await reschedule(http, shop.person, booking, OTHER))
    assert (asked["scheduled_at"], asked["proposal"]["awaits"]) == (at(START), "customer")
    moved = await changed(await answer(http, customer, booking, "accept"))
    assert (moved["status"], moved["scheduled_at"]) == ("accepted", at(OTHER))


async def test_proposal_to_a_request_is_a_counter_offer(
    http: httpx.AsyncClient, customer: Person, shop: Barber
) -> None:
    booking = await book(http, customer, shop, START)
    offered = await changed(await reschedule(http, shop.person, booking, OTHER))
    assert (offered["status"], offered["proposal"]["awaits"]) == ("requested", "customer")
    agreed = await changed(await answer(http, customer, booking, "accept"))
    assert (agreed["status"], agreed["scheduled_at"]) == ("accepted", at(OTHER))
    assert (agreed["awaits"], agreed["answer_by"], agreed["proposal"]) == (None, None, None)
    assert await is_free(http, shop, START)


async def test_declined_counter_offer_leaves_the_request(
    http: httpx.AsyncClient, customer: Person, shop: Barber
) -> None:
    booking = await book(http, customer, shop, START)
    await changed(await reschedule(http, shop.person, booking, OTHER))
    left = await changed(await answer(http, customer, booking, "decline"))
    assert left == {**booking, "version": 3}
    await changed(await reschedule(http, shop.person, booking, OTHER))
    taken = await changed(await move(http, shop.auth, booking, "accept"))
    assert (taken["status"], taken["scheduled_at"], taken["proposal"]) == ("accepted", at(START), None)
    assert await is_free(http, shop, OTHER)


async def test_requesting_the_proposed_time_accepts_the_proposal(
    http: httpx.AsyncClient, customer: Person, shop: Barber
) -> None:
    booking = await book(http, customer, shop, START)
    await changed(await reschedule(http, shop.person, booking, OTHER))
    agreed = await changed(await reschedule(http, customer, booking, OTHER))
    assert (agreed["status"], agreed["scheduled_at"], agreed["proposal"]) == ("accepted", at(OTHER), None)


async def test_second_proposal_replaces_the_first(http: httpx.AsyncClient, customer: Person, shop: Barber) -> None:
    booking = await accepted(http, customer, shop)
    first = await changed(await reschedule(http, customer, booking, OTHER))
    later = OTHER + timedelta(hours=2)
    second = await changed(await reschedule(http, customer, booking, later))
    assert second["proposal"]["scheduled_at"] == at(later)
    assert await is_free(http, shop, OTHER)
    # The barber has read the first proposal, so this answer must not accept the second.
    late = await answer(http, shop.person, booking, "accept", version=first["version"])
    assert refused(late, 409, "changed_meanwhile")
    assert (await changed(await answer(http, shop.person, booking, "accept", version=4)))["scheduled_at"] == at(later)


async def test_reschedule_with_an_old_version_is_refused(
    http: httpx.AsyncClient, customer: Person, eager: Barber
) -> None:
    booking = await book(http, customer, eager, START)
    assert refused(await reschedule(http, customer, booking, OTHER, version=2), 409, "changed_meanwhile")
    moved = await changed(await reschedule(http, customer, booking, OTHER, version=1))
    assert moved == await changed(await reschedule(http, customer, booking, OTHER, version=1)), "the answer was lost"


async def test_reschedule_by_the_customer_ends_with_the_notice_of_the_terms(
    http: httpx.AsyncClient, container: Container, customer: Person, clock: AdjustableClock
) -> None:
    shop = await barber(http, container, rules={"auto_accept": True})
    terms = {"cancellation": {"reschedule_notice_min": 24 * 60}}
    assert (await http.put("/v1/barbers/me/terms", json=terms, headers=shop.auth)).status_code == 200
    booking = await book(http, customer, shop, START)
    clock.set(START - DAY - timedelta(minutes=1))
    customer, person = await sign_in_again(http, customer), await sign_in_again(http, shop.person)
    assert (await changed(await reschedule(http, customer, booking, OTHER)))["scheduled_at"] == at(OTHER)
    clock.set(OTHER - DAY + timedelta(minutes=1))
    customer, person = await sign_in_again(http, customer), await sign_in_again(http, shop.person)
    late = await reschedule(http, customer, booking, OTHER + DAY)
    assert refused(late, 409, "too_late_to_reschedule")
    assert (OTHER - DAY).isoformat() in late.json()["detail"]
    boss = await create_admin(http, container)
    assert (await changed(await reschedule(http, boss, booking, START + DAY)))["scheduled_at"] == at(START + DAY)
    assert (await changed(await reschedule(http, person, booking, OTHER + DAY)))["proposal"]["awaits"] == "customer"
    again = START + DAY + timedelta(hours=2)
    assert (await changed(await reschedule(http, customer, booking, again)))["scheduled_at"] == at(again)


async def test_reschedule_of_a_started_or_ended_visit_is_refused(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber, clock: AdjustableClock
) -> None:
    begun, over = await accepted(http, customer, shop), await accepted(http, customer, shop, OTHER)
    await serve(container, begun, "start")
    await changed(await move(http, customer.auth, over, "cancel"))
    past = await accepted(http, customer, shop, START + timedelta(hours=1))
    clock.set(START + timedelta(hours=1))
    customer, boss = await sign_in_again(http, customer), await create_admin(http, container)
    person = await sign_in_again(http, shop.person)
    for booking in (begun, over, past):
        for who in (customer, person, boss):
            assert refused(await reschedule(http, who, booking, OTHER + DAY), 409, "wrong_state")


@pytest.mark.parametrize("action", ["start", "cancel"])
async def test_transition_closes_the_open_proposal(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber, action: str
) -> None:
    booking = await accepted(http, customer, shop)
    await changed(await reschedule(http, customer, booking, OTHER))
    await serve(container, booking, action)
    assert (await read(http, shop.auth, booking))["proposal"] is None
    assert await is_free(http, shop, OTHER)
    stored = await container.database["bookings"].find_one({"_id": UUID(booking["id"])})
    assert stored is not None
    assert len(stored["ticks"]) == 6
    assert refused(await answer(http, shop.person, booking, "accept"), 409, "no_proposal")


@pytest.mark.parametrize("by_job", [True, False], ids=["the job", "whoever comes first"])
async def test_unanswered_proposal_lapses(
    http: httpx.AsyncClient,
    container: Container,
    customer: Person,
    shop: Barber,
    clock: AdjustableClock,
    *,
    by_job: bool,
) -> None:
    booking = await accepted(http, customer, shop)
    asked = await changed(await reschedule(http, customer, booking, OTHER))
    deadline = instant(asked["proposal"]["answer_by"])
    assert deadline <= START
    clock.set(deadline + timedelta(seconds=1))
    person = await sign_in_again(http, shop.person)
    if by_job:
        await expire_unanswered({"container": container})
    assert refused(await answer(http, person, booking, "accept"), 409, "no_proposal")
    read = (await http.get(f"/v1/bookings/{booking['id']}", headers=person.auth)).json()
    assert read == {**booking, "version": 4}
    last = (await history(http, person.auth, booking))[-1]
    assert (last["action"], last["by"], last["scheduled_at"]) == ("lapse", "system", at(OTHER))
    assert await is_free(http, shop, OTHER)


async def test_request_does_not_expire_before_its_counter_offer(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber, clock: AdjustableClock
) -> None:
    """The request expires together with the proposal if its own deadline has passed."""
    declined, lapsed = await book(http, customer, shop, START), await book(http, customer, shop, OTHER)
    clock.shift = timedelta(hours=20)
    person = await sign_in_again(http, shop.person)
    for booking in (declined, lapsed):
        start = instant(booking["scheduled_at"]) + timedelta(hours=1)
        await changed(await reschedule(http, person, booking, start))
    clock.shift = timedelta(hours=30)  # behind the requests' own deadlines
    customer = await sign_in_again(http, customer)
    await expire_unanswered({"container": container})
    ended = await changed(await answer(http, customer, declined, "decline"))
    assert (ended["status"], ended["reason"], ended["version"]) == ("cancelled", "expired", 4)
    clock.shift = timedelta(hours=45)
    customer = await sign_in_again(http, customer)
    # No job has run yet, and the proposed time can be booked all the same.
    await book(http, customer, shop, OTHER + timedelta(hours=1))
    told = await history(http, customer.auth, lapsed)
    assert [one["action"] for one in told] == ["create", "propose", "lapse", "expire"]


async def test_rescheduled_visit_keeps_or_changes_its_seat_under_a_daily_cap(
    http: httpx.AsyncClient, container: Container, customer: Person
) -> None:
    """The visit keeps its seat on its day, needs a seat on another day, and holds both during a proposal."""
    shop = await barber(http, container, rules={"auto_accept": True, "daily_cap": 1})
    booking = await book(http, customer, shop, START)
    assert not await is_free(http, shop, OTHER)
    await changed(await reschedule(http, customer, booking, OTHER))
    await changed(await reschedule(http, customer, booking, OTHER + DAY))
    assert await is_free(http, shop, START)
    other = await book(http, customer, shop, START)
    assert refused(await reschedule(http, customer, booking, START + timedelta(hours=3)), 422, "slot_not_offered")
    assert refused(await reschedule(http, shop.person, booking, START + timedelta(hours=3)), 422, "slot_not_offered")
    await changed(await reschedule(http, shop.person, other, START + 2 * DAY))
    assert not await is_free(http, shop, OTHER + 2 * DAY)
    assert not await is_free(http, shop, OTHER)
    await changed(await answer(http, customer, other, "accept"))
    assert await is_free(http, shop, OTHER)


async def test_slots_of_a_booking_are_the_times_of_successful_reschedules(
    http: httpx.AsyncClient, container: Container, customer: Person
) -> None:
    shop = await barber(http, container, rules={"auto_accept": True, "slot_step_min": 30})
    booking = await book(http, customer, shop, START)
    await book(http, customer, shop, OTHER)
    days = {"from": str(START.date()), "to": str(START.date())}
    url = f"/v1/bookings/{booking['id']}/slots"
    for person in (customer, shop.person):
        response = await http.get(url, params=days, headers=person.auth)
        assert response.status_code == 200, response.text
        (day,) = response.json()["days"]
        starts = {slot["start"] for slot in day["slots"]}
        assert at(START) in starts
        assert at(OTHER) not in starts
        assert len(starts) == 47
    await changed(await reschedule(http, customer, booking, instant(max(starts))))
    wrong = await http.get(url, params={"from": "2027-03-02", "to": "2027-03-01"}, headers=customer.auth)
    assert refused(wrong, 422, "invalid")
    await move(http, customer.auth, booking, "cancel")
    assert refused(await http.get(url, params=days, headers=customer.auth), 409, "wrong_state")


async def test_visit_above_a_lowered_cap_keeps_its_seat(
    http: httpx.AsyncClient, container: Container, customer: Person
) -> None:
    """The visit can be rescheduled to each listed slot of its day, although the day is full for other visits."""
    rules = {"auto_accept": True, "slot_step_min": 30}
    shop = await barber(http, container, rules={**rules, "daily_cap": 3})
    bookings = [await book(http, customer, shop, START + timedelta(hours=hour)) for hour in range(3)]
    await http.put("/v1/barbers/me/rules", json={**EAGER, **rules, "daily_cap": 2}, headers=shop.auth)
    assert not await is_free(http, shop, OTHER)
    days = {"from": str(START.date()), "to": str(START.date())}
    response = await http.get(f"/v1/bookings/{bookings[0]['id']}/slots", params=days, headers=customer.auth)
    (day,) = response.json()["days"]
    assert at(OTHER) in {slot["start"] for slot in day["slots"]}
    await changed(await reschedule(http, customer, bookings[0], OTHER))


async def test_identical_concurrent_reschedules_need_one_seat(
    http: httpx.AsyncClient, container: Container, customer: Person
) -> None:
    """No request fails because the booking itself has taken the last seat."""
    shop = await barber(http, container, rules={"auto_accept": True, "daily_cap": 1})
    booking, boss = await book(http, customer, shop, START), await create_admin(http, container)
    for days in range(1, 6):
        moves = (reschedule(http, person, booking, START + days * DAY) for person in (customer, boss) * 4)
        assert [(one.status_code, one.text) for one in await asyncio.gather(*moves) if one.status_code != 200] == []
    assert len(await history(http, customer.auth, booking)) == 6


async def test_rescheduled_visit_keeps_booked_durations_and_prices(
    http: httpx.AsyncClient, container: Container, customer: Person
) -> None:
    """Price and duration are as booked; buffers and the required approval follow the barber's current rules."""
    shop = await barber(http, container, durations=(30, 15), rules={"auto_accept": True})
    booking = await book(http, customer, shop, START, services=(0, 1))
    offer = {"service_id": shop.services[0][0], "price": 1, "duration_min": 120}
    await http.put("/v1/barbers/me/services", json={"services": [offer]}, headers=shop.auth)
    rules = {**EAGER, "auto_accept": True, "buffer_after_min": 10}
    await http.put("/v1/barbers/me/rules", json=rules, headers=shop.auth)
    moved = await changed(await reschedule(http, customer, booking, OTHER))
    times = {"scheduled_at": at(OTHER), "ends_at": at(OTHER + timedelta(minutes=45)), "version": 2}
    assert moved == {**booking, **times}
    stored = await container.database["bookings"].find_one({"_id": UUID(booking["id"])})
    assert stored is not None
    assert len(stored["ticks"]) == (45 + 10) // 5


async def test_forty_concurrent_reschedules_to_one_time_have_one_winner(http: httpx.AsyncClient, eager: Barber) -> None:
    owners = [await register(http) for _ in range(8)]
    bookings = [await book(http, owner, eager, START + timedelta(minutes=30 * n)) for n, owner in enumerate(owners)]
    wanted = START + timedelta(hours=6)
    answers = await asyncio.gather(*(reschedule(http, owners[n % 8], bookings[n % 8], wanted) for n in range(40)))
    won = [n % 8 for n, one in enumerate(answers) if one.status_code == 200]
    assert len(set(won)) == 1
    assert {one.json()["code"] for one in answers if one.status_code != 200} == {"slot_taken"}
    winner = bookings[won[0]]
    assert len(await history(http, eager.auth, winner)) == 2
    assert await is_free(http, eager, instant(winner["scheduled_at"]))


async def test_concurrent_accept_and_withdrawal_have_one_winner(
    http: httpx.AsyncClient, customer: Person, shop: Barber
) -> None:
    booking = await accepted(http, customer, shop)
    for _ in range(5):
        now = instant((await http.get(f"/v1/bookings/{booking['id']}", headers=customer.auth)).json()["scheduled_at"])
        wanted = OTHER if now == START else START
        await changed(await reschedule(http, customer, booking, wanted))
        answers = await asyncio.gather(
            answer(http, customer, booking, "withdraw"),
            answer(http, shop.person, booking, "accept"),
            answer(http, shop.person, booking, "decline"),
        )
        assert Counter(one.status_code for one in answers) == {200: 1, 409: 2}
        read = (await http.get(f"/v1/bookings/{booking['id']}", headers=customer.auth)).json()
        assert read["scheduled_at"] == at(wanted if answers[1].status_code == 200 else now)
        assert read["proposal"] is None


async def test_reschedule_of_a_foreign_booking_is_not_found(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber
) -> None:
    booking = await accepted(http, customer, shop)
    for stranger in (await register(http), (await barber(http, container)).person):
        assert refused(await reschedule(http, stranger, booking, OTHER), 404, "not_found")
        for word in ("accept", "decline", "withdraw"):
            assert refused(await answer(http, stranger, booking, word), 404, "not_found")
