"""What everything else stands on: settings, clock, clients of servers, and the jobs."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import cached_property
from typing import Any

from redis.asyncio import Redis

from config.settings import Settings
from grome.common.clock import Clock
from grome.infrastructure.jobs.admin import JobAdmin
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import Queue
from grome.infrastructure.jobs.queues import Queues, open_queues
from grome.infrastructure.jobs.repository import JobRepository
from grome.infrastructure.mongo.budgets import Budgets
from grome.infrastructure.mongo.client import Client, Database, close_mongo, database, open_mongo
from grome.infrastructure.mongo.transactions import Transactions
from grome.infrastructure.redis.client import Namespace, open_redis, open_subscribing_redis, open_waiting_redis
from grome.infrastructure.redis.failed_items import FailedItems
from grome.infrastructure.storage.links import FileLinks
from grome.infrastructure.storage.opening import open_storage
from grome.infrastructure.storage.protocol import Storage


class Clients:
    """Everything is made at its first use, and closed in reverse by `close`."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings, self.clock = settings, clock
        self._stack = AsyncExitStack()

    async def close(self) -> None:
        """Closes in reverse what was opened."""
        await self._stack.aclose()

    def _close_by(self, close: Callable[..., Awaitable[Any]], *given: object) -> None:
        self._stack.push_async_callback(close, *given)

    @cached_property
    def mongo(self) -> Client:
        client = open_mongo(self.settings.mongo)
        self._close_by(close_mongo, client)
        return client

    @cached_property
    def database(self) -> Database:
        return database(self.mongo, self.settings.mongo)

    @cached_property
    def budgets(self) -> Budgets:
        return Budgets(self.database, self.clock)

    @cached_property
    def transactions(self) -> Transactions:
        return Transactions(self.mongo, self.settings.mongo.timeout_ms)

    @cached_property
    def namespace(self) -> Namespace:
        return Namespace.of(self.settings)

    @cached_property
    def redis(self) -> Redis:
        client = open_redis(self.settings.redis)
        self._close_by(client.aclose)
        return client

    @cached_property
    def failed_items(self) -> FailedItems:
        return FailedItems(self.redis, self.namespace)

    @cached_property
    def subscribing_redis(self) -> Redis:
        client = open_subscribing_redis(self.settings.redis)
        self._close_by(client.aclose)
        return client

    @cached_property
    def queues(self) -> Queues:
        client = open_waiting_redis(self.settings.redis, len(Queue) * self.settings.jobs.concurrency)
        self._close_by(client.aclose)
        return open_queues(client, self.namespace)

    @cached_property
    def stored_jobs(self) -> JobRepository:
        return JobRepository(self.database)

    @cached_property
    def jobs(self) -> JobQueue:
        return JobQueue(self.stored_jobs, self.queues, self.clock)

    @cached_property
    def job_admin(self) -> JobAdmin:
        return JobAdmin(self.jobs, self.stored_jobs, self.clock)

    @cached_property
    def file_links(self) -> FileLinks:
        return FileLinks(self.settings.accounts.signing_key, self.settings.http.api_base, self.clock)

    @cached_property
    def storage(self) -> Storage:
        storage = open_storage(self.settings, self.file_links)
        self._close_by(storage.close)
        return storage

    @cached_property
    def answer_within(self) -> timedelta:
        """How long a request waits for its barber."""
        return timedelta(minutes=self.settings.bookings.answer_within_min)
