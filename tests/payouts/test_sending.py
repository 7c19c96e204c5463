"""Payouts are transferred once, and the books follow the transfer."""

import asyncio
from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from grome.infrastructure.container import Container
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.stripe.connect import StripeConnect
from grome.infrastructure.stripe.errors import StripeUnsureError
from grome.payouts.models import Payout, PayoutState
from grome.payouts.planner import PayoutPlanner
from grome.payouts.sender import PayoutSender, transfer_request
from tests.builders.barbers import Barber
from tests.builders.payouts import (
    decide,
    earn,
    fund,
    in_transit,
    onboard,
    owed,
    plan,
    read,
    send,
    stripe_id_of,
)
from tests.builders.people import create_admin
from tests.conftest import AdjustableClock
from tests.support.stripe import StripeControl

WEEK = timedelta(days=7)
TRANSFERS = ("POST", "/v1/transfers")


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container, control: StripeControl, shop: Barber) -> Barber:
    """A barber with an account that can be paid, while the platform has money."""
    await onboard(http, container, control, shop)
    await fund(control)
    return shop


@pytest.fixture
async def payout(container: Container, shop: Barber) -> Payout:
    await earn(container, shop, 5_000)
    [payout] = await plan(container, shop)
    return payout


async def admin_post(http: httpx.AsyncClient, container: Container, path: str) -> httpx.Response:
    boss = await create_admin(http, container)
    return await http.post(f"/v1/admin/payouts/{path}", headers=boss.auth)


async def received(container: Container, shop: Barber) -> int:
    """Return the money that Stripe has transferred to the barber and not taken back."""
    account, connect = await stripe_id_of(container, shop), container.get(StripeConnect)
    found = await connect.list_transfers(container.clock() - timedelta(days=60))
    return sum(one.amount - one.amount_reversed for one in found if one.destination == account)


async def transfer_without_booking(container: Container, payout: Payout) -> None:
    """Transfer as a worker does that is killed before it can store the answer."""
    await container.get(StripeConnect).create_transfer(payout.transfer_key, transfer_request(payout))


async def test_payout_is_sent_and_leaves_nothing_in_transit(
    http: httpx.AsyncClient, container: Container, shop: Barber, payout: Payout
) -> None:
    assert await in_transit(container, payout) == -5_000
    sent = await send(container, payout)
    assert (sent.state, sent.open, await in_transit(container, payout)) == (PayoutState.SENT, False, 0)
    assert await received(container, shop) == 5_000
    [listed] = (await http.get("/v1/barbers/me/payouts", headers=shop.auth)).json()["items"]
    assert (listed["id"], listed["status"], listed["amount"]) == (str(payout.id), "sent", 5_000)
    details = (await http.get(f"/v1/barbers/me/payouts/{payout.id}", headers=shop.auth)).json()
    assert [one["amount"] for one in details["bookings"]] == [5_000]
    assert [one["type"] for one in details["changes"]] == ["payout.created", "payout.sent"]


async def test_payout_after_a_lost_answer_is_transferred_once(
    container: Container, control: StripeControl, shop: Barber, payout: Payout
) -> None:
    await control.break_calls("drop_reply_after", *TRANSFERS)
    for _ in range(2):
        assert (await send(container, payout)).state is PayoutState.SENT
    assert await received(container, shop) == 5_000


async def test_payout_of_a_worker_killed_after_the_transfer_is_transferred_once(
    container: Container, shop: Barber, payout: Payout
) -> None:
    await transfer_without_booking(container, payout)
    assert (await read(container, payout)).state is PayoutState.CREATED
    assert (await send(container, payout)).state is PayoutState.SENT
    assert await received(container, shop) == 5_000
    assert await in_transit(container, payout) == 0


async def test_payout_sent_by_many_workers_at_once_is_transferred_once(
    container: Container, shop: Barber, payout: Payout
) -> None:
    sender = container.get(PayoutSender)
    await asyncio.gather(*(sender.send(payout.id) for _ in range(10)), return_exceptions=True)
    assert (await send(container, payout)).state is PayoutState.SENT
    assert await received(container, shop) == 5_000


async def test_payout_of_a_worker_killed_before_the_transfer_is_resumed_by_the_cron(
    container: Container, payout: Payout
) -> None:
    await container.database.jobs.delete_many({"payload.payout_id": str(payout.id)})
    await container.get(PayoutPlanner).plan()
    job = await container.get(JobQueue).find(f"payout:{payout.id}:1")
    assert job
    await container.get(PayoutSender).send(UUID(job.payload["payout_id"]))
    assert (await read(container, payout)).state is PayoutState.SENT


async def test_payout_without_an_answer_for_a_day_is_resolved_by_listing_transfers(
    container: Container, shop: Barber, payout: Payout, clock: AdjustableClock
) -> None:
    await transfer_without_booking(container, payout)
    clock.shift = timedelta(hours=22, minutes=30)
    with pytest.raises(StripeUnsureError, match="waits"):
        await send(container, payout)
    clock.shift = timedelta(hours=25)
    assert (await send(container, payout)).state is PayoutState.SENT
    assert await received(container, shop) == 5_000


async def test_payout_without_a_transfer_after_a_day_begins_another_attempt(
    container: Container, control: StripeControl, shop: Barber, payout: Payout, clock: AdjustableClock
) -> None:
    await control.break_calls("error_500_before", *TRANSFERS, count=3)
    with pytest.raises(StripeUnsureError):
        await send(container, payout)
    clock.shift = timedelta(hours=25)
    assert (await send(container, payout)).attempt.n == 2
    assert (await send(container, payout)).state is PayoutState.SENT
    assert await received(container, shop) == 5_000


async def test_payout_to_a_closed_account_fails_and_its_money_is_payable_once(
    container: Container, control: StripeControl, shop: Barber, payout: Payout, clock: AdjustableClock
) -> None:
    stripe_id = await stripe_id_of(container, shop)
    await control.call("POST", f"accounts/{stripe_id}", {"outcome": "restrict"})
    failed = await send(container, payout)
    assert (failed.state, failed.open, await in_transit(container, payout)) == (PayoutState.FAILED, False, 0)
    assert failed.failure
    assert failed.failure.startswith("insufficient_capabilities")
    for _ in range(2):
        assert (await send(container, payout)).version == failed.version
    assert await owed(container, shop) == 5_000
    await decide(container, control, shop, "complete")
    assert await plan(container, shop) == []  # this period's decision is made
    clock.shift = WEEK
    [again] = await plan(container, shop)
    assert (again.amount, (await send(container, again)).state) == (5_000, PayoutState.SENT)
    assert await received(container, shop) == 5_000


async def test_retry_of_a_failed_payout_makes_one_new_payout(
    http: httpx.AsyncClient, container: Container, control: StripeControl, shop: Barber, payout: Payout
) -> None:
    stripe_id = await stripe_id_of(container, shop)
    await control.call("POST", f"accounts/{stripe_id}", {"outcome": "restrict"})
    await send(container, payout)
    await control.call("POST", f"accounts/{stripe_id}", {"outcome": "complete"})
    answers = [await admin_post(http, container, f"{payout.id}/retry") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    [new_id] = {answer.json()["id"] for answer in answers}
    assert new_id != str(payout.id)
    await container.get(PayoutSender).send(UUID(new_id))
    assert (await received(container, shop), await owed(container, shop)) == (5_000, 0)
    refused = await admin_post(http, container, f"{new_id}/retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "payout_not_retryable")


async def reverse(container: Container, payout: Payout, amount: int) -> None:
    """Reverse a part of the transfer, as in Stripe's dashboard, and deliver the notification."""
    assert payout.transfer_id
    key = f"test:{payout.id}:{amount}"
    await container.get(StripeConnect).reverse_transfer(key, payout.transfer_id, amount, payout.currency)
    for _ in range(2):
        await container.get(PayoutSender).transfer_changed(payout.transfer_id)


async def test_reversed_transfer_returns_its_money_to_the_barber_in_parts(
    container: Container, shop: Barber, payout: Payout
) -> None:
    sent = await send(container, payout)
    await reverse(container, sent, 1_200)
    partly = await read(container, payout)
    assert (partly.state, partly.returned, await owed(container, shop)) == (PayoutState.SENT, 1_200, 1_200)
    await reverse(container, sent, 3_800)
    whole = await read(container, payout)
    assert (whole.state, whole.returned, await owed(container, shop)) == (PayoutState.RETURNED, 5_000, 5_000)
    assert await in_transit(container, payout) == 0
    assert [entry.type.value for entry in whole.history] == [
        "payout.created",
        "payout.sent",
        "payout.returned",
        "payout.returned",
    ]


async def test_late_transfer_of_a_failed_payout_is_taken_back(
    container: Container, control: StripeControl, shop: Barber, payout: Payout
) -> None:
    """Another worker's request succeeds after the refusal was stored."""
    stripe_id = await stripe_id_of(container, shop)
    await control.call("POST", f"accounts/{stripe_id}", {"outcome": "restrict"})
    await send(container, payout)
    await control.call("POST", f"accounts/{stripe_id}", {"outcome": "complete"})
    made = await container.get(StripeConnect).create_transfer(f"test:late:{payout.id}", transfer_request(payout))
    await container.get(PayoutSender).transfer_changed(made.id)
    assert (await read(container, payout)).open
    await send(container, payout)
    ended = await read(container, payout)
    assert (ended.state, ended.open, ended.returned) == (PayoutState.FAILED, False, 5_000)
    assert (await in_transit(container, payout), await owed(container, shop)) == (0, 5_000)
    assert await received(container, shop) == 0
