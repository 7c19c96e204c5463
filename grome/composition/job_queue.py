"""JobQueue: stored in MongoDB, handed to workers through SAQ's queues."""

from grome.infrastructure.container import Container, Providers
from grome.infrastructure.jobs.admin import JobAdmin
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.queues import Queues, open_queues
from grome.infrastructure.jobs.repository import JobRepository
from grome.infrastructure.redis.client import Namespace, RedisClients

job_queue = Providers()


@job_queue.provide
def queues(container: Container) -> Queues:
    return open_queues(container.get(RedisClients).queues, container.get(Namespace))


@job_queue.provide
def job_repository(container: Container) -> JobRepository:
    return JobRepository(container.database)


@job_queue.provide
def jobs(container: Container) -> JobQueue:
    return JobQueue(container.get(JobRepository), container.get(Queues), container.clock)


@job_queue.provide
def job_admin(container: Container) -> JobAdmin:
    return JobAdmin(container.get(JobQueue), container.get(JobRepository), container.clock)
