"""Concurrent requests of both sides, through two processes' worth of services, leave numbers and marks exact."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from itertools import chain
from typing import Any
from uuid import UUID

import httpx
import pytest

from config.settings import Settings
from grome.chat.errors import ChatBlocked
from grome.chat.schemas import MessageEdit, MessageIn, MessageOut
from grome.chat.service import ChatService
from grome.common.actor import Actor
from grome.common.errors import TooManyRequests
from grome.composition import open_container
from grome.infrastructure.container import Container
from grome.infrastructure.outbox.models import Event
from tests.builders.chat import block, conversation, new_key
from tests.builders.pages import read_pages
from tests.chat.conftest import Chat
from tests.infrastructure.outbox.test_relay import Recorder, a_relay, running
from tests.support.eventually import until

_MESSAGES_OF_A_SIDE = 25


class MessageRecorder(Recorder):
    """Follows the events of conversations."""

    async def handle(self, events: Sequence[Event]) -> None:
        await super().handle([event for event in events if event.family == "message"])


@pytest.fixture
async def services(settings: Settings, container: Container) -> AsyncIterator[tuple[ChatService, ChatService]]:
    """Return services that share nothing but the servers, as two processes do."""
    other = await open_container(settings, container.clock)
    try:
        yield container.get(ChatService), other.get(ChatService)
    finally:
        await other.close()


async def read_all(http: httpx.AsyncClient, chat: Chat) -> list[dict[str, Any]]:
    """Return all messages, the first one first."""
    pages = await read_pages(http, f"/v1/bookings/{chat.booking['id']}/messages", {}, auth=chat.customer.auth)
    return list(chain.from_iterable(pages))[::-1]


async def test_messages_of_two_senders_at_once_have_numbers_without_gaps_and_exact_unread_counts(
    http: httpx.AsyncClient, container: Container, chat: Chat, services: tuple[ChatService, ChatService]
) -> None:
    customer, barber = chat.actors
    recorder = MessageRecorder()

    async def write(service: ChatService, actor: Actor, number: int) -> MessageOut:
        return await service.send(actor, chat.booking_id, MessageIn(new_key(), f"{actor.role} {number}"))

    async def answer(service: ChatService, actor: Actor, message: MessageOut) -> None:
        await service.mark_delivered(actor, chat.booking_id, message.id)
        await service.mark_read(actor, chat.booking_id, message.id)

    async with running(a_relay(container, recorder)):
        sent = await asyncio.gather(
            *(
                write(services[number % 2], actor, number)
                for number in range(_MESSAGES_OF_A_SIDE)
                for actor in (customer, barber)
            )
        )
        assert sorted(message.number for message in sent) == list(range(1, 2 * _MESSAGES_OF_A_SIDE + 1))
        stored = await read_all(http, chat)
        assert [message["number"] for message in stored] == list(range(1, 2 * _MESSAGES_OF_A_SIDE + 1))
        times = [datetime.fromisoformat(message["created_at"]) for message in stored]
        assert times == sorted(times)
        for person in (chat.customer, chat.barber):
            assert (await conversation(http, person, chat.booking))["conversation"]["unread"] == _MESSAGES_OF_A_SIDE

        # Marks in any order, beside edits, deletions and further messages.
        by_number = {message.number: message for message in sent}
        changes: list[Awaitable[object]] = [
            answer(services[number % 2], barber, by_number[number]) for number in (7, 41, 3, 29, 18)
        ]
        own = [message for message in sent if message.sender_id == customer.id]
        changes += [services[0].edit(customer, chat.booking_id, one.id, MessageEdit("new")) for one in own[:3]]
        changes += [services[1].delete(customer, chat.booking_id, one.id) for one in own[3:6]]
        changes += [write(services[number % 2], barber, number) for number in range(5)]
        await asyncio.gather(*changes)

        state = (await conversation(http, chat.barber, chat.booking))["conversation"]
        later = [message for message in sent if message.number > 41 and message.sender_id == customer.id]
        assert (state["you"], state["unread"]) == ({"delivered": 41, "read": 41}, len(later))
        assert [message["number"] for message in await read_all(http, chat)] == list(
            range(1, 2 * _MESSAGES_OF_A_SIDE + 6)
        )
        [stored_conversation] = await container.database["conversations"].find({"_id": chat.booking_id}).to_list()
        version = stored_conversation["version"]

        async def followed_all() -> bool:
            return set(recorder.had(chat.booking)) == set(range(1, version + 1))

        await until(followed_all)


async def test_message_sent_twenty_times_at_once_under_a_key_is_one_message(
    http: httpx.AsyncClient, chat: Chat, services: tuple[ChatService, ChatService]
) -> None:
    customer, _ = chat.actors
    body = MessageIn(new_key(), "Once")
    answers = await asyncio.gather(
        *(services[number % 2].send(customer, chat.booking_id, body) for number in range(20))
    )
    assert set(map(repr, answers)) == {repr(answers[0])}
    [stored] = await read_all(http, chat)
    assert (stored["number"], UUID(stored["id"])) == (1, answers[0].id)
    assert (await conversation(http, chat.barber, chat.booking))["conversation"]["unread"] == 1


async def test_no_message_begun_after_a_block_is_stored(
    http: httpx.AsyncClient, chat: Chat, services: tuple[ChatService, ChatService]
) -> None:
    customer, _ = chat.actors
    ended = asyncio.Event()

    async def write(service: ChatService) -> int:
        """Write until the block is there; return the number of messages that were accepted."""
        accepted = 0
        while True:
            is_after = ended.is_set()
            try:
                await service.send(customer, chat.booking_id, MessageIn(new_key(), "Hello"))
            except ChatBlocked:
                return accepted
            except TooManyRequests:
                continue
            assert not is_after
            accepted += 1

    async def stop() -> None:
        await until(_has_messages(http, chat, 3))
        assert (await block(http, chat.barber, chat.customer)).status_code == 204
        ended.set()

    accepted = await asyncio.gather(*(write(service) for service in services), stop())
    assert len(await read_all(http, chat)) == sum(filter(None, accepted))


def _has_messages(http: httpx.AsyncClient, chat: Chat, count: int) -> Callable[[], Awaitable[bool]]:
    async def has_messages() -> bool:
        return len(await read_all(http, chat)) >= count

    return has_messages
