"""`grome jobs`, as typed, on the test's own servers."""

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner

from config.settings import Settings
from grome.cli.main import cli
from grome.infrastructure.container import Container
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import Job, State
from tests.builders.jobs import discard_job, new_kind, stored_job
from tests.support.commands import run_command
from tests.support.processes import environment

Ended = tuple[int, str, str]


class Typed:
    def __init__(self, env: dict[str, str]) -> None:
        self._env = env

    async def __call__(self, *arguments: str) -> Ended:
        """Exit code, standard output, standard error."""
        ended = await asyncio.to_thread(run_command, "jobs", *arguments, env=self._env)
        return ended.returncode, ended.stdout, ended.stderr


@pytest.fixture
def grome_jobs(settings: Settings, database: None, tmp_path: Path) -> Typed:  # noqa: ARG001 -- there are collections
    return Typed(environment(settings, tmp_path, COLUMNS="40", GROME_LOG_LEVEL="INFO"))


async def state_of(container: Container, job: Job) -> State:
    found = await container.get(JobQueue).find(job.id)
    assert found is not None
    return found.state


async def test_jobs_list_in_a_pipe_prints_a_line_of_tabs_for_each_job(grome_jobs: Typed, container: Container) -> None:
    kind = new_kind()
    jobs = [await stored_job(container, kind, tries=tries) for tries in (11, 12, 13)]
    code, out, errors = await grome_jobs("list", "--kind", kind.name, "--limit", "2")
    assert code == 0
    newest, older = (line.split("\t") for line in out.splitlines())
    assert newest[:3] == [jobs[2].id, kind.name, "13"]
    assert older[0] == jobs[1].id
    assert "ValueError: [b]nobody[/b] & <i>nothing</i>" in newest[4]
    assert "There are more jobs" in errors


async def test_jobs_list_with_a_state_has_only_jobs_in_that_state(grome_jobs: Typed, container: Container) -> None:
    kind = new_kind()
    job, dead = await stored_job(container, kind, State.DROPPED), await stored_job(container, kind)
    _, out, _ = await grome_jobs("list", "--state", "dropped", "--kind", kind.name)
    assert job.id in out
    assert dead.id not in out


async def test_jobs_retry_with_ids_retries_dead_jobs_and_prints_each_refusal(
    grome_jobs: Typed, container: Container
) -> None:
    kind = new_kind()
    dead, done = await stored_job(container, kind), await stored_job(container, kind, State.DONE)
    code, out, errors = await grome_jobs("retry", dead.id, done.id, "no:such:job")
    assert code == 2
    assert "1 jobs retried" in out
    assert f"grome: {done.id}: A job that is done cannot be retried." in errors
    assert "grome: no:such:job: There is no such job" in errors
    assert '"actor":"the command line"' in errors
    assert await state_of(container, dead) is State.PENDING
    await discard_job(container, dead.id)


async def test_jobs_retry_with_a_kind_retries_all_its_dead_jobs(grome_jobs: Typed, container: Container) -> None:
    kind = new_kind()
    dead = [await stored_job(container, kind) for _ in range(45)]
    other = await stored_job(container, new_kind())
    code, out, _ = await grome_jobs("retry", "--all", "--kind", kind.name)
    assert code == 0
    assert "45 jobs retried" in out
    assert {await state_of(container, job) for job in dead} == {State.PENDING}
    assert await state_of(container, other) is State.DEAD
    for job in dead:
        await discard_job(container, job.id)


async def test_jobs_drop_with_ids_drops_the_jobs(grome_jobs: Typed, container: Container) -> None:
    jobs = [await stored_job(container, new_kind()) for _ in range(2)]
    code, out, _ = await grome_jobs("drop", *(job.id for job in jobs))
    assert code == 0
    assert "2 jobs dropped" in out
    assert {await state_of(container, job) for job in jobs} == {State.DROPPED}


@pytest.mark.parametrize("arguments", [("retry",), ("retry", "an:id", "--all"), ("retry", "an:id", "--kind", "mail")])
def test_jobs_command_without_ids_or_all_is_refused(arguments: tuple[str, ...]) -> None:
    refused = CliRunner().invoke(cli, ["jobs", *arguments])
    assert refused.exit_code == 2
    assert "Give the ids of jobs, or --all" in refused.output
