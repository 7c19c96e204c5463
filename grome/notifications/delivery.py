"""Render a message for its recipient and hand it to the transport of the channel."""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from grome.infrastructure.tracing.spans import child_span
from grome.notifications.channel_rules import RULES
from grome.notifications.email.message import Mail, Mailer
from grome.notifications.message_context import MessageContext
from grome.notifications.models import (
    BookingFacts,
    Channel,
    ChannelDelivery,
    ChatFacts,
    MessageKind,
    PaymentFacts,
    RenderedMessage,
)
from grome.notifications.push import Push, Pusher
from grome.notifications.rendering import render
from grome.notifications.sms import SmsSender
from grome.notifications.sms.alphabet import sms_text
from grome.notifications.unsubscribe import UnsubscribeLinks

_PUSH_TTL_S = 86_400
_TIME_CRITICAL = frozenset(
    {
        MessageKind.BOOKING_REMINDER,
        MessageKind.BOOKING_OFFERED,
        MessageKind.BOOKING_DELAYED,
        MessageKind.BOOKING_ON_THE_WAY,
        MessageKind.BOOKING_ARRIVED,
        MessageKind.BOOKING_TIME_PROPOSED,
        MessageKind.PAYMENT_ACTION,
    }
)


@dataclass(frozen=True, slots=True)
class Transports:
    mailer: Mailer
    pusher: Pusher
    sms: SmsSender


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """Holds the result of a delivery.

    Of a push, `reached` are the devices that have it now, `gone` the invalid tokens, and `raise_for_failed` raises if
    other devices have failed.
    """

    provider_id: str | None
    reached: Sequence[UUID] = ()
    gone: Sequence[str] = ()
    is_complete: bool = True
    raise_for_failed: Callable[[], None] = lambda: None


class Deliverer:
    def __init__(self, transports: Transports, links: UnsubscribeLinks) -> None:
        self._transports, self._links = transports, links

    async def deliver(
        self,
        delivery: ChannelDelivery,
        context: MessageContext,
        reached: AbstractSet[UUID],
        now: datetime,
    ) -> DeliveryResult:
        """Deliver a message. `reached` are the devices that have the push from an earlier try.

        Raises the errors of the transports.
        """
        if delivery.channel in context.recipient.claimed:
            return DeliveryResult(delivery.notification.message_id)
        with child_span(f"send {delivery.channel.value}", kind="client"):
            return await self._send(delivery, context, reached, now)

    async def _send(
        self, delivery: ChannelDelivery, context: MessageContext, reached: AbstractSet[UUID], now: datetime
    ) -> DeliveryResult:
        match delivery.channel:
            case Channel.IN_APP:
                return DeliveryResult(None)  # the entry in the log is the message
            case Channel.EMAIL:
                return await self._mail(delivery, context)
            case Channel.PUSH:
                return await self._push(delivery, context, reached, now)
            case Channel.SMS:
                text = sms_text(_render(context, None).short)
                message_id = delivery.notification.message_id
                return DeliveryResult(
                    await self._transports.sms.send(context.recipient.user.phone or "", text, message_id)
                )

    async def _mail(self, delivery: ChannelDelivery, context: MessageContext) -> DeliveryResult:
        topic = RULES[context.kind].topic
        unsubscribe = self._links.url(context.recipient.user.id, topic) if topic else None
        mail = Mail(
            message_id=delivery.notification.message_id,
            to=context.recipient.user.email or "",
            language=context.recipient.user.preferences.language,
            rendered=_render(context, unsubscribe),
            at=delivery.notification.at,
            unsubscribe=unsubscribe,
        )
        await self._transports.mailer.send(mail)
        return DeliveryResult(mail.message_id)

    async def _push(
        self,
        delivery: ChannelDelivery,
        context: MessageContext,
        reached: AbstractSet[UUID],
        now: datetime,
    ) -> DeliveryResult:
        devices = {
            token: device_id for device_id, token in context.recipient.tokens.items() if device_id not in reached
        }
        rendered = _render(context, None)
        push = Push(
            id=delivery.notification.message_id,
            title=rendered.title,
            body=rendered.short,
            data=_push_data(context),
            ttl_s=_ttl_s(context, now),
        )
        result = await self._transports.pusher.send(list(devices), push)
        return DeliveryResult(
            next(iter(result.sent.values()), None),
            [devices[token] for token in result.sent],
            list(result.gone),
            not result.failed,
            result.raise_for_failed,
        )


def _render(context: MessageContext, unsubscribe: str | None) -> RenderedMessage:
    chosen = context.recipient.user.preferences
    return render(context.kind, context.facts, chosen.language, chosen.timezone, unsubscribe)


def _push_data(context: MessageContext) -> dict[str, str]:
    """Return the data of a push, from which the app opens the right view."""
    facts = context.facts
    data = {"kind": context.kind.value, "link": facts.link or ""}
    if isinstance(facts, BookingFacts | ChatFacts | PaymentFacts):
        data["booking_id"] = facts.booking_id
    return data


def _ttl_s(context: MessageContext, now: datetime) -> int:
    """Return how long the push service keeps the push for an offline device, in seconds.

    The limit is a day, the start of the visit for a reminder, and the end of the hold for an offer.
    """
    if context.kind not in _TIME_CRITICAL or context.needed_by is None:
        return _PUSH_TTL_S
    return min(_PUSH_TTL_S, max(0, int((context.needed_by - now).total_seconds())))
