"""SAQ queues that tolerate an unavailable Redis.

SAQ itself retries at once, without end, and logs a traceback each time.
"""

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Any, Final, cast

from loguru import logger
from redis.asyncio import Redis
from redis.exceptions import RedisError
from saq import Job as Message
from saq import Status, Worker
from saq.queue.redis import RedisQueue
from saq.types import ListenCallback, WorkerInfo

from grome.infrastructure.cancellation import cancel_until_done, raise_if_cancelled
from grome.infrastructure.jobs.models import Queue
from grome.infrastructure.redis.client import Namespace

_RETRY_SECONDS: Final = 1.0
_SLOT: Final = "process"  # SAQ's name of a task that takes messages and runs jobs

# SAQ's own sweep returns each message in the active list that is not marked as active to the queue, because its worker
# may have died. A message that is just being dequeued looks the same. SAQ then queued it again, the second message hid
# the running job, and an abort did not stop the job. This script returns only messages that the previous sweep, a
# minute earlier, found in the same state.
_SWEEP: Final = """
local found = {}
if redis.call('EXISTS', KEYS[1]) == 0 then
    redis.call('SETEX', KEYS[1], ARGV[1], 1)
    local seen = KEYS[1] .. ':seen'
    local active = redis.call('LRANGE', KEYS[2], 0, -1)
    for _, id in ipairs(active) do
        if redis.call('SISMEMBER', seen, id) == 1 then
            found[#found + 1] = {id, redis.call('GET', id)}
        end
    end
    redis.call('DEL', seen)
    for _, id in ipairs(active) do
        redis.call('SADD', seen, id)
    end
    redis.call('EXPIRE', seen, 10 * ARGV[1])
end
return found
"""

# SAQ adds messages at the end of the list and takes them from its beginning.
_MOVE_TO_FRONT: Final = """
if redis.call('LREM', KEYS[1], -1, ARGV[1]) == 1 then
    redis.call('LPUSH', KEYS[1], ARGV[1])
end
"""


class ResilientQueue(RedisQueue):
    """A queue that logs one line when Redis becomes unavailable, and one when it is back.

    Meanwhile a single slot polls Redis, and the other slots wait.
    """

    def __init__(self, redis: Redis, name: str, namespace: Namespace) -> None:
        self._key_prefix = namespace.key(f"saq:{name}:")  # SAQ's constructor asks for keys already
        super().__init__(redis, name=name)
        self._cleanup_script = redis.register_script(_SWEEP)
        self._move_to_front = redis.register_script(_MOVE_TO_FRONT)
        self._available = asyncio.Event()
        self._available.set()
        self.idle: set[asyncio.Task[Any]] = set()  # slots that wait for a message

    def namespace(self, key: str) -> str:
        return f"{self._key_prefix}{key}"

    def job_id(self, job_key: str) -> str:
        return f"{self._key_prefix}job:{job_key}"

    def job_key_from_id(self, job_id: str) -> str:
        return job_id.removeprefix(f"{self._key_prefix}job:")

    async def enqueue_first(self, message: Message) -> None:
        """Enqueue the message before all that wait, unless its key is known or a worker takes it at once."""
        if await self.enqueue(message):
            await self._move_to_front(keys=[self.namespace("queued")], args=[message.id])

    async def dequeue(self, timeout: float = 0.0, poll_interval: float = 0.0) -> Message | None:  # noqa: ASYNC109 -- SAQ's
        """Return None also after Redis was unavailable, as soon as it is back."""
        task = asyncio.current_task()
        if task:
            self.idle.add(task)
        try:
            return await super().dequeue(timeout, poll_interval)
        except RedisError as fault:
            if self._available.is_set():
                self._available.clear()
                logger.warning("Redis is unavailable ({!r}); jobs of the queue {} wait", fault, self.name)
                await self._wait_for_job()
            await self._available.wait()
            return None
        finally:
            if task:
                self.idle.discard(task)

    async def _wait_for_job(self) -> None:
        try:
            while await _unless_transient(self.count("queued")) is None:
                raise_if_cancelled()
                await asyncio.sleep(_RETRY_SECONDS)
            logger.info("Redis is back; jobs of the queue {} go on", self.name)
        finally:
            self._available.set()

    async def update(self, job: Message, **kwargs: Any) -> None:  # noqa: ANN401 -- SAQ's
        """Skip the update if Redis is unavailable: MongoDB holds the state of a job. Same for `retry` and `finish`."""
        await _unless_transient(super().update(job, **kwargs))

    async def retry(self, job: Message, error: str | None) -> None:
        await _unless_transient(super().retry(job, error))

    async def finish(self, job: Message, status: Status, **kwargs: Any) -> None:  # noqa: ANN401 -- SAQ's
        await _unless_transient(super().finish(job, status, **kwargs))

    async def notify(self, job: Message) -> None:
        """Do nothing: no code waits for the end of a message, and SAQ would publish twice for each."""

    async def listen(
        self,
        job_keys: Iterable[str],
        callback: ListenCallback,
        timeout: float | None = 10,  # noqa: ASYNC109 -- SAQ's
        poll_interval: float = 0.5,
    ) -> None:
        """Do nothing.

        SAQ's sweep would subscribe to all messages without end, and loop without a pause while Redis is unavailable.
        """

    async def sweep(self, lock: int = 60, abort: float = 5.0) -> list[str]:
        return await _unless_transient(super().sweep(lock, abort)) or []


Queues = dict[Queue, ResilientQueue]


def open_queues(redis: Redis, namespace: Namespace) -> Queues:
    """Open all queues on a client without a read timeout, since a dequeue blocks."""
    return {name: ResilientQueue(redis, name.value, namespace) for name in Queue}


class ResilientWorker(Worker[Any]):
    """A worker that skips its periodic tasks while Redis is unavailable. Its process handles signals."""

    SIGNALS = ()  # type: ignore[assignment]
    queue: ResilientQueue

    async def process(self) -> bool:
        """Take no message after `stop`: a slot can get its first turn later than that."""
        return not self.event.is_set() and await super().process()

    async def stop(self) -> None:
        """End idle slots and polls at once, then wait for jobs under way.

        SAQ's `stop` waits for idle slots and polls as well. They never end by themselves, so SAQ warned of each queue.
        """
        self.event.set()
        await cancel_until_done(task for task in self.tasks if task.get_name() != _SLOT or task in self.queue.idle)
        await super().stop()

    async def schedule(self, lock: int = 1) -> None:
        await _unless_transient(super().schedule(lock))

    async def abort(self, abort_threshold: float) -> None:
        await _unless_transient(super().abort(abort_threshold))

    async def worker_info(self, ttl: int = 60) -> WorkerInfo:
        """Store the statistics of the worker; only SAQ's own loop calls it."""
        return cast("WorkerInfo", await _unless_transient(super().worker_info(ttl)))


async def _unless_transient(asked: Awaitable[Any]) -> Any:  # noqa: ANN401 -- results of any type
    try:
        return await asked
    except RedisError:
        return None
