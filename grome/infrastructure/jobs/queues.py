"""SAQ's queues, kept calm while Redis is away: by itself SAQ asks again at once, without end and with a trace."""

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

_ASK_AGAIN_S: Final = 1.0
_SLOT: Final = "process"  # SAQ's name of a task that takes messages and runs jobs


class ResilientQueue(RedisQueue):
    """One line in the log says that Redis went away, and one that it is back; meanwhile one of all slots looks."""

    def __init__(self, redis: Redis, name: str, namespace: Namespace) -> None:
        self._keys_begin = namespace.key(f"saq:{name}:")  # SAQ's constructor asks for keys already
        super().__init__(redis, name=name)
        self._there = asyncio.Event()
        self._there.set()
        self.idle: set[asyncio.Task[Any]] = set()  # slots that wait for a message

    def namespace(self, key: str) -> str:
        return f"{self._keys_begin}{key}"

    def job_id(self, job_key: str) -> str:
        return f"{self._keys_begin}job:{job_key}"

    def job_key_from_id(self, job_id: str) -> str:
        return job_id.removeprefix(f"{self._keys_begin}job:")

    async def dequeue(self, timeout: float = 0.0, poll_interval: float = 0.0) -> Message | None:  # noqa: ASYNC109 -- SAQ's
        """None also where Redis was away, once it is back."""
        task = asyncio.current_task()
        if task:
            self.idle.add(task)
        try:
            return await super().dequeue(timeout, poll_interval)
        except RedisError as fault:
            if self._there.is_set():
                self._there.clear()
                logger.warning("Redis is of no use ({!r}); jobs of the queue {} wait", fault, self.name)
                await self._wait_for_job()
            await self._there.wait()
            return None
        finally:
            if task:
                self.idle.discard(task)

    async def _wait_for_job(self) -> None:
        try:
            while await _unless_transient(self.count("queued")) is None:
                raise_if_cancelled()
                await asyncio.sleep(_ASK_AGAIN_S)
            logger.info("Redis is back; jobs of the queue {} go on", self.name)
        finally:
            self._there.set()

    async def update(self, job: Message, **kwargs: Any) -> None:  # noqa: ANN401 -- SAQ's
        """Like the two below, leaves Redis untold while it is away: MongoDB knows how far a job is."""
        await _unless_transient(super().update(job, **kwargs))

    async def retry(self, job: Message, error: str | None) -> None:
        await _unless_transient(super().retry(job, error))

    async def finish(self, job: Message, status: Status, **kwargs: Any) -> None:  # noqa: ANN401 -- SAQ's
        await _unless_transient(super().finish(job, status, **kwargs))

    async def notify(self, job: Message) -> None:
        """Tells nobody, since nobody waits for a message's end; SAQ would twice for each."""

    async def listen(
        self,
        job_keys: Iterable[str],
        callback: ListenCallback,
        timeout: float | None = 10,  # noqa: ASYNC109 -- SAQ's
        poll_interval: float = 0.5,
    ) -> None:
        """Hears nothing. SAQ's sweep would wait for word of each message whose worker has died, over a subscription to
        all messages that never ends, and turns without a pause once Redis is away.
        """

    async def sweep(self, lock: int = 60, abort: float = 5.0) -> list[str]:
        return await _unless_transient(super().sweep(lock, abort)) or []


Queues = dict[Queue, ResilientQueue]


def open_queues(redis: Redis, namespace: Namespace) -> Queues:
    """On a client whose reads may wait without end, as dequeues do."""
    return {name: ResilientQueue(redis, name.value, namespace) for name in Queue}


class ResilientWorker(Worker[Any]):
    """What it does every second or so is left out while Redis is away. Signals are its process's business."""

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
        """What only SAQ's own loop asks for, to have it stored."""
        return cast("WorkerInfo", await _unless_transient(super().worker_info(ttl)))


async def _unless_transient(asked: Awaitable[Any]) -> Any:  # noqa: ANN401 -- whatever it gives
    try:
        return await asked
    except RedisError:
        return None
