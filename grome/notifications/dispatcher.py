"""One person is told one thing: on which ways, decided by what they want at that moment."""

from datetime import datetime
from typing import Final

import msgspec

from grome.common.clock import Clock
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import JobKind, NewJob, Queue
from grome.notifications.channel_rules import RULES, Verdict, decide
from grome.notifications.context_loader import Stories, Story
from grome.notifications.delivery_log import NotificationLog
from grome.notifications.models import Channel, Errand, Notice, Why
from grome.notifications.recipients import Recipient, Recipients

# Fifteen hours in all: what a provider is away for at most.
_DELAYS_S: Final = (5.0, 60.0, 300.0, 1800.0, 7200.0, 14_400.0, 28_800.0)
SEND: Final = {
    Channel.EMAIL: JobKind("mail", Queue.DEFAULT, 60, _DELAYS_S),
    Channel.PUSH: JobKind("push", Queue.DEFAULT, 60, _DELAYS_S),
    Channel.SMS: JobKind("sms", Queue.DEFAULT, 60, _DELAYS_S),
}

_CLOSED: Final = frozenset({Why.NO_ADDRESS, Why.PREFERENCE, Why.UNVERIFIED})


class Dispatching:
    """Adds a job for each way, so that a crash between two repeats neither."""

    def __init__(
        self, recipients: Recipients, stories: Stories, log: NotificationLog, jobs: JobQueue, clock: Clock
    ) -> None:
        self._recipients, self._stories, self._log, self._jobs, self._clock = recipients, stories, log, jobs, clock

    async def dispatch(self, notice: Notice) -> None:
        """Nothing happens where the account is gone, or there is nothing to tell any more."""
        recipient = await self._recipients.find(notice.user_id)
        if recipient is None or (
            notice.hours_before and notice.hours_before not in recipient.user.preferences.reminders
        ):
            return
        story = await self._stories.find(notice, recipient.user)
        if story is None:
            return
        errands = [Errand(notice, channel) for channel in RULES[story.kind].channels]
        verdicts = {errand: verdict_on(errand, recipient, story, self._clock()) for errand in errands}
        await self._jobs.add(
            *(_job(errand, verdict) for errand, verdict in verdicts.items() if not isinstance(verdict, Why))
        )
        for errand, verdict in verdicts.items():
            if isinstance(verdict, Why):
                await self._log.suppressed(errand, verdict)
        if all(verdict in _CLOSED for verdict in verdicts.values()):
            # The list that the app shows is the one way left, and an entry of it is the message.
            await self._log.sent(Errand(notice, Channel.IN_APP), None)


def verdict_on(errand: Errand, recipient: Recipient, story: Story, now: datetime) -> Verdict:
    """As `decide` says of this recipient; push and SMS do not tell what something later has overtaken."""
    if story.is_overtaken and errand.channel is not Channel.EMAIL:
        return Why.OUTDATED
    way = (story.kind, errand.channel)
    chosen, closed = recipient.user.preferences, recipient.open_for_codes_only
    return decide(way, chosen, recipient.reachable, now, story.needed_by, closed)


def _job(errand: Errand, due_at: datetime | None) -> NewJob:
    return NewJob(errand.job_id, SEND[errand.channel], msgspec.to_builtins(errand), due_at)
