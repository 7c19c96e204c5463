"""Send one message on one channel: load it anew, claim it, send it and record the result."""

from collections.abc import Set as AbstractSet
from datetime import datetime
from uuid import UUID

from grome.common.clock import Clock
from grome.infrastructure.jobs.errors import PermanentJobError, RetryLaterError, UndeliverableError
from grome.notifications.budgets import MessageBudgets
from grome.notifications.channel_rules import RULES
from grome.notifications.context_loader import ContextLoader
from grome.notifications.delivery import Deliverer
from grome.notifications.delivery_log import NotificationLog
from grome.notifications.dispatcher import decide_delivery
from grome.notifications.message_context import MessageContext
from grome.notifications.models import Channel, ChannelDelivery, DedupeClaim, LogEntry, State, Why
from grome.notifications.push_devices import PushDevices
from grome.notifications.recipients import Recipients


class MessageSender:
    """Sends messages at least once.

    A worker that dies between sending and recording sends the message again under the same id, and receivers drop the
    duplicate.
    """

    def __init__(
        self,
        recipients: Recipients,
        contexts: ContextLoader,
        log: NotificationLog,
        devices: PushDevices,
        deliverer: Deliverer,
        budgets: MessageBudgets,
        clock: Clock,
    ) -> None:
        self._recipients, self._contexts, self._log, self._devices = recipients, contexts, log, devices
        self._deliverer, self._budgets, self._clock = deliverer, budgets, clock

    async def send(self, delivery: ChannelDelivery) -> None:
        """Send the message, or record the reason why it is suppressed.

        Raises RetryLaterError in quiet hours, and the errors of the transports.
        """
        known = await self._log.find(delivery)
        recipient = await self._recipients.find(delivery.notification.user_id)
        if recipient is None or (known and known.state is State.SENT):
            return
        context = await self._contexts.find(delivery.notification, recipient)
        verdict = decide_delivery(delivery, context, self._clock()) if context else Why.OUTDATED
        if isinstance(verdict, datetime):  # quiet hours have changed, or failed tries have reached into them
            raise RetryLaterError("quiet hours", (verdict - self._clock()).total_seconds())
        if context is None or verdict is not None:
            await self._log.record_suppressed(delivery, verdict or Why.OUTDATED)
        elif await self._is_refused(delivery, context):
            await self._log.record_suppressed(delivery, Why.BOUNCED)
        elif context.dedupe_key is None:
            await self._send_within_budget(delivery, context, None, known)
        elif claim := await self._log.claim(delivery, context.dedupe_key, context.dedupe_window):
            await self._send_within_budget(delivery, context, claim, known)
        else:
            await self._log.record_suppressed(delivery, Why.DEDUPE)

    async def _send_within_budget(
        self,
        delivery: ChannelDelivery,
        context: MessageContext,
        claim: DedupeClaim | None,
        known: LogEntry | None,
    ) -> None:
        """Send the message if the budget allows it. Retries of a failed message are not counted again."""
        was_counted = known is not None and known.state is State.FAILED
        if was_counted or await self._budgets.take(context.kind, delivery.channel, context.recipient):
            await self._attempt(delivery, context, claim, frozenset(known.reached if known else ()))
        else:
            await self._log.record_suppressed(delivery, Why.BUDGET)

    async def _is_refused(self, delivery: ChannelDelivery, context: MessageContext) -> bool:
        """Return whether the address bounced.

        Security messages are tried in any case: the refusal may concern the content only.
        """
        address = context.recipient.address(delivery.channel)
        if address is None or RULES[context.kind].topic is None:
            return False
        return await self._log.has_bounced(delivery, address)

    async def _attempt(
        self,
        delivery: ChannelDelivery,
        context: MessageContext,
        claim: DedupeClaim | None,
        reached: AbstractSet[UUID],
    ) -> None:
        """Deliver, and release the claim if that fails, for the next try or another message."""
        went_well, why = False, None
        try:
            await self._deliver(delivery, context, reached)
            went_well = True
        except (PermanentJobError, UndeliverableError) as error:
            why = Why.REFUSED if isinstance(error, UndeliverableError) else None
            if address := context.recipient.address(delivery.channel):
                await self._log.record_bounce(delivery, address)
            if why is None and not await self._budgets.take_dead_letter(delivery.channel):
                raise UndeliverableError(str(error)) from error  # operators have had their daily limit of reports
            raise
        finally:
            if not went_well:
                await self._log.record_failed(delivery, why=why)
                if claim:
                    await self._log.release(claim)

    async def _deliver(self, delivery: ChannelDelivery, context: MessageContext, reached: AbstractSet[UUID]) -> None:
        done = await self._deliverer.deliver(delivery, context, reached, self._clock())
        if not done.is_complete:
            await self._log.record_failed(delivery, done.reached)
        elif delivery.channel is Channel.PUSH and not (reached or done.reached):  # all tokens of the user are invalid
            await self._log.record_suppressed(delivery, Why.NO_ADDRESS)
        else:
            await self._log.record_sent(delivery, done.provider_id, done.reached)
        await self._devices.drop(done.gone)
        done.raise_for_failed()
