"""One message on one way: looked up anew, claimed, sent, and written down."""

from collections.abc import Set as AbstractSet
from datetime import datetime
from uuid import UUID

from grome.common.clock import Clock
from grome.infrastructure.jobs.errors import PermanentJobError, RetryLaterError, UndeliverableError
from grome.notifications.budgets import MessageBudgets
from grome.notifications.channel_rules import RULES
from grome.notifications.context_loader import Stories, Story
from grome.notifications.delivery import Delivery
from grome.notifications.delivery_log import NotificationLog
from grome.notifications.dispatcher import verdict_on
from grome.notifications.models import Channel, Errand, LogEntry, Slot, State, Why
from grome.notifications.push_devices import PushDevices
from grome.notifications.recipients import Recipient, Recipients


class Sending:
    """A try that dies after the message went out and before that is written down sends it again, under the same id:
    receivers drop the double.
    """

    def __init__(
        self,
        recipients: Recipients,
        stories: Stories,
        log: NotificationLog,
        devices: PushDevices,
        delivery: Delivery,
        budgets: MessageBudgets,
        clock: Clock,
    ) -> None:
        self._recipients, self._stories, self._log, self._devices = recipients, stories, log, devices
        self._delivery, self._budgets, self._clock = delivery, budgets, clock

    async def send(self, errand: Errand) -> None:
        """Raises RetryLaterError in quiet hours, and what the transports raise."""
        known = await self._log.find(errand)
        recipient = await self._recipients.find(errand.notice.user_id)
        if recipient is None or (known and known.state is State.SENT):
            return
        story = await self._stories.find(errand.notice, recipient.user)
        verdict = verdict_on(errand, recipient, story, self._clock()) if story else Why.OUTDATED
        if isinstance(verdict, datetime):  # the quiet hours were changed, or tries have failed up into them
            raise RetryLaterError("quiet hours", (verdict - self._clock()).total_seconds())
        if story is None or verdict is not None:
            await self._log.suppressed(errand, verdict or Why.OUTDATED)
        elif await self._is_refused(errand, recipient, story):
            await self._log.suppressed(errand, Why.BOUNCED)
        elif story.about is None:
            await self._send_within_budget(errand, recipient, story, None, known)
        elif slot := await self._log.claim(errand, story.about):
            await self._send_within_budget(errand, recipient, story, slot, known)
        else:
            await self._log.suppressed(errand, Why.DEDUPE)

    async def _send_within_budget(
        self, errand: Errand, recipient: Recipient, story: Story, slot: Slot | None, known: LogEntry | None
    ) -> None:
        """A message counts once, however often it is tried: one that has failed so far was counted then."""
        was_counted = known is not None and known.state is State.FAILED
        if was_counted or await self._budgets.take(story.kind, errand.channel, recipient):
            await self._attempt(errand, recipient, story, slot, frozenset(known.reached if known else ()))
        else:
            await self._log.suppressed(errand, Why.BUDGET)

    async def _is_refused(self, errand: Errand, recipient: Recipient, story: Story) -> bool:
        """Security is tried all the same: an address that refused mail for its content is not one that is gone."""
        address = recipient.address(errand.channel)
        if address is None or RULES[story.kind].topic is None:
            return False
        return await self._log.has_bounced(errand, address)

    async def _attempt(
        self, errand: Errand, recipient: Recipient, story: Story, slot: Slot | None, reached: AbstractSet[UUID]
    ) -> None:
        """What goes wrong leaves the slot to whoever comes next, the next try included."""
        went_well, why = False, None
        try:
            await self._deliver(errand, recipient, story, reached)
            went_well = True
        except (PermanentJobError, UndeliverableError) as error:
            why = Why.REFUSED if isinstance(error, UndeliverableError) else None
            if address := recipient.address(errand.channel):
                await self._log.bounced(errand, address)
            if why is None and not await self._budgets.take_dead_letter(errand.channel):
                raise UndeliverableError(str(error)) from error  # operators have been told often enough today
            raise
        finally:
            if not went_well:
                await self._log.failed(errand, why=why)
                if slot:
                    await self._log.free(slot)

    async def _deliver(self, errand: Errand, recipient: Recipient, story: Story, reached: AbstractSet[UUID]) -> None:
        done = await self._delivery.deliver(errand, recipient, story, reached, self._clock())
        if not done.is_whole:
            await self._log.failed(errand, done.reached)
        elif errand.channel is Channel.PUSH and not (reached or done.reached):  # all of its tokens are gone
            await self._log.suppressed(errand, Why.NO_ADDRESS)
        else:
            await self._log.sent(errand, done.provider_id, done.reached)
        await self._devices.drop(done.gone)
        done.raise_for_failed()
