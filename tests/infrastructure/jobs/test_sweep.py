"""The sweep of messages of dead workers."""

from saq import Job as Message

from config.settings import Settings
from grome.common.ids import new_hex_id
from grome.infrastructure.jobs.models import Queue
from grome.infrastructure.jobs.queues import open_queues
from grome.infrastructure.redis.client import Namespace, open_waiting_redis


async def test_sweep_leaves_a_message_that_is_being_dequeued_until_the_next_sweep(settings: Settings) -> None:
    async with open_waiting_redis(settings.redis, waiting=1) as redis:
        queue = open_queues(redis, Namespace(new_hex_id(), 0))[Queue.BULK]
        await queue.enqueue(Message(function="tested", key="one", retries=2))
        dequeued = await queue.dequeue(1)
        assert dequeued is not None

        assert await queue.sweep(lock=60) == []
        assert (await queue.count("active"), await queue.count("queued")) == (1, 0)

        assert await queue.sweep(lock=60) == []  # within the minute nobody sweeps again
        await redis.delete(queue.namespace("sweep"))
        assert await queue.sweep(lock=60) == [dequeued.id]
        assert (await queue.count("active"), await queue.count("queued")) == (0, 1)
