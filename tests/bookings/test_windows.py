"""Test the window of each action, at an instant before and after each edge."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import msgspec
import pytest

from grome.barbers.models import CancellationPolicy, Terms
from grome.bookings.cancellation_policy import settles_at
from grome.bookings.jobs import close_overdue
from grome.bookings.models import (
    Action,
    Booking,
    HistoryEntry,
    Party,
    Payment,
    PaymentStatus,
    Proposal,
    Status,
)
from grome.bookings.windows import Window, find_overdue_action, review_window, seat_window, window_of
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import ask, book, changed, history, move, read, serve, tomorrow
from tests.builders.people import Person, create_admin, register, sign_in_again
from tests.conftest import AdjustableClock

START = datetime(2030, 1, 1, 9, tzinfo=UTC)
MINUTE, HOUR, DAY, INSTANT = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(milliseconds=1)
END = START + 30 * MINUTE
TERMS = Terms(CancellationPolicy(cancel_notice_min=120, reschedule_notice_min=60))
CUSTOMER, BARBER, ADMIN = Party.CUSTOMER, Party.BARBER, Party.ADMIN


def entry(version: int, action: Action, status: Status, at: datetime) -> HistoryEntry:
    return HistoryEntry(
        id=new_id(), version=version, action=action, status=status, by=BARBER, actor_id=None, at=at, scheduled_at=START
    )


def a_booking(status: Status = Status.ACCEPTED, *moves: tuple[Action, datetime], **fields: Any) -> Booking:
    made = [(Action.CREATE, START - DAY), *moves]
    booking = Booking(
        id=new_id(),
        customer_id=new_id(),
        barber_id=new_id(),
        services=[],
        scheduled_at=START,
        ends_at=END,
        ticks=[],
        active=True,
        status=status,
        price=1000,
        currency="EUR",
        payment=Payment(PaymentStatus.PENDING, 1000, "EUR"),
        terms=TERMS,
        version=len(made),
        history=[entry(number, action, status, at) for number, (action, at) in enumerate(made, 1)],
        created_at=START - DAY,
    )
    return msgspec.structs.replace(booking, **fields)


def a_proposal(answer_by: datetime) -> Proposal:
    return Proposal(
        scheduled_at=START + DAY, ends_at=END + DAY, ticks=[], instead_of=[], awaits=CUSTOMER, answer_by=answer_by
    )


ACCEPTED, LATE = a_booking(), a_booking(late_min=90, scheduled_at=START + 90 * MINUTE, ends_at=END + 90 * MINUTE)
REQUESTED = a_booking(Status.REQUESTED, answer_by=START - HOUR)
STARTED = a_booking(Status.IN_PROGRESS, (Action.START, START))
STARTED_LATE = a_booking(Status.IN_PROGRESS, (Action.START, END + 20 * HOUR))
STARTED_AGAIN = a_booking(
    Status.IN_PROGRESS, (Action.START, START), (Action.UNDO, START + MINUTE), (Action.START, START + 2 * MINUTE)
)
DONE = a_booking(Status.COMPLETED, (Action.START, START), (Action.COMPLETE, END))
MISSED = a_booking(Status.CANCELLED, (Action.NO_SHOW, START + HOUR), (Action.NOTE, START + 2 * HOUR))
PROPOSED = a_booking(Status.REQUESTED, answer_by=START - 3 * HOUR, proposal=a_proposal(START - 2 * HOUR))
JUST_BEFORE = START - INSTANT
# For each action: the booking, the party, and the first and the last moment, or None.
TABLE = [
    (Action.CREATE, ACCEPTED, CUSTOMER, None, None),
    (Action.OFFER, ACCEPTED, Party.SYSTEM, None, None),
    (Action.ACCEPT, REQUESTED, BARBER, None, START - HOUR - INSTANT),
    (Action.ACCEPT, PROPOSED, BARBER, None, START - 2 * HOUR - INSTANT),
    (Action.DECLINE, REQUESTED, BARBER, None, START - HOUR - INSTANT),
    (Action.START, ACCEPTED, BARBER, START - 2 * HOUR, END + 24 * HOUR),
    (Action.START, LATE, BARBER, START - HOUR / 2, END + 25.5 * HOUR),
    (Action.COMPLETE, STARTED, BARBER, None, END + 24 * HOUR),
    (Action.COMPLETE, STARTED_LATE, BARBER, None, END + 44 * HOUR),
    (Action.NO_SHOW, ACCEPTED, BARBER, START + 5 * MINUTE, END + 24 * HOUR),
    (Action.NO_SHOW, LATE, BARBER, START + 95 * MINUTE, END + 25.5 * HOUR),
    (Action.UNDO, STARTED, BARBER, None, START + 15 * MINUTE),
    (Action.UNDO, STARTED_AGAIN, BARBER, None, START + 17 * MINUTE),
    (Action.UNDO, MISSED, BARBER, None, START + 75 * MINUTE),
    (Action.CANCEL, ACCEPTED, CUSTOMER, None, JUST_BEFORE),
    (Action.CANCEL, LATE, CUSTOMER, None, START + 90 * MINUTE - INSTANT),
    (Action.CANCEL, ACCEPTED, BARBER, None, END + 24 * HOUR),
    (Action.CANCEL, ACCEPTED, ADMIN, None, None),
    (Action.RESCHEDULE, ACCEPTED, CUSTOMER, None, START - HOUR),
    (Action.RESCHEDULE, REQUESTED, CUSTOMER, None, JUST_BEFORE),
    (Action.RESCHEDULE, LATE, CUSTOMER, None, START + 90 * MINUTE - INSTANT),
    (Action.RESCHEDULE, ACCEPTED, BARBER, None, JUST_BEFORE),
    (Action.RESCHEDULE, ACCEPTED, ADMIN, None, JUST_BEFORE),
    (Action.PROPOSE, ACCEPTED, BARBER, None, JUST_BEFORE),
    (Action.REJECT, PROPOSED, CUSTOMER, None, START - 2 * HOUR - INSTANT),
    (Action.WITHDRAW, PROPOSED, BARBER, None, START - 2 * HOUR - INSTANT),
    (Action.LAPSE, PROPOSED, Party.SYSTEM, None, None),
    (Action.EXPIRE, REQUESTED, Party.SYSTEM, None, None),
    (Action.DELAY, ACCEPTED, BARBER, None, END + 24 * HOUR),
    (Action.DELAY, STARTED_LATE, BARBER, None, END + 44 * HOUR),
    (Action.TIP, DONE, CUSTOMER, None, END + 30 * DAY),
    (Action.NOTE, ACCEPTED, CUSTOMER, None, END + 24 * HOUR),
    (Action.NOTE, ACCEPTED, BARBER, None, None),
    (Action.PAY, DONE, Party.SYSTEM, None, None),
    (Action.SET_OUT, ACCEPTED, BARBER, START - 3 * HOUR, END),
    (Action.SET_OUT, LATE, BARBER, START - 1.5 * HOUR, END + 90 * MINUTE),
    (Action.TURN_BACK, ACCEPTED, BARBER, None, None),
    (Action.ARRIVE, ACCEPTED, Party.SYSTEM, None, None),
]


@pytest.mark.parametrize(("action", "booking", "party", "first", "last"), TABLE)
def test_window_of_an_action_includes_its_edges_and_nothing_beyond(
    action: Action, booking: Booking, party: Party, first: datetime | None, last: datetime | None
) -> None:
    window = window_of(booking, action, party)
    assert window == Window(first, last)
    for edge, beyond in ((first, -INSTANT), (last, INSTANT)):
        if edge:
            assert window.contains(edge)
            assert not window.contains(edge + beyond)


def test_window_table_covers_every_action() -> None:
    assert {row[0] for row in TABLE} == set(Action)


def test_end_of_a_booking_is_final_after_the_last_moment_of_its_undo() -> None:
    assert [settles_at(each) for each in (REQUESTED, ACCEPTED, STARTED)] == [None, None, None]
    assert settles_at(DONE) == END
    assert settles_at(a_booking(Status.CANCELLED, (Action.CANCEL, START), (Action.PAY, END))) == START
    last = window_of(MISSED, Action.UNDO, BARBER).closes_at
    assert last
    assert settles_at(MISSED) == last + INSTANT


def test_windows_of_reviews_and_walk_ins_follow_their_entries() -> None:
    assert review_window(DONE) == Window(None, END + 90 * DAY)
    assert seat_window(START) == Window(None, START + 24 * HOUR)


@pytest.mark.parametrize(
    ("booking", "last", "closed_by"),
    [
        (ACCEPTED, END + 48 * HOUR, Action.CANCEL),
        (LATE, END + 49.5 * HOUR, Action.CANCEL),
        (STARTED, END + 24 * HOUR, Action.COMPLETE),
        (STARTED_LATE, END + 44 * HOUR, Action.COMPLETE),
        (DONE, None, None),
        (MISSED, None, None),
        (REQUESTED, None, None),
    ],
)
def test_open_booking_is_overdue_after_its_last_window(
    booking: Booking, last: datetime | None, closed_by: Action | None
) -> None:
    if last:
        assert find_overdue_action(booking, last) is None
        assert find_overdue_action(booking, last + INSTANT) is closed_by
    else:
        assert find_overdue_action(booking, START + 1000 * DAY) is None


# -- Over HTTP ---------------------------------------------------------------------------------------------------------

NINE = tomorrow(9)
HALF_PAST = NINE + 30 * MINUTE
FEES = {"cancel_notice_min": 120, "late_refund_percent": 50, "no_show_refund_percent": 0}


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    return await barber(http, container, rules={"auto_accept": True}, terms={"cancellation": FEES})


@pytest.fixture
async def customer(http: httpx.AsyncClient) -> Person:
    return await register(http)


@pytest.fixture
async def visit(http: httpx.AsyncClient, customer: Person, shop: Barber) -> dict[str, Any]:
    return await book(http, customer, shop, NINE)


class Try(NamedTuple):
    """Holds an action by a party at a moment, earlier actions of the barber, and the expected result."""

    action: str
    by: str
    moment: datetime
    is_allowed: bool
    done: tuple[str, ...] = ()


@pytest.mark.parametrize(
    "attempt",
    [
        Try("start", "barber", NINE - 2 * HOUR - INSTANT, is_allowed=False),
        Try("start", "barber", NINE - 2 * HOUR, is_allowed=True),
        Try("start", "barber", HALF_PAST + 24 * HOUR, is_allowed=True),
        Try("start", "barber", HALF_PAST + 24 * HOUR + INSTANT, is_allowed=False),
        Try("complete", "barber", HALF_PAST + 24 * HOUR, is_allowed=True, done=("start",)),
        Try("cancel", "customer", NINE - INSTANT, is_allowed=True),
        Try("cancel", "customer", NINE, is_allowed=False),
        Try("cancel", "customer", NINE + 2 * HOUR, is_allowed=False),
        Try("cancel", "barber", HALF_PAST + 24 * HOUR, is_allowed=True),
        Try("cancel", "barber", HALF_PAST + 24 * HOUR + INSTANT, is_allowed=False),
        Try("cancel", "admin", HALF_PAST + 48 * HOUR, is_allowed=True),
    ],
    ids=lambda attempt: f"{attempt.action} by {attempt.by} at {attempt.moment - NINE} after the start",
)
async def test_action_outside_its_window_is_refused(
    http: httpx.AsyncClient,
    container: Container,
    shop: Barber,
    customer: Person,
    visit: dict[str, Any],
    clock: AdjustableClock,
    attempt: Try,
) -> None:
    await serve(container, visit, *attempt.done)
    clock.stopped = attempt.moment
    if attempt.by == "admin":
        person = await create_admin(http, container)
    else:
        person = await sign_in_again(http, shop.person if attempt.by == "barber" else customer)
    before = await history(http, person.auth, visit)
    told = []
    if attempt.action == "cancel":  # the preview gives the same answer
        told.append(await http.get(f"/v1/bookings/{visit['id']}/cancellation", headers=person.auth))
    told.append(await move(http, person.auth, visit, attempt.action))
    if attempt.is_allowed:
        assert {answer.status_code for answer in told} == {200}
        return
    assert {(answer.status_code, answer.json()["code"]) for answer in told} == {(409, "outside_window")}
    assert await history(http, person.auth, visit) == before


async def test_visit_of_a_later_day_cannot_be_completed_or_reviewed_today(
    http: httpx.AsyncClient, container: Container, customer: Person
) -> None:
    shop = await barber(http, container, rules={"auto_accept": True, "horizon_days": 60})
    visit = await book(http, customer, shop, NINE + 20 * DAY)
    codes = [(await move(http, shop.auth, visit, action)).json()["code"] for action in ("start", "complete", "no-show")]
    assert codes == ["outside_window", "wrong_state", "outside_window"]
    review = await http.post(f"/v1/bookings/{visit['id']}/review", json={"rating": 5}, headers=customer.auth)
    assert review.json()["code"] == "visit_not_completed"


async def test_cancellation_in_the_last_moment_before_the_start_costs_the_late_fee(
    http: httpx.AsyncClient, customer: Person, visit: dict[str, Any], clock: AdjustableClock
) -> None:
    clock.stopped = NINE - INSTANT
    customer = await sign_in_again(http, customer)
    assert (await move(http, customer.auth, visit, "cancel")).json()["settlement"]["fee"] == 1500


@pytest.mark.parametrize(("minutes", "fee"), [(0, 3000), (90, 0)])
async def test_no_show_of_a_late_barber_costs_nothing_and_opens_later(
    http: httpx.AsyncClient, shop: Barber, visit: dict[str, Any], clock: AdjustableClock, minutes: int, fee: int
) -> None:
    clock.stopped = NINE - 10 * MINUTE
    auth = (await sign_in_again(http, shop.person)).auth
    if minutes:
        assert (await move(http, auth, visit, "late", minutes=minutes)).status_code == 200
    first = NINE + (minutes + 5) * MINUTE
    clock.stopped = first - INSTANT
    auth = (await sign_in_again(http, shop.person)).auth
    assert (await move(http, auth, visit, "no-show")).json()["code"] == "outside_window"
    clock.stopped = first
    assert (await move(http, auth, visit, "no-show")).json()["settlement"] == {"fee": fee, "refund": 0, "due": fee}


async def test_review_is_accepted_for_ninety_days_and_repeats_always(
    http: httpx.AsyncClient,
    container: Container,
    customer: Person,
    shop: Barber,
    visit: dict[str, Any],
    clock: AdjustableClock,
) -> None:
    other = await book(http, customer, shop, tomorrow(10))
    for one in (visit, other):
        await serve(container, one, "start", "complete")
    completed = datetime.fromisoformat((await history(http, customer.auth, visit))[-1]["at"])
    clock.stopped = completed + 90 * DAY
    customer = await sign_in_again(http, customer)

    async def review(booking: dict[str, Any]) -> httpx.Response:
        headers = {**customer.auth, "Idempotency-Key": "k"}
        return await http.post(f"/v1/bookings/{booking['id']}/review", json={"rating": 5}, headers=headers)

    first = await review(visit)
    assert first.status_code == 201
    clock.stopped += timedelta(hours=2)
    customer = await sign_in_again(http, customer)
    assert (await review(visit)).json() == first.json()
    late = await review(other)
    assert (late.status_code, late.json()["code"]) == (409, "outside_window")


async def test_unrecorded_visits_are_closed_at_no_cost(
    http: httpx.AsyncClient,
    container: Container,
    customer: Person,
    shop: Barber,
    visit: dict[str, Any],
    clock: AdjustableClock,
) -> None:
    await changed(container, visit, payment__paid=1000)
    begun = await book(http, customer, shop, tomorrow(10))
    await serve(container, begun, "start")
    clock.stopped = HALF_PAST + HOUR + 48 * HOUR
    await close_overdue({"container": container})
    customer = await sign_in_again(http, customer)
    ended, still_there = await read(http, customer.auth, visit), await read(http, customer.auth, begun)
    assert (ended["status"], ended["reason"]) == ("cancelled", "system")
    assert ended["settlement"] == {"fee": 0, "refund": 1000, "due": 0}
    assert [(one["action"], one["by"]) for one in await history(http, customer.auth, visit)] == [
        ("create", "customer"),
        ("cancel", "system"),
    ]
    assert still_there["status"] == "in_progress"
    clock.stopped += INSTANT
    await close_overdue({"container": container})
    assert (await read(http, customer.auth, begun))["status"] == "completed"
    last = (await history(http, customer.auth, begun))[-1]
    assert (last["action"], last["by"]) == ("complete", "system")


async def test_overdue_visit_is_closed_on_read_before_the_job_runs(
    http: httpx.AsyncClient, container: Container, shop: Barber, visit: dict[str, Any], clock: AdjustableClock
) -> None:
    await serve(container, visit, "start")
    clock.stopped = HALF_PAST + 24 * HOUR + INSTANT
    auth = (await sign_in_again(http, shop.person)).auth
    answer = await move(http, auth, visit, "complete")
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    assert (await history(http, auth, visit))[-1]["by"] == "system"


async def test_walk_in_is_seated_within_a_day_of_joining(
    http: httpx.AsyncClient, container: Container, customer: Person, clock: AdjustableClock
) -> None:
    shop = await barber(http, container, timezone="UTC")
    clock.stopped = tomorrow(12)
    person, customer = await sign_in_again(http, shop.person), await sign_in_again(http, customer)
    await http.put("/v1/barbers/me/online", json={"is_online": True}, headers=person.auth)
    wanted = {"service_ids": [shop.services[0][0]]}
    joined = await http.post(f"/v1/barbers/{shop.id}/walk-ins", json=wanted, headers=customer.auth)
    assert joined.status_code == 201, joined.text
    place = joined.json()["id"]
    clock.stopped = tomorrow(12) + 24 * HOUR + INSTANT
    person = await sign_in_again(http, shop.person)
    refused = await http.post(f"/v1/walk-ins/{place}/seat", json={}, headers=person.auth)
    assert (refused.status_code, refused.json()["code"]) == (409, "outside_window")
    assert await container.database["bookings"].find_one({"_id": UUID(place)}) is None
    clock.stopped -= INSTANT
    seated = await http.post(f"/v1/walk-ins/{place}/seat", json={}, headers=person.auth)
    assert (seated.status_code, seated.json()["status"]) == (200, "in_progress")


async def test_reschedule_is_refused_once_cancelling_costs_a_fee(
    http: httpx.AsyncClient, customer: Person, shop: Barber, visit: dict[str, Any], clock: AdjustableClock
) -> None:
    """The reschedule notice follows the cancellation notice, which the terms of this shop set alone."""
    for moment, code in ((NINE - 2 * HOUR, None), (NINE - 2 * HOUR + INSTANT, "too_late_to_reschedule")):
        clock.stopped = moment
        customer = await sign_in_again(http, customer)
        start = visit["scheduled_at"] if code is None else tomorrow(15).isoformat()
        answer = await move(http, customer.auth, visit, "reschedule", scheduled_at=start)
        assert answer.json().get("code") == code
    assert (await ask(http, customer, shop, NINE)).json()["code"] == "slot_taken"
