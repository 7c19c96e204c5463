"""Admins list, retry and drop jobs over HTTP."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from loguru import logger

from grome.common.clock import system_clock
from grome.infrastructure.container import Container
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import State
from tests.api.problems import assert_refused
from tests.builders.jobs import discard_job, new_kind, stored_job
from tests.builders.pages import read_pages
from tests.builders.people import Person, create_admin

JOBS = "/v1/admin/jobs"


@pytest.fixture
async def boss(http: httpx.AsyncClient, container: Container) -> Person:
    return await create_admin(http, container)


@pytest.fixture
def lines() -> Iterator[list[Any]]:
    """Return the log lines."""
    kept: list[Any] = []
    sink = logger.add(lambda message: kept.append(message.record), level="INFO")
    yield kept
    logger.remove(sink)


async def test_job_pages_have_each_dead_job_of_a_kind_once_newest_first(
    http: httpx.AsyncClient, container: Container, boss: Person
) -> None:
    kind, now = new_kind(), system_clock()
    minutes = [3, 1, 4, 1, 5, 2]
    made = [await stored_job(container, kind, created_at=now - timedelta(minutes=ago)) for ago in minutes]
    await stored_job(container, kind, State.DONE)
    await stored_job(container, new_kind())
    wanted = sorted(made, key=lambda job: (job.created_at, job.id), reverse=True)
    pages = await read_pages(http, JOBS, {"kind": kind.name}, auth=boss.auth, limits=[2, 3, 100])
    assert [job["id"] for page in pages for job in page] == [job.id for job in wanted]
    assert (await http.get(JOBS, headers=boss.auth)).json()["items"]


@pytest.mark.parametrize("state", State)
async def test_job_list_with_a_state_has_only_jobs_in_that_state(
    http: httpx.AsyncClient, container: Container, boss: Person, state: State
) -> None:
    kind = new_kind()
    made = {one: await stored_job(container, kind, one) for one in State}
    [listed] = (await http.get(JOBS, params={"state": state, "kind": kind.name}, headers=boss.auth)).json()["items"]
    assert listed["id"] == made[state].id
    assert (listed["next_at"] is None) == (state is not State.PENDING)
    assert (await http.get(f"{JOBS}/{made[state].id}", headers=boss.auth)).json() == listed


async def test_job_is_shown_with_its_id_payload_error_and_tries(
    http: httpx.AsyncClient, container: Container, boss: Person
) -> None:
    job = await stored_job(container, new_kind(), id="a b/c:d%e:ü")
    shown = (await http.get(f"{JOBS}/a%20b%2Fc%3Ad%25e:%C3%BC", headers=boss.auth)).json()
    assert (shown["id"], shown["payload"], shown["tries"]) == (job.id, job.payload, 3)
    assert shown["error"] == job.error


@pytest.mark.parametrize(
    ("action", "state", "then"),
    [
        ("retry", State.DEAD, State.PENDING),
        ("retry", State.DROPPED, State.PENDING),
        ("drop", State.DEAD, State.DROPPED),
        ("drop", State.PENDING, State.DROPPED),
    ],
)
async def test_job_action_changes_the_state_and_is_logged_with_its_actor(
    http: httpx.AsyncClient,
    container: Container,
    boss: Person,
    lines: list[Any],
    action: str,
    state: State,
    then: State,
) -> None:
    job = await stored_job(container, new_kind(), state)
    answer = await http.post(f"{JOBS}/{job.id}/{action}", headers={**boss.auth, "X-Request-ID": "abc"})
    assert (answer.status_code, answer.json()["state"]) == (200, then)
    stored = await container.get(JobQueue).find(job.id)
    assert stored is not None
    assert (stored.state, stored.tries) == (then, 0 if action == "retry" else 3)
    [line] = [line for line in lines if job.id in line["message"] and "actor" in line["extra"]]
    assert (line["extra"]["actor"], line["extra"]["request_id"]) == (str(boss.id), "abc")
    if then is State.PENDING:
        await discard_job(container, job.id)


@pytest.mark.parametrize(
    ("action", "state"),
    [("retry", State.PENDING), ("retry", State.DONE), ("drop", State.DONE), ("drop", State.DROPPED)],
)
async def test_job_action_in_a_wrong_state_is_refused(
    http: httpx.AsyncClient, container: Container, boss: Person, action: str, state: State
) -> None:
    job = await stored_job(container, new_kind(), state)
    answer = await http.post(f"{JOBS}/{job.id}/{action}", headers=boss.auth)
    assert_refused(answer, 409, "wrong_job_state", told=state)
    assert state.value in answer.json()["detail"]
    assert await container.get(JobQueue).find(job.id) == job


async def test_concurrent_job_actions_succeed_once(http: httpx.AsyncClient, container: Container, boss: Person) -> None:
    job = await stored_job(container, new_kind())
    address = f"{JOBS}/{job.id}/drop"
    answers = await asyncio.gather(*(http.post(address, headers=boss.auth) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
