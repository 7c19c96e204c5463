"""Select the channels of a notification from the reader's current preferences."""

from datetime import datetime
from typing import Final

import msgspec

from grome.common.clock import Clock
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import JobKind, NewJob, Queue
from grome.notifications.channel_rules import RULES, Verdict, decide
from grome.notifications.context_loader import ContextLoader
from grome.notifications.delivery_log import NotificationLog
from grome.notifications.message_context import MessageContext
from grome.notifications.models import Channel, ChannelDelivery, Notification, Why
from grome.notifications.recipients import Recipients

# Covers 15 hours, the longest expected outage of a provider.
_RETRY_DELAYS_S: Final = (5.0, 60.0, 300.0, 1800.0, 7200.0, 14_400.0, 28_800.0)
SEND_JOBS: Final = {
    Channel.EMAIL: JobKind("mail", Queue.DEFAULT, 60, _RETRY_DELAYS_S),
    Channel.PUSH: JobKind("push", Queue.DEFAULT, 60, _RETRY_DELAYS_S),
    Channel.SMS: JobKind("sms", Queue.DEFAULT, 60, _RETRY_DELAYS_S),
}

_NOT_REACHABLE: Final = frozenset({Why.NO_ADDRESS, Why.PREFERENCE, Why.UNVERIFIED})


class Dispatcher:
    """Adds one job for each channel, so that a crash between two channels repeats neither."""

    def __init__(
        self, recipients: Recipients, contexts: ContextLoader, log: NotificationLog, jobs: JobQueue, clock: Clock
    ) -> None:
        self._recipients, self._contexts, self._log, self._jobs, self._clock = recipients, contexts, log, jobs, clock

    async def dispatch(self, notification: Notification) -> None:
        """Add the jobs of a notification. Does nothing if the account is gone or the news is no longer true."""
        recipient = await self._recipients.find(notification.user_id)
        if recipient is None or (
            notification.hours_before and notification.hours_before not in recipient.user.preferences.reminders
        ):
            return
        context = await self._contexts.find(notification, recipient)
        if context is None:
            return
        deliveries = [ChannelDelivery(notification, channel) for channel in RULES[context.kind].channels]
        verdicts = {delivery: decide_delivery(delivery, context, self._clock()) for delivery in deliveries}
        await self._jobs.add(
            *(_job(delivery, verdict) for delivery, verdict in verdicts.items() if not isinstance(verdict, Why))
        )
        for delivery, verdict in verdicts.items():
            if isinstance(verdict, Why):
                await self._log.record_suppressed(delivery, verdict)
        if all(verdict in _NOT_REACHABLE for verdict in verdicts.values()):
            # The list in the app is the only channel left, and the entry in the log is the message.
            await self._log.record_sent(ChannelDelivery(notification, Channel.IN_APP), None)


def decide_delivery(delivery: ChannelDelivery, context: MessageContext, now: datetime) -> Verdict:
    """Decide with `decide` for the recipient. Push and SMS are suppressed if the context is stale."""
    if context.is_stale and delivery.channel is not Channel.EMAIL:
        return Why.OUTDATED
    recipient, message = context.recipient, (context.kind, delivery.channel)
    preferences, closed = recipient.user.preferences, recipient.open_for_codes_only
    return decide(message, preferences, recipient.reachable, now, context.needed_by, closed)


def _job(delivery: ChannelDelivery, due_at: datetime | None) -> NewJob:
    return NewJob(delivery.job_id, SEND_JOBS[delivery.channel], msgspec.to_builtins(delivery), due_at)
