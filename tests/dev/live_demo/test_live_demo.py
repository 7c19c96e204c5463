"""The page of development that shows both sides of a visit live, in a browser."""

import math
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from config.settings import Settings
from grome.infrastructure.container import Container
from tests.builders.barbers import Barber, barber, catalogue_service
from tests.builders.bookings import book
from tests.builders.people import PASSWORD, Person, register
from tests.builders.uploads import PNG
from tests.support.app import serve_app
from tests.support.browser import browsers, start_browser
from tests.support.cdp import Page, open_page
from tests.support.http_client import http_client
from tests.support.jobs import run_worker
from workers.registry import HANDLERS

HOME = {"lat": 52.52 + 150 / 111_320, "lng": 13.405}  # 150 m to the north of the shop


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Chromium only: Lightpanda paints nothing, so that nothing has a place to click at."""
    if "chromium" not in browsers():
        pytest.skip("there is no Chromium on this machine")
    with start_browser("chromium", tmp_path_factory.mktemp("browser")) as address:
        yield address


@pytest.fixture
async def relayed(container: Container) -> AsyncIterator[None]:
    async with run_worker(container, HANDLERS):
        yield


@pytest.mark.usefixtures("relayed")
async def test_live_demo_in_two_pages_shows_the_other_side_at_once(
    http: httpx.AsyncClient, container: Container, browser: str, tmp_path: Path
) -> None:
    person, shop = await register(http, name="Zoë"), await barber(http, container, service_radius_km=5)
    async with AsyncExitStack() as stack:
        customer, worker = [await stack.enter_async_context(open_page(browser)) for _ in range(2)]
        await sign_in(customer, http, "customer", person)
        await sign_in(worker, http, "barber", shop.person)
        await customer.wait_for_text("No open visit yet")
        await book_house_call(http, person, shop, container)
        await customer.wait_for(step("Requested"))
        await customer.wait_for("document.querySelector('.dot.online')")
        await worker.wait_for("document.querySelector('.dot.online')")

        await chat(customer, worker)
        await send_photo(customer, worker, tmp_path)
        await lose_connection(customer, worker)
        await drive(customer, worker)
        assert customer.complaints == worker.complaints == []


async def chat(customer: Page, worker: Page) -> None:
    await customer.type("[name=text]", "Hello, the bell is broken.")
    await worker.wait_for_text("typing")
    await customer.click("document.querySelector('.write button')")
    await worker.wait_for_text("the bell is broken")
    await customer.wait_for(mark("delivered"))
    await worker.click("document.querySelector('.messages li')")
    await customer.wait_for(mark("read"))


async def send_photo(customer: Page, worker: Page, tmp_path: Path) -> None:
    photo = tmp_path / "bell.png"
    photo.write_bytes(PNG)
    root = (await customer.send("DOM.getDocument"))["root"]["nodeId"]
    field = await customer.send("DOM.querySelector", nodeId=root, selector="input[type=file]")
    await customer.send("DOM.setFileInputFiles", nodeId=field["nodeId"], files=[str(photo)])
    await worker.wait_for("document.querySelector('.messages img')")
    source = await worker.evaluate("document.querySelector('.messages img').src")
    content = "(async () => (await (await fetch(%s)).blob()).type)()"
    assert await worker.evaluate(content % msgspec.json.encode(source).decode()) == "image/jpeg"


async def lose_connection(customer: Page, worker: Page) -> None:
    """Missed events follow, without loading the state."""
    await customer.click("document.querySelector('.network')")
    await customer.wait_for(pill("reconnecting"))
    await worker.type("[name=text]", "I will knock.")
    await worker.click("document.querySelector('.write button')")
    await worker.wait_for(mark("sent"))
    await worker.click(action("accept"))
    await worker.wait_for(step("Accepted"))
    await customer.click("document.querySelector('.network')")
    await customer.wait_for(step("Accepted"))
    await customer.wait_for_text("I will knock.")
    await customer.wait_for(pill("recovered"))


async def drive(customer: Page, worker: Page) -> None:
    await worker.click(action("play"))
    await customer.wait_for(step("On the way"))
    at = "Number(document.querySelector('.route svg').dataset.y)"
    await customer.wait_for(f"{at} > 0")
    first = await customer.evaluate(at)
    await customer.wait_for(step("Arrived"))
    await customer.wait_for("document.querySelector('.eta span').textContent == '0 m away'")
    last = await customer.evaluate(at)
    middle = 150
    assert math.fabs(last - middle) < math.fabs(first - middle)


@pytest.mark.usefixtures("relayed")
async def test_live_demo_starts_a_visit_with_new_accounts_on_one_page(
    http: httpx.AsyncClient, container: Container, browser: str
) -> None:
    await catalogue_service(container, name="Haircut")
    async with open_page(browser) as page:
        await page.go(f"{http.base_url}/live-demo")
        await page.click("document.querySelector('#start:not([hidden])')")
        await page.wait_for("document.querySelectorAll('.visit:not([hidden]) .now').length == 2")
        await page.click(action("accept"))
        await page.wait_for("[...document.querySelectorAll('.now')].every(it => it.textContent == 'Accepted')")
        link = await page.evaluate("document.querySelector('#notice a').href")
        async with open_page(browser) as other:
            await other.go(link)
            await other.wait_for(step("Accepted"))
            assert await other.evaluate("document.querySelectorAll('.panel').length") == 1
        assert page.complaints == []


async def test_live_demo_is_not_there_in_production(settings: Settings) -> None:
    production = msgspec.structs.replace(settings, env="production")
    async with serve_app(production) as application, http_client(application.ctx.base_url) as http:
        for path in ("/live-demo", "/live-demo/live_demo.js"):
            assert (await http.get(path)).status_code == 404


async def test_live_demo_serves_its_own_files_only(http: httpx.AsyncClient) -> None:
    answer = await http.get("/live-demo")
    assert (answer.status_code, "script-src 'self'" in answer.headers["content-security-policy"]) == (200, True)
    for name, status in (("grome_live.js", 200), ("live_demo.css", 200), ("routes.py", 404), ("..%2froutes.py", 404)):
        assert (await http.get(f"/live-demo/{name}")).status_code == status


async def sign_in(page: Page, http: httpx.AsyncClient, role: str, person: Person) -> None:
    await page.go(f"{http.base_url}/live-demo?as={role}")
    await page.type("input[name=email]", person.email)
    await page.type("input[name=password]", PASSWORD)
    await page.click("document.querySelector('.sign-in button')")
    await page.wait_for(pill("connected"))


async def book_house_call(
    http: httpx.AsyncClient, person: Person, shop: Barber, container: Container
) -> dict[str, Any]:
    start = (container.clock() + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return await book(http, person, shop, start, house_call={"location": HOME, "address": "Torstraße 1"})


def step(name: str) -> str:
    return f"document.querySelector('.steps .now')?.textContent == '{name}'"


def mark(name: str) -> str:
    return f"document.querySelector('.own .tick')?.dataset.mark == '{name}'"


def pill(state: str) -> str:
    return f"document.querySelector('.pill').dataset.state == '{state}'"


def action(name: str) -> str:
    return f"document.querySelector('[data-action={name}]')"
