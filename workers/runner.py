"""One job worker process, started by Sanic's process manager or alone by `grome worker`."""

import asyncio
from typing import Any

from saq import Worker

from config.settings import Settings
from grome.common.log import configure_logging
from grome.context import AppContext
from workers.registry import CRON

# Jobs that are cut off here are tried again by another worker; Ctrl-C must end everything within five seconds.
_GRACE_S = 1


def run_worker(settings: Settings) -> None:
    """Works until SIGINT or SIGTERM."""
    configure_logging(settings.log)
    asyncio.run(_work(settings))


async def _work(settings: Settings) -> None:
    context = await AppContext.open(settings)

    async def hand_over(job: dict[str, Any]) -> None:
        job["grome"] = context

    worker: Worker[Any] = Worker(
        context.queue,
        functions=[],
        cron_jobs=CRON,
        concurrency=settings.jobs.concurrency,
        startup=hand_over,
        shutdown_grace_period_s=_GRACE_S,
    )
    try:
        await worker.start()
    finally:
        await context.close()
