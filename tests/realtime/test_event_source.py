"""A browser's EventSource reads the stream, and a new one resumes it by a new ticket and the last id."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from grome.app import App
from grome.common.clock import system_clock
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.infrastructure.redis.client import Namespace, RedisClients
from grome.realtime.models import RoomEvent
from grome.realtime.shards import shard_of, state_key
from grome.realtime.streams import LivePublisher
from tests.builders.people import Person, register
from tests.support.browser import browsers, start_browser
from tests.support.cdp import Page, open_page

_OPEN = """
window.frames_ = []; window.kinds = [];
window.source = new EventSource("/v1/events?%s");
for (const kind of ["message", "reset"]) {
    source.addEventListener(kind, (event) => {
        frames_.push(JSON.parse(event.data)); kinds.push(kind); window.lastId = event.lastEventId;
    });
}
"""


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[str]:
    if "chromium" not in browsers():
        pytest.skip("there is no Chromium on this machine")
    with start_browser("chromium", tmp_path) as address:
        yield address


async def open_source(page: Page, http: httpx.AsyncClient, person: Person, last_id: str = "") -> None:
    ticket = (await http.post("/v1/live/ticket", headers=person.auth)).json()["ticket"]
    query = {"rooms": "user", "ticket": ticket, **({"last_event_id": last_id} if last_id else {})}
    await page.evaluate(_OPEN % urlencode(query))
    await page.wait_for("frames_.some(frame => frame.t == 'reply')")


async def publish(container: Container, person: Person, number: int) -> None:
    payload = json.dumps({"id": str(new_id()), "version": number}).encode()
    room = f"user:{person.id}"
    event = RoomEvent(room, (person.id,), str(new_id()), number, system_clock(), payload)
    await container.get(LivePublisher).publish([event])


async def joined_room(page: Page) -> Any:
    return await page.evaluate("frames_.find(frame => frame.t == 'reply').ok.rooms[0]")


async def test_event_source_of_a_browser_reads_and_resumes_a_stream(
    app: App, http: httpx.AsyncClient, container: Container, browser: str
) -> None:
    person = await register(http)
    async with open_page(browser) as page:
        await page.go(f"{app.ctx.base_url}/docs")
        await page.wait_for("document.readyState == 'complete' && location.pathname == '/docs'")
        await open_source(page, http, person)
        assert not (await joined_room(page))["recovered"]
        await publish(container, person, 1)
        await page.wait_for("frames_.some(frame => frame.t == 'event' && frame.d.version == 1)")
        last_id = await page.evaluate("source.close(), lastId")

        await publish(container, person, 2)
        await open_source(page, http, person, last_id)
        room = await joined_room(page)
        assert (room["recovered"], [event["d"]["version"] for event in room["events"]]) == (True, [2])

        await container.get(RedisClients).commands.delete(
            state_key(container.get(Namespace), shard_of(f"user:{person.id}"))
        )
        await page.wait_for("kinds.includes('reset')")
        assert (await http.post("/v1/auth/logout", headers=person.auth)).status_code == 204
        await page.wait_for("frames_.some(frame => frame.t == 'bye' && frame.code == 4200)")
        # It reconnects by itself, with a ticket that was used: the refusal ends it.
        await page.wait_for("source.readyState == EventSource.CLOSED")
