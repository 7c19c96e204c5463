"""Events of a conversation reach the rooms of both sides once, also through a relay that has lost its position."""

from collections import Counter
from datetime import timedelta
from typing import Any

import httpx
import pytest

from grome.infrastructure.container import Container
from grome.infrastructure.outbox.relay import Relay
from tests.builders.chat import change, mark, send
from tests.chat.conftest import Chat
from tests.infrastructure.outbox.test_relay import running
from tests.support.eventually import until
from tests.support.rooms import stored_events


async def talk(http: httpx.AsyncClient, chat: Chat) -> list[dict[str, Any]]:
    """Exchange messages; the first is edited, and the second deleted, after the third was sent and read."""
    messages = [await send(http, chat.customer, chat.booking, text) for text in ("One", "Two")]
    messages.append(await send(http, chat.barber, chat.booking, "Three"))
    await mark(http, chat.barber, messages[0], "delivered")
    await mark(http, chat.customer, messages[2])
    assert (await change(http, chat.customer, messages[0], "1")).status_code == 200
    assert (await change(http, chat.customer, messages[1])).status_code == 204
    return messages


@pytest.mark.parametrize("is_lost", [False, True], ids=("with its position", "without a position"))
async def test_relay_publishes_each_message_event_once_in_each_room(
    http: httpx.AsyncClient, container: Container, chat: Chat, *, is_lost: bool
) -> None:
    if is_lost:
        await talk(http, chat)
        position = {"token": None, "position_at": container.clock() - timedelta(minutes=1)}
        await container.database["relay"].update_one({"_id": "relay"}, {"$set": position})
    rooms = [f"booking:{chat.booking['id']}", f"user:{chat.customer.id}", f"user:{chat.barber.id}"]

    async def told_in(room: str) -> Counter[str]:
        told = [event for event in await stored_events(container, room) if event["subject"] == chat.booking["id"]]
        return Counter(event["type"] for event in told if event["type"].startswith("message."))

    async with running(container.get(Relay)):
        if not is_lost:
            await talk(http, chat)

        async def complete() -> bool:
            return all([(await told_in(room)).total() >= (6 if is_lost else 7) for room in rooms])

        await until(complete)
        for room in rooms:
            # A conversation keeps its newest mark only, so a rescan finds no older one.
            older_mark = {} if is_lost else {"message.delivered": 1}
            expected = {"message.sent": 3, "message.edited": 1, "message.deleted": 1, "message.read": 1, **older_mark}
            assert await told_in(room) == expected
