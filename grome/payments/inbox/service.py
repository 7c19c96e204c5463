"""Receive events of Stripe, and process them by their type."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from loguru import logger

from grome.common.clock import Clock
from grome.infrastructure.figures import count
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.stripe.errors import SignatureError
from grome.infrastructure.stripe.models import StripeNotification
from grome.infrastructure.stripe.signatures import verify_notification
from grome.payments.inbox.errors import NotFromStripe
from grome.payments.inbox.models import (
    BANK_HANDLERS,
    HANDLER_OF_TYPE,
    IGNORED,
    AccountEvents,
    Outcome,
    PaymentEvents,
    StripeEvent,
    TransferEvents,
    job_of,
)
from grome.payments.inbox.repository import StripeEventRepository


class StripeInbox:
    """Stores each event once. Both the webhook and reconciliation, which lists events, add to it."""

    def __init__(
        self, events: StripeEventRepository, jobs: JobQueue, webhook_secrets: Sequence[str], clock: Clock
    ) -> None:
        self._events, self._jobs, self._secrets, self._clock = events, jobs, webhook_secrets, clock

    async def receive(self, raw: bytes, signature: str) -> None:
        """Check and store a notification of the webhook. Raises NotFromStripe, and then stores nothing."""
        try:
            notification = verify_notification(raw, signature, self._secrets, self._clock())
        except SignatureError as error:
            logger.warning("A notification is refused: {}", error)
            raise NotFromStripe(f"Refused: {error}.") from None
        await self.add(notification)

    async def add(self, notification: StripeNotification) -> bool:
        """Store an event, and a job that processes it. Returns False if the event is known.

        The job of a known event is added again unless it is processed: the process that stored it may have died before.
        """
        event = StripeEvent(
            id=notification.id,
            type=notification.type,
            object_id=notification.object_id,
            account_id=notification.account_id,
            created=notification.created,
            received_at=self._clock(),
        )
        is_new = await self._events.insert(event)
        if not is_new:
            known = await self._events.find(event.id)
            if known is None or known.processed_at:
                return False
        await self._jobs.add(job_of(event))
        return is_new


class StripeEventProcessor:
    """Passes an event's object to the handler of the event's type."""

    def __init__(
        self,
        events: StripeEventRepository,
        payments: PaymentEvents,
        transfers: TransferEvents,
        accounts: AccountEvents,
        clock: Clock,
    ) -> None:
        self._events, self._clock = events, clock
        self._object_handlers: dict[str, Callable[[str], Awaitable[None]]] = {
            "intent_changed": payments.intent_changed,
            "setup_changed": payments.setup_changed,
            "charge_changed": payments.charge_changed,
            "refund_changed": payments.refund_changed,
            "dispute_changed": payments.dispute_changed,
            "fraud_warning": payments.fraud_warning,
            "transfer_changed": transfers.transfer_changed,
            "account_changed": accounts.account_changed,
        }
        # The events are about an object of a barber's account, of which Grome reads nothing.
        self._bank_handlers: dict[str, Callable[[str, datetime], Awaitable[None]]] = {
            "bank_payout_paid": accounts.bank_payout_paid,
            "bank_payout_failed": accounts.bank_payout_failed,
        }

    async def process(self, event_id: str) -> None:
        """Handle an event unless that is done. Raises the errors of the handler, after which it is tried again."""
        event = await self._events.begin_try(event_id)
        if event:
            outcome = await self._handle(event)
            await self._events.end(event.id, outcome, self._clock())
            count("stripe_events", outcome.value)

    async def _handle(self, event: StripeEvent) -> Outcome:
        name = HANDLER_OF_TYPE.get(event.type)
        if event.type in IGNORED or not _concerns_us(event, name):
            return Outcome.IGNORED
        if name is None or event.object_id is None:
            logger.warning("Event {} of Stripe is of the unknown type {}", event.id, event.type)
            return Outcome.UNKNOWN
        if handle_bank_payout := self._bank_handlers.get(name):
            await handle_bank_payout(event.account_id or "", event.created)
        else:
            await self._object_handlers[name](event.object_id)
        return Outcome.HANDLED


def _concerns_us(event: StripeEvent, handler: str | None) -> bool:
    """Return False for bank payouts of Grome itself, which reconciliation finds, and for other objects of barbers.

    Accounts are objects of the platform; only their events may name an account and a handler of objects.
    """
    if handler in BANK_HANDLERS:
        return event.account_id is not None
    return event.account_id is None or event.type.startswith("v2.")
