"""Every job and every cron entry, listed by hand so that one look shows what workers do."""

from typing import Any

from saq import CronJob

from grome.bookings.jobs import expire_unanswered
from grome.jobs.models import JobKind
from grome.jobs.running import Handler

HANDLERS: dict[JobKind, Handler] = {}

# SAQ would give a job ten seconds and one attempt; each entry says its own.
CRON: tuple[CronJob[Any], ...] = (CronJob(expire_unanswered, cron="* * * * *", timeout=50, retries=3),)
