"""One job worker process, started by Sanic's process manager or alone by `grome worker`; and `grome relay`."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final, cast

import uvloop
from saq import CronJob
from saq.types import PartialTimersDict

from config.settings import Settings
from grome.composition import open_container
from grome.infrastructure.collector import collect_garbage_rarely
from grome.infrastructure.container import Container
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import JobKind, Queue
from grome.infrastructure.jobs.queues import Queues, ResilientWorker
from grome.infrastructure.jobs.runner import Handler, JobRunner
from grome.infrastructure.logs import configure_logging, log_start
from grome.infrastructure.observers import start_observing
from grome.infrastructure.outbox.relay import Relay
from grome.infrastructure.redis.stored_counts import StoredCounts
from grome.infrastructure.telemetry.event_loop import keep_measuring_lag
from grome.infrastructure.telemetry.registry import attach_child, name_process
from workers.listener import answering
from workers.registry import CRON, HANDLERS

# Jobs that are cut off here are tried again by another worker; Ctrl-C must end everything within five seconds.
_SHUTDOWN_GRACE_S: Final = 1
# How often a worker asks whether a job under way was aborted, and how long the job has run by then. SAQ's own second
# made an operator wait up to two. It costs a read of Redis for each queue that has such a job.
_ABORT_POLL_S: Final = 0.25
# Webhook jobs mostly wait for the receivers' servers. With this many slots the endpoints of one owner, at their maximum
# of concurrent requests, cannot occupy all slots.
_WEBHOOK_CONCURRENCY_FACTOR: Final = 4
Crons = Sequence[CronJob[Any]]


def run_worker(settings: Settings, metrics: Path | None = None) -> None:
    """Run jobs until SIGINT or SIGTERM. `metrics` is the block of the main process, if there is one."""
    configure_logging(settings.log)
    log_start(settings.env, "job worker")
    if metrics:
        attach_child(metrics)
    else:
        name_process("worker")
    port = 0 if metrics else settings.jobs.http_port
    uvloop.run(_run_until_signalled(settings, lambda container: work(container, HANDLERS, CRON), port))


def run_relay(settings: Settings) -> None:
    """Run the relay until SIGINT or SIGTERM. Of several processes that run it, one leads at a time."""
    configure_logging(settings.log)
    log_start(settings.env, "relay")
    name_process("relay")
    uvloop.run(_run_until_signalled(settings, relay, settings.jobs.http_port))


async def _run_until_signalled(
    settings: Settings, loops: Callable[[Container], Coroutine[Any, Any, None]], port: int
) -> None:
    """Run `loops` until a signal, and answer on `port` meanwhile, unless it is 0."""
    observers = start_observing(settings)
    container = await open_container(settings)
    collect_garbage_rarely()
    told = asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, told.set)
    working = asyncio.create_task(loops(container))
    waiting = asyncio.create_task(told.wait())
    try:
        async with answering(container, port) if port else nullcontext():
            await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
        working.cancel()
        await asyncio.wait({working})
        await container.close()
        await asyncio.to_thread(observers.close)
    if not working.cancelled():
        working.result()  # it only ends by itself when something in it has failed


async def work(container: Container, handlers: Mapping[JobKind, Handler], cron: Crons = ()) -> None:
    """Run jobs until cancelled. An error in any task ends all of them; the watchdog starts another worker."""
    runner = JobRunner(container, handlers)
    async with asyncio.TaskGroup() as group:
        for queue in Queue:
            worker = _worker(container, queue, runner, handlers, cron if queue is Queue.DEFAULT else ())
            group.create_task(worker.start())
        group.create_task(runner.renew_leases())
        group.create_task(container.get(JobQueue).run_enqueuer())
        if container.settings.jobs.relay:
            group.create_task(container.get(Relay).run())
        group.create_task(container.get(StoredCounts).keep_storing())
        group.create_task(keep_measuring_lag())


async def relay(container: Container) -> None:
    """Run the relay until cancelled."""
    async with asyncio.TaskGroup() as group:
        group.create_task(container.get(Relay).run())
        group.create_task(container.get(StoredCounts).keep_storing())
        group.create_task(keep_measuring_lag())


def _worker(
    container: Container, queue: Queue, runner: JobRunner, handlers: Mapping[JobKind, Handler], cron: Crons
) -> ResilientWorker:
    async def perform(_saq: dict[str, Any], *, job_id: str, tries: int) -> str:
        return await runner.run(job_id, tries)

    async def hand_over(saq: dict[str, Any]) -> None:
        saq["container"] = container

    return ResilientWorker(
        container.get(Queues)[queue],
        functions=[(kind.name, perform) for kind in handlers if kind.queue is queue],
        cron_jobs=cron,
        concurrency=container.settings.jobs.concurrency
        * (_WEBHOOK_CONCURRENCY_FACTOR if queue is Queue.WEBHOOKS else 1),
        startup=hand_over,
        timers=cast("PartialTimersDict", {"abort": _ABORT_POLL_S}),  # SAQ sleeps for it, and takes fractions
        shutdown_grace_period_s=_SHUTDOWN_GRACE_S,
    )
