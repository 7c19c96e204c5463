"""The life of a conversation over HTTP: messages, marks, time limits and rights."""

from datetime import datetime, timedelta

import httpx
import pytest

from grome.chat.models import EDIT_WINDOW, MAX_BURST, MAX_EDITS, MAX_MESSAGES, MAX_TEXT_LENGTH
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from tests.builders.bookings import book, changed, move, tomorrow
from tests.builders.chat import change, conversation, mark, new_key, send, try_send
from tests.builders.pages import read_pages
from tests.builders.people import create_admin, register, sign_in_again
from tests.chat.conftest import Chat
from tests.conftest import AdjustableClock


def refusal(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


async def test_conversation_counts_messages_marks_and_unread_messages_of_both_sides(
    http: httpx.AsyncClient, chat: Chat
) -> None:
    empty = await conversation(http, chat.customer, chat.booking)
    assert (empty["items"], empty["conversation"]["unread"], empty["conversation"]["can_write"]) == ([], 0, True)

    sent = [await send(http, chat.customer, chat.booking, f"Question {number}") for number in (1, 2)]
    sent.append(await send(http, chat.barber, chat.booking, "Answer"))
    sent.append(await send(http, chat.customer, chat.booking, "Thanks"))
    assert [message["number"] for message in sent] == [1, 2, 3, 4]
    pages = await read_pages(
        http, f"/v1/bookings/{chat.booking['id']}/messages", {}, auth=chat.barber.auth, limits=(3, 3)
    )
    assert [len(page) for page in pages] == [3, 1]
    assert [message for page in pages for message in page] == sent[::-1]

    assert (await conversation(http, chat.barber, chat.booking))["conversation"]["unread"] == 3
    assert await mark(http, chat.barber, sent[1]) == {"delivered": 2, "read": 2, "unread": 1}
    assert await mark(http, chat.barber, sent[3], "delivered") == {"delivered": 4, "read": 2, "unread": 1}
    # An own message counts as read like any other, and no mark moves back.
    assert await mark(http, chat.barber, sent[2]) == {"delivered": 4, "read": 3, "unread": 1}
    assert await mark(http, chat.barber, sent[0]) == {"delivered": 4, "read": 3, "unread": 1}
    assert await mark(http, chat.barber, sent[0], "delivered") == {"delivered": 4, "read": 3, "unread": 1}

    seen = (await conversation(http, chat.customer, chat.booking))["conversation"]
    assert (seen["unread"], seen["other"]) == (1, {"delivered": 4, "read": 3})
    assert await mark(http, chat.customer, sent[3]) == {"delivered": 4, "read": 4, "unread": 0}
    assert (await conversation(http, chat.barber, chat.booking))["conversation"]["other"] == {"delivered": 4, "read": 4}


async def test_message_with_a_repeated_key_is_the_first_message(http: httpx.AsyncClient, chat: Chat) -> None:
    key = new_key()
    first = await send(http, chat.customer, chat.booking, "Hello", key=key)
    assert await send(http, chat.customer, chat.booking, "Hello", key=key) == first
    assert refusal(await try_send(http, chat.customer, chat.booking, "Bye", key=key)) == (422, "idempotency_key_reused")
    other = await book(http, chat.customer, chat.shop, tomorrow(12))
    assert refusal(await try_send(http, chat.customer, other, "Hello", key=key)) == (422, "idempotency_key_reused")
    # The keys of the two sides are apart.
    assert (await send(http, chat.barber, chat.booking, "Hello", key=key))["number"] == 2


async def test_message_is_edited_and_deleted_by_its_sender_for_a_quarter_of_an_hour(
    http: httpx.AsyncClient, chat: Chat, clock: AdjustableClock
) -> None:
    kept, deleted = [await send(http, chat.customer, chat.booking, text) for text in ("Helo", "Oops")]
    edited = (await change(http, chat.customer, kept, "Hello")).json()
    assert edited == {**kept, "text": "Hello", "version": 2, "edited_at": edited["edited_at"]}
    assert (await change(http, chat.customer, kept, "Hello")).json() == edited
    assert refusal(await change(http, chat.barber, kept, "No")) == (403, "not_your_message")
    assert refusal(await change(http, chat.barber, kept)) == (403, "not_your_message")
    assert refusal(await change(http, chat.customer, kept, "")) == (422, "invalid")

    for _ in range(2):
        assert (await change(http, chat.customer, deleted)).status_code == 204
    assert refusal(await change(http, chat.customer, deleted, "Back")) == (409, "message_closed")
    tombstone = (await conversation(http, chat.barber, chat.booking))["items"][0]
    assert tombstone == {**deleted, "text": "", "version": 2, "deleted_at": tombstone["deleted_at"]}
    assert tombstone["deleted_at"] is not None

    clock.shift = EDIT_WINDOW
    customer = await sign_in_again(http, chat.customer)
    assert refusal(await change(http, customer, kept, "Later")) == (409, "message_closed")
    assert refusal(await change(http, customer, kept)) == (409, "message_closed")
    assert (await change(http, customer, deleted)).status_code == 204


async def test_message_that_was_edited_twenty_times_is_closed(http: httpx.AsyncClient, chat: Chat) -> None:
    message = await send(http, chat.customer, chat.booking, "0")
    for number in range(MAX_EDITS):
        assert (await change(http, chat.customer, message, f"{number + 1}")).status_code == 200
    assert refusal(await change(http, chat.customer, message, "once more")) == (409, "message_closed")
    assert (await change(http, chat.customer, message)).status_code == 204


async def test_chat_closes_seven_days_after_the_visit_or_its_cancellation(
    http: httpx.AsyncClient, container: Container, chat: Chat, clock: AdjustableClock
) -> None:
    message = await send(http, chat.customer, chat.booking, "See you")
    ends_at = datetime.fromisoformat(chat.booking["ends_at"])
    cancelled = await book(http, chat.customer, chat.shop, tomorrow(14) + timedelta(days=60))
    assert (await move(http, chat.customer.auth, cancelled, "cancel")).status_code == 200
    week = timedelta(days=7)
    state = (await conversation(http, chat.customer, cancelled))["conversation"]
    assert container.clock() < datetime.fromisoformat(state["open_until"]) <= container.clock() + week

    clock.set(ends_at + week)
    customer = await sign_in_again(http, chat.customer)
    for closed in (chat.booking, cancelled):
        assert refusal(await try_send(http, customer, closed, "Late")) == (409, "chat_closed")
        assert not (await conversation(http, customer, closed))["conversation"]["can_write"]
    barber = await sign_in_again(http, chat.barber)
    assert await mark(http, barber, message) == {"delivered": 1, "read": 1, "unread": 0}


async def test_chat_of_a_guest_or_of_other_people_is_refused(
    http: httpx.AsyncClient, container: Container, chat: Chat
) -> None:
    message = await send(http, chat.customer, chat.booking, "Hello")
    elsewhere = await book(http, chat.customer, chat.shop, tomorrow(16))
    for person in (await register(http), await register(http, role="barber")):
        assert refusal(await try_send(http, person, chat.booking, "Hi")) == (404, "not_found")
        path = f"/v1/bookings/{chat.booking['id']}/messages"
        for method, url, body in (
            ("GET", path, None),
            ("POST", f"{path}/read", {"message": message["id"]}),
            ("POST", f"{path}/{message['id']}/report", {"reason": "Rude."}),
            ("GET", f"{path}/{message['id']}", None),
            ("PATCH", f"{path}/{message['id']}", {"text": "Mine"}),
            ("DELETE", f"{path}/{message['id']}", None),
        ):
            response = await http.request(method, url, json=body, headers=person.auth)
            assert refusal(response) == (404, "not_found"), (method, url)
    # A message is found under its own booking only.
    astray = {**message, "booking_id": elsewhere["id"]}
    assert refusal(await change(http, chat.customer, astray, "Lost")) == (404, "not_found")
    boss = await create_admin(http, container)
    assert (await http.get(f"/v1/bookings/{chat.booking['id']}/messages", headers=boss.auth)).status_code == 403

    await changed(container, elsewhere, customer_id=None, guest={"name": "Ms Walk-in"})
    assert refusal(await try_send(http, chat.barber, elsewhere, "Hi")) == (409, "no_chat")


async def test_sender_beyond_thirty_messages_a_minute_waits_for_the_next_minute(
    http: httpx.AsyncClient, chat: Chat, clock: AdjustableClock
) -> None:
    clock.stopped = clock()
    key = new_key()
    first = await send(http, chat.customer, chat.booking, "0", key=key)
    for number in range(1, MAX_BURST):
        await send(http, chat.customer, chat.booking, str(number))
    clock.stopped += timedelta(seconds=15)
    refused = await try_send(http, chat.customer, chat.booking, "too many")
    assert (*refusal(refused), refused.headers["Retry-After"]) == (429, "too_many_requests", "45")
    # A repeat, the other side, and another conversation are not concerned.
    assert await send(http, chat.customer, chat.booking, "0", key=key) == first
    assert (await send(http, chat.barber, chat.booking, "Slowly"))["number"] == MAX_BURST + 1
    clock.stopped += timedelta(seconds=45)
    assert (await send(http, chat.customer, chat.booking, "next"))["number"] == MAX_BURST + 2


async def test_conversation_with_ten_thousand_messages_is_full(
    http: httpx.AsyncClient, container: Container, chat: Chat
) -> None:
    await send(http, chat.customer, chat.booking, "Hello")
    conversations = container.database["conversations"]
    await conversations.update_one({"_id": chat.booking_id}, {"$set": {"last_number": MAX_MESSAGES - 1}})
    assert (await send(http, chat.barber, chat.booking, "The last"))["number"] == MAX_MESSAGES
    assert refusal(await try_send(http, chat.customer, chat.booking, "More")) == (409, "chat_full")


@pytest.mark.parametrize(
    "fields",
    [
        {"text": ""},
        {"text": "\u200b \n"},
        {"text": "a" * (MAX_TEXT_LENGTH + 1)},
        {"text": "a", "key": ""},
        {"text": "a", "key": "k" * 101},
        {"photos": [str(new_id()) for _ in range(5)]},
        {"photos": ["0190b0a0-0000-7000-8000-000000000000"] * 2},
    ],
    ids=("empty", "invisible", "long", "no key", "long key", "five photos", "a photo twice"),
)
async def test_message_without_content_or_beyond_its_limits_is_refused(
    http: httpx.AsyncClient, chat: Chat, fields: dict[str, object]
) -> None:
    assert refusal(await try_send(http, chat.customer, chat.booking, **{"text": "", **fields})) == (422, "invalid")


async def test_conversations_are_listed_by_their_newest_messages_with_names_and_unread_counts(
    http: httpx.AsyncClient, chat: Chat
) -> None:
    later = await book(http, chat.customer, chat.shop, tomorrow(18))
    await send(http, chat.customer, later, "First")
    await send(http, chat.customer, chat.booking, "Second")
    newest = await send(http, chat.barber, later, "Third")
    await book(http, chat.customer, chat.shop, tomorrow(20))  # has no conversation

    pages = await read_pages(http, "/v1/me/conversations", {}, auth=chat.barber.auth, limits=(1, 1, 1))
    rows = [row for page in pages for row in page]
    assert [(row["booking_id"], row["name"], row["unread"]) for row in rows] == [
        (later["id"], "Zoë Mertens", 1),
        (chat.booking["id"], "Zoë Mertens", 1),
    ]
    assert rows[0]["latest"] == newest
    unread = await http.get("/v1/me/unread", headers=chat.barber.auth)
    assert unread.json() == {"messages": 2, "conversations": 2}

    [mine, _] = (await http.get("/v1/me/conversations", headers=chat.customer.auth)).json()["items"]
    assert (mine["name"], mine["other_id"], mine["unread"]) == ("Kreuzberg Cuts", chat.shop.id, 1)
    await mark(http, chat.customer, newest)
    assert (await http.get("/v1/me/unread", headers=chat.customer.auth)).json() == {"messages": 0, "conversations": 0}
    assert (await change(http, chat.barber, newest)).status_code == 204
    [mine, _] = (await http.get("/v1/me/conversations", headers=chat.customer.auth)).json()["items"]
    assert (mine["latest"]["text"], mine["latest"]["deleted_at"] is None) == ("", False)
