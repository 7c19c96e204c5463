"""Pushes about messages of a conversation: to the other side, while it is away, one for a burst."""

from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import pytest

from grome.composition.projection import PROJECTION
from grome.infrastructure.container import Container
from grome.infrastructure.outbox.models import MESSAGES, ChangeRecord, Event
from grome.realtime.presence_leases import Connections, PresenceLeases, shard_of
from tests.builders.barbers import barber
from tests.builders.bookings import book, tomorrow
from tests.builders.chat import block, change, mark, send
from tests.chat.conftest import Chat
from tests.conftest import AdjustableClock
from tests.notifications.booking_notices import log_of, register_with_device, set_preferences
from tests.notifications.recorders import Pipeline

_BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
async def chat(http: httpx.AsyncClient, container: Container) -> Chat:
    """Return a booking of a customer with a device, which has the customer's id as token."""
    shop = await barber(http, container, name="Corner Barbers")
    customer, _ = await register_with_device(http, f"phone-{shop.id}", name="Zoë")
    return Chat(customer, shop, await book(http, customer, shop, tomorrow(9)))


async def sent(
    http: httpx.AsyncClient, container: Container, chat: Chat, *texts: str
) -> tuple[list[dict[str, Any]], list[Event]]:
    """Send messages of the barber, and return them with their events."""
    messages = [await send(http, chat.barber, chat.booking, text) for text in texts]
    return messages, [event for message in messages for event in await events_of(container, message)]


async def events_of(container: Container, message: dict[str, Any]) -> list[Event]:
    document = await container.database[MESSAGES].find_one({"_id": UUID(message["id"])})
    assert document is not None
    return PROJECTION.events_of(ChangeRecord(MESSAGES, document, None, container.clock()))


def pushed(pipeline: Pipeline, chat: Chat) -> list[str]:
    """Return the texts of the pushes on the customer's device."""
    return [push.body for token, push in pipeline.phones.pushes if token == f"phone-{chat.shop.id}"]


async def test_messages_of_a_minute_make_one_push_with_the_newest_text_to_the_other_side(
    http: httpx.AsyncClient, container: Container, pipeline: Pipeline, chat: Chat, clock: AdjustableClock
) -> None:
    clock.stopped = clock()
    _, events = await sent(http, container, chat, "Hello", "Are you there?", "Can you come at ten?")
    assert await pipeline.handle(*events) == []
    assert pushed(pipeline, chat) == ["Corner Barbers writes: Can you come at ten?"]
    [(_, push)] = pipeline.phones.pushes
    link = f"{container.settings.http.app_base}/bookings/{chat.booking['id']}/messages"
    assert push.data == {"kind": "message_received", "link": link, "booking_id": chat.booking["id"]}

    clock.stopped += timedelta(seconds=59)
    _, events = await sent(http, container, chat, "Or at eleven?")
    assert await pipeline.handle(*events) == []
    clock.stopped += timedelta(seconds=1)
    _, later = await sent(http, container, chat, "Or tomorrow?")
    assert await pipeline.handle(*later, *later) == []
    assert pushed(pipeline, chat)[1:] == ["Corner Barbers writes: Or tomorrow?"]
    # The conversation itself is the list of messages, so the list of notifications has the pushes only.
    assert (pipeline.mailbox.mails, pipeline.texts.texts) == ([], [])
    listed = await http.get("/v1/me/notifications", headers=chat.customer.auth)
    assert [(row["kind"], row["channel"], row["state"]) for row in listed.json()["items"]] == [
        ("message_received", "push", "sent")
    ] * 2
    assert await log_of(http, chat.barber) == {}


@pytest.mark.parametrize("meanwhile", ["read", "deleted", "blocked", "online"])
async def test_message_that_is_no_news_any_more_is_not_pushed(
    http: httpx.AsyncClient, container: Container, pipeline: Pipeline, chat: Chat, meanwhile: str
) -> None:
    [first, second], events = await sent(http, container, chat, "Hello", "Are you there?")
    match meanwhile:
        case "read":
            await mark(http, chat.customer, second)
        case "deleted":
            for message in (first, second):
                assert (await change(http, chat.barber, message)).status_code == 204
        case "blocked":
            assert (await block(http, chat.customer, chat.barber)).status_code == 204
        case "online":
            reader = chat.customer.id
            await container.get(PresenceLeases).write(shard_of(reader), [Connections(reader, 0, 1)])
    assert await pipeline.handle(*events) == []
    assert pushed(pipeline, chat) == []


async def test_message_in_quiet_hours_is_pushed_once_at_their_end_unless_it_was_read(
    http: httpx.AsyncClient, container: Container, pipeline: Pipeline, chat: Chat, clock: AdjustableClock
) -> None:
    await set_preferences(http, chat.customer, timezone="Europe/Berlin", quiet_hours={"start": "22:00", "end": "07:00"})
    [hello, *_], events = await sent(http, container, chat, "Hello", "Sleep well", "See you")
    night = datetime.combine(clock().astimezone(_BERLIN).date() + timedelta(days=1), time(3), _BERLIN)
    morning = night.replace(hour=7)
    await mark(http, chat.customer, hello)
    clock.stopped = night
    assert await pipeline.handle(*events) == []
    assert pushed(pipeline, chat) == []
    clock.stopped = morning
    assert await pipeline.run_jobs(at=morning) == []
    assert pushed(pipeline, chat) == ["Corner Barbers writes: See you"]


async def test_photo_and_the_end_of_a_long_text_are_pushed_in_the_readers_language(
    http: httpx.AsyncClient, container: Container, pipeline: Pipeline, chat: Chat, clock: AdjustableClock
) -> None:
    await set_preferences(http, chat.customer, language="de")
    _, events = await sent(http, container, chat, "Haare " * 300)
    assert await pipeline.handle(*events) == []
    [text] = pushed(pipeline, chat)
    assert text.startswith("Corner Barbers schreibt: Haare Haare")
    assert len(text) <= 160
    clock.shift += timedelta(minutes=1)
    [message], events = await sent(http, container, chat, "a")
    await container.database[MESSAGES].update_one({"_id": UUID(message["id"])}, {"$set": {"text": ""}})
    assert await pipeline.handle(*events) == []
    assert pushed(pipeline, chat)[1:] == ["Corner Barbers hat Ihnen ein Foto geschickt."]
