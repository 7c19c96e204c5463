"""Dead letters in the dashboard over HTTP, and SAQ's buttons on messages of jobs that have a record."""

import asyncio
import html
import re
from datetime import timedelta

import httpx
import msgspec
import pytest

from grome.infrastructure.container import Container
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import Job, JobKind, NewJob, State
from grome.infrastructure.jobs.queues import Queues
from grome.infrastructure.jobs.runner import RunningJob
from tests.builders.jobs import discard_job, new_kind, stored_job
from tests.builders.people import PASSWORD, create_admin
from tests.conftest import AdjustableClock
from tests.support.eventually import PATIENCE_S, until
from tests.support.jobs import queues_are_empty, run_worker

DEAD = "/jobs/dead"


@pytest.fixture
async def operator(http: httpx.AsyncClient, container: Container) -> httpx.AsyncClient:
    """A browser with a signed-in admin; it marks each request as same-origin."""
    boss = await create_admin(http, container)
    await http.post("/jobs/login", data={"email": boss.email, "password": PASSWORD})
    http.headers["Sec-Fetch-Site"] = "same-origin"
    return http


async def state_of(container: Container, job: Job | NewJob) -> State:
    found = await container.get(JobQueue).find(job.id)
    assert found is not None
    return found.state


async def press(operator: httpx.AsyncClient, action: str, job: Job, **query: str) -> httpx.Response:
    return await operator.post(DEAD, params=query, data={"id": job.id, "action": action})


async def test_dead_letter_list_shows_each_job_with_escaped_text(
    operator: httpx.AsyncClient, container: Container
) -> None:
    job = await stored_job(container, new_kind(), error="<script>alert(1)</script> & more", tries=5)
    page = await operator.get(DEAD)
    assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
    [row] = [row for row in re.findall(r"<tr>.*?</tr>", page.text, re.DOTALL) if job.id in row]
    told = [html.unescape(re.sub("<[^>]*>", "", cell)).strip() for cell in re.findall(r"<td.*?</td>", row, re.DOTALL)]
    assert job.ended_at is not None
    assert told[:5] == [job.id, job.kind, "5", job.error, f"{job.ended_at:%Y-%m-%d %H:%M:%S} UTC"]
    assert "<script" not in page.text
    policy = page.headers["content-security-policy"]
    assert "script-src" not in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


async def test_dead_letter_pages_have_each_job_of_a_kind_once(
    operator: httpx.AsyncClient, container: Container
) -> None:
    kind = new_kind()
    made = {(await stored_job(container, kind)).id for _ in range(53)}
    found: list[str] = []
    address: str | None = f"{DEAD}?kind={kind.name}"
    for _ in range(2):
        assert address is not None
        page = (await operator.get(address)).text
        found += re.findall(r'name="id" value="([^"]+)"', page)
        older = re.search(r'href="([^"]+)">Older', page)
        address = html.unescape(older[1]) if older else None
    assert address is None
    assert len(found) == 53
    assert set(found) == made


@pytest.mark.parametrize(("action", "then"), [("retry", State.PENDING), ("drop", State.DROPPED)])
async def test_dead_letter_action_redirects_to_the_same_list(
    operator: httpx.AsyncClient, container: Container, action: str, then: State
) -> None:
    kind = new_kind()
    job = await stored_job(container, kind)
    answer = await press(operator, action, job, kind=kind.name)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{DEAD}?kind={kind.name}")
    assert await state_of(container, job) is then
    assert job.id not in (await operator.get(answer.headers["location"])).text
    if then is State.PENDING:
        await discard_job(container, job.id)


async def test_dead_letter_retry_of_a_done_job_shows_the_conflict(
    operator: httpx.AsyncClient, container: Container
) -> None:
    job = await stored_job(container, new_kind(), State.DONE)
    answer = await press(operator, "retry", job)
    assert answer.status_code == 409
    assert '<p class="told" role="alert">A job that is done cannot be retried.</p>' in answer.text


@pytest.mark.parametrize("query", ["cursor=e30", "limit=5", "kind=", "other=1"])
async def test_dead_letter_list_with_an_invalid_query_is_refused(operator: httpx.AsyncClient, query: str) -> None:
    assert (await operator.get(f"{DEAD}?{query}")).status_code == 422


async def test_dead_letter_action_that_is_unknown_is_refused(operator: httpx.AsyncClient, container: Container) -> None:
    job = await stored_job(container, new_kind())
    assert (await press(operator, "delete", job)).status_code == 422
    assert (await operator.post(DEAD, content=b"\xff%ff=&&")).status_code == 422
    assert await state_of(container, job) is State.DEAD


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
async def test_dead_letter_action_from_another_site_is_refused(
    operator: httpx.AsyncClient, container: Container, site: str
) -> None:
    job = await stored_job(container, new_kind())
    operator.headers["Sec-Fetch-Site"] = site
    answer = await press(operator, "retry", job)
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_request")
    assert await state_of(container, job) is State.DEAD


async def test_dead_letter_action_without_sign_in_redirects_to_the_login(
    http: httpx.AsyncClient, container: Container
) -> None:
    job = await stored_job(container, new_kind())
    http.headers["Sec-Fetch-Site"] = "same-origin"
    answer = await press(http, "retry", job)
    assert (answer.status_code, answer.headers["location"]) == (303, "/jobs/login")
    assert await state_of(container, job) is State.DEAD


def patient(kind: JobKind) -> JobKind:
    return msgspec.structs.replace(kind, timeout_s=2 * PATIENCE_S)


class TestMessages:
    """SAQ's buttons, on the message by which a job was handed over."""

    @pytest.fixture
    async def job(self, container: Container) -> NewJob:
        kind = new_kind()
        new = NewJob(f"{kind.name}:1", kind, {})
        await container.get(JobQueue).add(new)
        return new

    @staticmethod
    async def press(operator: httpx.AsyncClient, action: str, job: NewJob) -> httpx.Response:
        return await operator.post(f"/jobs/api/queues/bulk/jobs/{job.id}.0-0/{action}", json={})

    async def test_abort_of_a_waiting_message_drops_its_job(
        self, operator: httpx.AsyncClient, container: Container, job: NewJob
    ) -> None:
        assert (await self.press(operator, "abort", job)).status_code == 200
        assert await state_of(container, job) is State.DROPPED
        message = await container.get(Queues)[job.kind.queue].job(f"{job.id}.0-0")
        assert message is not None
        assert message.status == "aborted"

        again = await self.press(operator, "abort", job)
        assert (again.status_code, again.json()["code"]) == (409, "wrong_job_state")

    async def test_abort_of_a_running_message_stops_its_job_for_good(
        self, operator: httpx.AsyncClient, container: Container, clock: AdjustableClock, job: NewJob
    ) -> None:
        ends: list[str] = []

        async def work(_container: Container, _job: RunningJob) -> None:
            ends.append("begun")
            try:
                await asyncio.sleep(2 * PATIENCE_S)
            finally:
                ends.append("ended")

        async with run_worker(container, {patient(job.kind): work}):
            await until(lambda: ends == ["begun"])
            assert (await self.press(operator, "abort", job)).status_code == 200
            await until(lambda: ends == ["begun", "ended"])
            assert await state_of(container, job) is State.DROPPED
            clock.shift = timedelta(hours=1)  # all remaining work is due
            await container.get(JobQueue).enqueue_due()
            await until(lambda: queues_are_empty(container))
        assert ends == ["begun", "ended"]
        assert await state_of(container, job) is State.DROPPED

    async def test_retry_of_a_waiting_message_is_refused_until_its_job_is_dropped(
        self, operator: httpx.AsyncClient, container: Container, job: NewJob
    ) -> None:
        waiting = await self.press(operator, "retry", job)
        assert (waiting.status_code, waiting.json()["code"]) == (409, "wrong_job_state")
        assert waiting.json()["detail"] == "A job that is pending cannot be retried."

        await self.press(operator, "abort", job)
        assert (await self.press(operator, "retry", job)).status_code == 200
        assert await state_of(container, job) is State.PENDING
        await discard_job(container, job.id)
