"""Blocks keep the two sides of a booking from writing to each other."""

from uuid import UUID

import httpx

from grome.common.ids import new_id
from grome.infrastructure.container import Container
from tests.builders.chat import block, change, conversation, mark, send, try_send
from tests.builders.pages import read_pages
from tests.builders.people import Person, register
from tests.chat.conftest import Chat


async def blocked(http: httpx.AsyncClient, person: Person) -> list[str]:
    pages = await read_pages(http, "/v1/me/blocks", {}, auth=person.auth)
    return [row["account_id"] for page in pages for row in page]


async def test_block_stops_both_sides_with_the_same_answer_until_its_owner_ends_it(
    http: httpx.AsyncClient, chat: Chat
) -> None:
    message = await send(http, chat.customer, chat.booking, "Hello")
    for _ in range(2):
        assert (await block(http, chat.barber, chat.customer)).status_code == 204
    assert await blocked(http, chat.barber) == [str(chat.customer.id)]
    assert await blocked(http, chat.customer) == []

    refused = [await try_send(http, person, chat.booking, "Hi") for person in (chat.customer, chat.barber)]
    refused.append(await change(http, chat.customer, message, "Hello!"))
    problems = [{name: value for name, value in one.json().items() if name != "request_id"} for one in refused]
    assert (problems[0]["status"], problems[0]["code"]) == (403, "chat_blocked")
    assert problems == problems[:1] * 3
    for person in (chat.customer, chat.barber):
        state = (await conversation(http, person, chat.booking))["conversation"]
        assert (state["can_write"], state["blocked"]) == (False, True)
    # Reading and deleting go on.
    assert (await mark(http, chat.barber, message))["unread"] == 0
    assert (await change(http, chat.customer, message)).status_code == 204

    # A block of the other side is not ended, nor is one side's block by the other.
    assert (await block(http, chat.customer, chat.barber)).status_code == 204
    assert (await block(http, chat.barber, chat.customer, "DELETE")).status_code == 204
    assert (await try_send(http, chat.barber, chat.booking, "Hi")).status_code == 403
    for _ in range(2):
        assert (await block(http, chat.customer, chat.barber, "DELETE")).status_code == 204
    await send(http, chat.barber, chat.booking, "Hi")


async def test_block_of_an_account_without_a_common_booking_is_not_found(http: httpx.AsyncClient, chat: Chat) -> None:
    for person, other in (
        (chat.customer, await register(http, role="barber")),
        (chat.customer, chat.customer),
        (await register(http), chat.barber),
    ):
        assert (await block(http, person, other)).status_code == 404
        assert await blocked(http, person) == []


async def test_block_beyond_five_hundred_is_refused(http: httpx.AsyncClient, container: Container, chat: Chat) -> None:
    owner, now = chat.barber.id, container.clock()
    documents = [
        {"_id": new_id(), "owner_id": owner, "blocked_id": new_id(), "slot": slot, "created_at": now}
        for slot in range(500)
    ]
    await container.database["blocks"].insert_many(documents)
    response = await block(http, chat.barber, chat.customer)
    assert (response.status_code, response.json()["code"]) == (409, "too_many_blocks")
    assert len(await blocked(http, chat.barber)) == 500
    gone = Person(UUID(str(documents[0]["blocked_id"])), "", "", "")
    assert (await block(http, chat.barber, gone, "DELETE")).status_code == 204
    assert (await block(http, chat.barber, chat.customer)).status_code == 204
