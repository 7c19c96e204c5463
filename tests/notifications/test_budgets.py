"""Test the daily limits of numbers, addresses and people, verified and unverified."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec

from grome.accounts.models import User
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.infrastructure.jobs.errors import PermanentJobError, UndeliverableError
from grome.infrastructure.outbox.models import Event, EventType
from grome.notifications.budgets import DEAD_LETTER_BUDGET, MessageBudgets, Purpose, purpose_of
from grome.notifications.channel_rules import CODE_KINDS, RULES, decide
from grome.notifications.models import Channel, MessageKind, Why
from grome.notifications.recipients import Recipient
from tests.builders.people import Person, new_phone, register
from tests.conftest import AdjustableClock
from tests.notifications.booking_notices import log_of, perform, request_visit, set_preferences
from tests.notifications.recorders import Pipeline

DAY = timedelta(days=1)


async def set_user(container: Container, person: Person, **fields: Any) -> None:
    await container.database["users"].update_one({"_id": person.id}, {"$set": fields})


def new_device_of(person: Person, container: Container) -> Event:
    return Event(
        id=new_id(),
        type=EventType.ACCOUNT_NEW_DEVICE,
        at=container.clock(),
        subject_id=person.id,
        version=1,
        people=(person.id,),
    )


def recipient(user_id: UUID, **changed: Any) -> Recipient:
    fields = {"email": f"{user_id}@example.com", "phone": None, "password_hash": "", "name": "Zoë", "role": "customer"}
    made = msgspec.convert({"_id": user_id, "created_at": "2026-01-01T00:00:00Z", **fields, **changed}, User)
    return Recipient(made, {})


async def test_login_with_an_unverified_number_is_listed_in_the_app_only(
    http: httpx.AsyncClient, container: Container, pipeline: Pipeline
) -> None:
    person = await register(http, email=None, phone=(phone := new_phone()))
    for _ in range(6):
        assert await pipeline.handle(new_device_of(person, container)) == []
    assert pipeline.texts.kinds_to(phone) == []
    log = await log_of(http, person)
    assert log["new_device", "sms"] == ("suppressed", "unverified")
    assert log["new_device", "in_app"] == ("sent", None)


async def test_unverified_number_gets_requested_texts_in_trials_only(
    http: httpx.AsyncClient, container: Container, pipeline: Pipeline
) -> None:
    customer, shop, booking = await request_visit(http, container)
    await set_user(container, customer, phone=(phone := new_phone()))
    await set_preferences(http, customer, notifications={"sms": True})
    assert await pipeline.handle(await perform(http, container, shop.auth, booking, "accept")) == []
    assert pipeline.texts.kinds_to(phone) == []
    log = await log_of(http, customer)
    assert log["booking_accepted", "sms"] == ("suppressed", "unverified")
    assert ("booking_accepted", "in_app") not in log  # the mail has told it


def test_unverified_number_gets_codes_only() -> None:
    for kind in MessageKind:
        wants = msgspec.convert({"notifications": {"sms": True}}, type=User.__annotations__["preferences"])
        one = recipient(new_id(), phone="+4915112345678", preferences=msgspec.to_builtins(wants))
        at = one.user.created_at
        verdict = decide((kind, Channel.SMS), one.user.preferences, one.reachable, at, None, one.open_for_codes_only)
        assert verdict == (None if kind in CODE_KINDS else Why.UNVERIFIED)
        tried = Recipient(one.user, {}, trial=True)
        assert tried.open_for_codes_only == frozenset()


async def test_number_at_its_daily_limit_gets_no_text_until_the_next_day(
    http: httpx.AsyncClient, container: Container, pipeline: Pipeline, clock: AdjustableClock
) -> None:
    person = await register(http, email=None, phone=(phone := new_phone()))
    await set_user(container, person, phone_verified=True)
    limit = container.get(MessageBudgets).daily_limit(MessageKind.NEW_DEVICE, Channel.SMS, verified=True)
    for _ in range(limit + 2):
        assert await pipeline.handle(new_device_of(person, container)) == []
    assert len(pipeline.texts.kinds_to(phone)) == limit
    listed = (await http.get("/v1/me/notifications", headers=person.auth)).json()["items"]
    why = [one["why"] for one in listed if one["channel"] == "sms"]
    assert (why.count("budget"), why.count(None)) == (2, limit)
    clock.shift += DAY
    assert await pipeline.handle(new_device_of(person, container)) == []
    assert len(pipeline.texts.kinds_to(phone)) == limit + 1


async def test_retried_message_counts_once(http: httpx.AsyncClient, container: Container, pipeline: Pipeline) -> None:
    person = await register(http, email=None, phone=(phone := new_phone()))
    await set_user(container, person, phone_verified=True)
    limit = container.get(MessageBudgets).daily_limit(MessageKind.NEW_DEVICE, Channel.SMS, verified=True)
    pipeline.texts.failures = [ConnectionError() for _ in range(limit)]
    await pipeline.handle(new_device_of(person, container))
    for _ in range(limit):
        await pipeline.run_jobs()
    assert pipeline.texts.kinds_to(phone) == ["new_device"]
    for _ in range(limit):
        await pipeline.handle(new_device_of(person, container))
    assert len(pipeline.texts.kinds_to(phone)) == limit


async def test_address_budget_is_shared_by_all_its_accounts(container: Container) -> None:
    budgets, phone = container.get(MessageBudgets), new_phone()
    limit = container.get(MessageBudgets).daily_limit(MessageKind.RESET_PASSWORD, Channel.SMS, verified=False)
    granted = [
        await budgets.take(MessageKind.RESET_PASSWORD, Channel.SMS, recipient(new_id(), phone=phone))
        for _ in range(limit + 3)
    ]
    assert granted.count(True) == limit


async def test_person_budget_is_shared_by_all_addresses(container: Container) -> None:
    budgets, user_id = container.get(MessageBudgets), new_id()
    limit = container.get(MessageBudgets).daily_limit(MessageKind.NEW_DEVICE, Channel.EMAIL, verified=False)
    granted = [
        await budgets.take(MessageKind.NEW_DEVICE, Channel.EMAIL, recipient(user_id, email=f"{number}@example.com"))
        for number in range(limit + 3)
    ]
    assert granted.count(True) == limit


async def test_used_up_news_budget_leaves_warnings_and_codes(container: Container) -> None:
    budgets, one = container.get(MessageBudgets), recipient(new_id())
    while await budgets.take(MessageKind.BOOKING_REQUESTED, Channel.EMAIL, one):
        pass
    assert await budgets.take(MessageKind.NEW_DEVICE, Channel.EMAIL, one)
    assert await budgets.take(MessageKind.VERIFY_EMAIL, Channel.EMAIL, one)


async def test_message_budget_of_an_unverified_address_is_no_larger(container: Container) -> None:
    for kind in MessageKind:
        for channel in RULES[kind].channels:
            unverified, verified = (
                container.get(MessageBudgets).daily_limit(kind, channel, verified=one) for one in (False, True)
            )
            assert 0 < unverified <= verified
        assert (purpose_of(kind) is Purpose.NEWS) == (RULES[kind].topic is not None)


async def test_dead_letters_of_an_address_are_limited(
    http: httpx.AsyncClient, container: Container, pipeline: Pipeline, clock: AdjustableClock
) -> None:
    """A mail server that cannot take an address causes a limited number of dead letters in a day."""
    people = [await register(http) for _ in range(DEAD_LETTER_BUDGET.limit + 2)]
    clock.shift += 400 * DAY  # a day that no other test has used
    raised: list[Exception] = []
    for person in people:
        pipeline.mailbox.failures = [PermanentJobError("SMTPUTF8")]
        raised += await pipeline.handle(new_device_of(person, container))
    kinds = [type(error) for error in raised]
    assert kinds == [PermanentJobError] * DEAD_LETTER_BUDGET.limit + [UndeliverableError] * 2
