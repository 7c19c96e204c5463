"""The dashboard as an operator sees it: a dead letter is made, seen, retried and gone."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from grome.common.ids import new_hex_id
from grome.infrastructure.container import Container
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import JobKind, NewJob, Queue, State
from grome.infrastructure.jobs.runner import RunningJob
from tests.builders.people import PASSWORD, create_admin
from tests.support.browser import browsers, start_browser
from tests.support.cdp import Page, open_page
from tests.support.jobs import run_worker, wait_for_state

KIND = JobKind("doomed", Queue.DEFAULT, timeout_s=5, delays_s=(0.05,))


@pytest.fixture(scope="module", params=browsers() or ["none"])
def browser(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with start_browser(request.param, tmp_path_factory.mktemp("browser")) as address:
        yield address


@pytest.fixture
async def page(browser: str) -> AsyncIterator[Page]:
    async with open_page(browser) as page:
        yield page


class Handling:
    """Fails until it is mended."""

    def __init__(self) -> None:
        self.mended = asyncio.Event()

    async def __call__(self, _container: Container, _job: RunningJob) -> None:
        if not self.mended.is_set():
            raise ValueError("<b>nobody</b> is at home")


async def test_dead_letter_in_a_browser_is_shown_retried_and_removed(
    http: httpx.AsyncClient, container: Container, page: Page
) -> None:
    boss, handling, new = (
        await create_admin(http, container),
        Handling(),
        NewJob(f"{new_hex_id()}:doomed:1", KIND, {"of": "1"}),
    )
    async with run_worker(container, {KIND: handling}):
        await container.get(JobQueue).add(new)
        await wait_for_state(container, new, State.DEAD)

        await page.go(f"{http.base_url}/jobs/")
        await page.type("input[name=email]", boss.email)
        await page.type("input[name=password]", PASSWORD)
        await page.click("document.querySelector('form button')")
        for queue in Queue:
            await page.wait_for(f"document.querySelector('main a[href$=\"/queues/{queue}\"]')")

        await page.click(link("Dead letters"))
        await page.wait_for_text(new.id)
        await page.wait_for_text("ValueError: <b>nobody</b> is at home")
        handling.mended.set()
        await page.click(f"{row_of(new)}.querySelector('button[value=retry]')")
        await page.wait_for(f"location.pathname == '/jobs/dead' && document.readyState == 'complete' && !{row_of(new)}")
        await wait_for_state(container, new, State.DONE)

        await page.click(link("Queues"))
        await page.click("document.querySelector('main a[href$=\"/queues/default\"]')")
        await page.wait_for_text("Workers")
        await page.wait_for("document.querySelector('main td[data-label=Active]')")
        assert not page.complaints

        await page.go(f"{http.base_url}/jobs/queues/default/jobs/{new.id}.0-0")
        await page.click("[...document.querySelectorAll('a[role=button]')].find(it => it.innerText == 'Retry')")
        await page.wait_for_text("A job that is done cannot be retried.")


def link(text: str) -> str:
    return f"[...document.links].find(link => link.textContent == '{text}')"


def row_of(job: NewJob) -> str:
    return f"[...document.querySelectorAll('.dead tbody tr')].find(row => row.innerText.includes('{job.id}'))"
