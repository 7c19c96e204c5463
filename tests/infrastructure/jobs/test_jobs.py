"""A real worker runs jobs: each job is done, despite repeated adds and lost messages."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Settings
from grome.common.ids import new_hex_id
from grome.composition import open_container
from grome.infrastructure.container import Container
from grome.infrastructure.jobs.errors import PermanentJobError, RetryLaterError, UndeliverableError
from grome.infrastructure.jobs.job_queue import JobQueue, delay_s
from grome.infrastructure.jobs.models import JobKind, NewJob, Queue, State
from grome.infrastructure.jobs.queues import Queues
from grome.infrastructure.jobs.runner import JobRunner, RunningJob
from grome.infrastructure.redis.client import RedisClients
from grome.infrastructure.transient_errors import RecipientError
from tests.support.eventually import until
from tests.support.jobs import queues_are_empty, run_worker, wait_for_state

KIND = JobKind("tested", Queue.DEFAULT, timeout_s=10, delays_s=(0.05, 0.05))
HASTY = JobKind("hasty", Queue.DEFAULT, timeout_s=0.3, delays_s=(0.05, 0.05))


class Handling:
    """Counts the attempts of each job, and behaves as its payload says."""

    def __init__(self) -> None:
        self.tries: Counter[str] = Counter()
        self.released = asyncio.Event()

    async def __call__(self, _container: Container, job: RunningJob) -> None:
        self.tries[job.id] += 1
        match job.payload["does"]:
            case "fail":
                raise ValueError("as it was told")
            case "fail once" if job.tries == 1:
                raise ValueError("as it was told")
            case "give up":
                raise PermanentJobError("nobody lives there")
            case "undeliverable":
                raise UndeliverableError("550 nobody lives there")
            case "recipient":
                raise RecipientError("450 the box is full")
            case "recipient's time":
                raise RetryLaterError("come again", 0.1, by_recipient=True)
            case "later" if job.tries == 1:
                raise RetryLaterError("busy", 0.1)
            case "hang":
                await asyncio.sleep(60)
            case "wait":
                await job.report_progress(0.5)
                await self.released.wait()


@pytest.fixture
async def handling() -> Handling:
    return Handling()


@pytest.fixture
async def worker(container: Container, handling: Handling) -> AsyncIterator[None]:
    async with run_worker(container, {KIND: handling, HASTY: handling}):
        yield


def job(does: str, *, kind: JobKind = KIND) -> NewJob:
    return NewJob(new_hex_id(), kind, {"does": does})


@pytest.mark.usefixtures("worker")
async def test_job_added_twice_runs_once(container: Container, handling: Handling) -> None:
    new = job("work")
    await asyncio.gather(*(container.get(JobQueue).add(new, new) for _ in range(5)))
    await wait_for_state(container, new, State.DONE)
    await container.get(JobQueue).add(new)
    await until(lambda: queues_are_empty(container))
    assert handling.tries[new.id] == 1


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("does", ["fail once", "later"])
async def test_failed_job_is_retried(container: Container, handling: Handling, does: str) -> None:
    new = job(does)
    await container.get(JobQueue).add(new)
    await wait_for_state(container, new, State.DONE)
    assert handling.tries[new.id] == 2


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    ("does", "tries", "told"),
    [
        ("fail", 3, "ValueError: as it was told"),
        ("give up", 1, "PermanentJobError: nobody lives there"),
        ("hang", 3, "TimeoutError: "),
    ],
)
async def test_job_that_keeps_failing_is_dead_until_it_is_retried_or_dropped(
    container: Container, handling: Handling, does: str, tries: int, told: str
) -> None:
    new = job(does, kind=HASTY if does == "hang" else KIND)
    await container.get(JobQueue).add(new)
    await wait_for_state(container, new, State.DEAD)
    dead = await container.get(JobQueue).find(new.id)
    assert dead is not None
    assert (dead.tries, dead.error) == (tries, told)
    assert handling.tries[new.id] == tries

    assert await container.get(JobQueue).retry(new.id)
    await until(lambda: handling.tries[new.id] > tries)
    await wait_for_state(container, new, State.DEAD)
    assert await container.get(JobQueue).drop(new.id)
    await wait_for_state(container, new, State.DROPPED)
    assert await container.get(JobQueue).drop(new.id) is None


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    ("does", "tries", "told"),
    [
        ("undeliverable", 1, "UndeliverableError: 550 nobody lives there"),
        ("recipient", 3, "RecipientError: 450 the box is full"),
        ("recipient's time", 3, "RetryLaterError: come again"),
    ],
)
async def test_job_refused_by_its_recipient_is_done_with_the_refusal_as_error(
    container: Container, handling: Handling, does: str, tries: int, told: str
) -> None:
    new = job(does)
    await container.get(JobQueue).add(new)
    await wait_for_state(container, new, State.DONE)
    done = await container.get(JobQueue).find(new.id)
    assert done is not None
    assert (done.tries, done.error, handling.tries[new.id]) == (tries, told, tries)
    assert await container.get(JobQueue).retry(new.id) is None


@pytest.mark.usefixtures("worker")
async def test_job_with_a_due_time_starts_no_earlier(container: Container) -> None:
    new = job("work")
    later = NewJob(new.id, new.kind, new.payload, container.clock() + timedelta(seconds=1.5))
    await container.get(JobQueue).add(later)
    await wait_for_state(container, new, State.DONE)
    done = await container.get(JobQueue).find(new.id)
    assert done is not None
    assert later.due_at is not None
    assert done.started_at is not None
    assert done.started_at >= later.due_at - timedelta(milliseconds=1)  # MongoDB keeps whole milliseconds


@pytest.mark.usefixtures("worker")
async def test_job_lost_by_redis_is_enqueued_again(container: Container, handling: Handling) -> None:
    busy = [job("wait") for _ in range(container.settings.jobs.concurrency)]
    await container.get(JobQueue).add(*busy)
    await until(lambda: all(handling.tries[one.id] for one in busy))
    new = job("work")
    await container.get(JobQueue).add(new)
    await container.get(RedisClients).commands.flushdb()
    handling.released.set()
    await wait_for_state(container, new, State.DONE)
    assert handling.tries[new.id] == 1


async def test_job_in_a_crowded_queue_is_looked_at_again_soon_each_time(container: Container) -> None:
    waiting, jobs, now = [job("work") for _ in range(60)], container.database["jobs"], container.clock()
    ids = {"_id": {"$in": [one.id for one in waiting]}}
    await container.get(JobQueue).add(*waiting)
    for _ in range(5):
        await jobs.update_many(ids, {"$set": {"next_at": now}})
        await container.get(JobQueue).enqueue_due()
        stored = await jobs.find(ids).to_list()
        assert max(one["next_at"] for one in stored) - container.clock() < timedelta(seconds=5)
    await jobs.delete_many(ids)
    await container.get(RedisClients).commands.flushdb()


async def test_job_of_a_killed_worker_is_first_in_a_long_queue(container: Container) -> None:
    begun, waiting, redis = job("work"), [job("work") for _ in range(60)], container.get(RedisClients).commands
    jobs, queue = container.get(JobQueue), container.get(Queues)[Queue.DEFAULT]
    await jobs.add(begun)
    await redis.flushdb()  # its worker has the message
    lapsed = {"claim": "of a dead worker", "tries": 1, "next_at": container.clock()}
    await container.database["jobs"].update_one({"_id": begun.id}, {"$set": lapsed})
    await jobs.add(*waiting)
    await jobs.enqueue_due()
    first = await queue.dequeue(1)
    assert first
    assert first.kwargs == {"job_id": begun.id, "tries": 1}
    await container.database["jobs"].delete_many({"_id": {"$in": [one.id for one in (begun, *waiting)]}})
    await redis.flushdb()


@pytest.mark.usefixtures("worker")
async def test_job_unclaimed_many_times_in_a_short_queue_is_enqueued_again_within_seconds(
    container: Container, handling: Handling
) -> None:
    busy, new, jobs = (
        [job("wait") for _ in range(container.settings.jobs.concurrency)],
        job("work"),
        container.database["jobs"],
    )
    await container.get(JobQueue).add(*busy)
    await until(lambda: all(handling.tries[one.id] for one in busy))
    await container.get(JobQueue).add(new)
    before = container.clock()
    await jobs.update_one({"_id": new.id}, {"$set": {"handed": 2_000, "next_at": before}})
    enqueued = {"_id": new.id, "handed": 2_001, "next_at": {"$gt": before}}

    async def is_enqueued() -> bool:
        return await jobs.find_one(enqueued) is not None

    await until(is_enqueued)
    stored = await jobs.find_one(enqueued)
    assert stored
    assert stored["next_at"] < container.clock() + timedelta(seconds=5)
    handling.released.set()
    await wait_for_state(container, new, State.DONE)


@pytest.mark.usefixtures("worker")
async def test_enqueue_due_with_unreadable_jobs_first_enqueues_the_later_jobs(container: Container) -> None:
    new, jobs = job("work"), container.database["jobs"]
    await container.get(JobQueue).add(NewJob(new.id, new.kind, new.payload, container.clock() + timedelta(hours=1)))
    stored = await jobs.find_one({"_id": new.id})
    assert stored
    past = container.clock() - timedelta(days=1)
    unread = {**stored, "queue": "unheard_of", "next_at": past}
    bad = [{**unread, "_id": new_hex_id()} for _ in range(500)]
    await jobs.insert_many(bad, bypass_document_validation=True)
    await jobs.update_one({"_id": new.id}, {"$set": {"next_at": container.clock()}})
    await wait_for_state(container, new, State.DONE)
    await jobs.delete_many({"queue": "unheard_of"})


@pytest.mark.usefixtures("worker")
async def test_running_job_has_readable_progress(container: Container, handling: Handling) -> None:
    new = job("wait")
    await container.get(JobQueue).add(new)

    async def half_done() -> bool:
        found = await container.get(JobQueue).find(new.id)
        return found is not None and found.progress == 0.5

    await until(half_done)
    handling.released.set()
    await wait_for_state(container, new, State.DONE)
    assert handling.tries[new.id] == 1


async def test_job_of_a_stopped_worker_is_taken_by_another_worker_at_once(
    container: Container, settings: Settings, handling: Handling
) -> None:
    new = job("wait")
    async with run_worker(container, {KIND: handling}):
        await container.get(JobQueue).add(new)
        await until(lambda: handling.tries[new.id] == 1)
    left = await container.get(JobQueue).find(new.id)
    assert left is not None
    assert left.claim is None
    assert left.next_at <= container.clock()
    handling.released.set()
    other = await open_container(settings)
    async with run_worker(other, {KIND: handling}):
        await wait_for_state(container, new, State.DONE)
    await other.close()
    assert handling.tries[new.id] == 2


async def test_job_that_lost_its_lease_runs_again_beside_its_first_run_in_one_process(
    container: Container, handling: Handling
) -> None:
    job = NewJob(f"{new_hex_id()}:twice", KIND, {"does": "wait"})
    await container.get(JobQueue).add(job)
    runner = JobRunner(container, {KIND: handling})
    runs = [asyncio.create_task(runner.run(job.id, 0))]
    await until(lambda: handling.tries[job.id] == 1)
    await container.database["jobs"].update_one({"_id": job.id}, {"$set": {"claim": None}})  # as the enqueuer does
    runs.append(asyncio.create_task(runner.run(job.id, 1)))
    await until(lambda: handling.tries[job.id] == 2)
    handling.released.set()
    assert await asyncio.gather(*runs) == ["done", "done"]
    await wait_for_state(container, job, State.DONE)


async def test_urgent_queue_is_served_while_the_bulk_queue_is_busy(container: Container, handling: Handling) -> None:
    bulk = JobKind("bulky", Queue.BULK, timeout_s=30, delays_s=())
    urgent = JobKind("urgent", Queue.URGENT, timeout_s=1, delays_s=())
    async with run_worker(container, {bulk: handling, urgent: handling}):
        slow = [job("wait", kind=bulk) for _ in range(2 * container.settings.jobs.concurrency)]
        await container.get(JobQueue).add(*slow)
        new = job("work", kind=urgent)
        await container.get(JobQueue).add(new)
        await wait_for_state(container, new, State.DONE)
        handling.released.set()
        for one in slow:
            await wait_for_state(container, one, State.DONE)
    assert set(handling.tries.values()) == {1}


@given(tries=st.integers(1, 8), dice=st.integers())
def test_retry_delay_grows_with_jitter_until_the_tries_end(tries: int, dice: int) -> None:
    kind = JobKind("any", Queue.BULK, 1, (5, 60, 300, 1800, 7200))
    chance = Random(dice).random()  # noqa: S311 -- reproducible, and no secret
    wait_s = delay_s(kind, tries, chance)
    if tries > len(kind.delays_s):
        assert wait_s is None
    else:
        assert wait_s is not None
        assert 0.75 * kind.delays_s[tries - 1] <= wait_s <= 1.25 * kind.delays_s[tries - 1]
