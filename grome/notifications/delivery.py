"""A message's last step: rendered for its recipient and handed to whoever carries it."""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from grome.notifications.channel_rules import RULES
from grome.notifications.context_loader import Story
from grome.notifications.email.message import Mail, Mailer
from grome.notifications.models import BookingFacts, Channel, Errand, MessageKind, Rendered
from grome.notifications.push import Push, Pusher
from grome.notifications.recipients import Recipient
from grome.notifications.rendering import render
from grome.notifications.sms import SmsSender
from grome.notifications.sms.alphabet import sms_text
from grome.notifications.unsubscribe import UnsubscribeLinks

_PUSH_LIVES_S = 86_400
_ONLY_IN_TIME = frozenset(
    {
        MessageKind.BOOKING_REMINDER,
        MessageKind.BOOKING_OFFERED,
        MessageKind.BOOKING_DELAYED,
        MessageKind.BOOKING_TIME_PROPOSED,
    }
)


@dataclass(frozen=True, slots=True)
class Transports:
    mailer: Mailer
    pusher: Pusher
    sms: SmsSender


@dataclass(frozen=True, slots=True)
class Delivered:
    """Of a push: `reached` are the devices that have it now, `gone` the tokens to forget, and `raise_for_failed` raises
    where other devices do not have it yet.
    """

    provider_id: str | None
    reached: Sequence[UUID] = ()
    gone: Sequence[str] = ()
    is_whole: bool = True
    raise_for_failed: Callable[[], None] = lambda: None


class Delivery:
    def __init__(self, transports: Transports, links: UnsubscribeLinks) -> None:
        self._transports, self._links = transports, links

    async def deliver(
        self, errand: Errand, recipient: Recipient, story: Story, reached: AbstractSet[UUID], now: datetime
    ) -> Delivered:
        """`reached` are the devices that have the push from a try before. Raises what the transports raise."""
        match errand.channel:
            case Channel.IN_APP:
                return Delivered(None)  # its entry in the log is the message
            case Channel.EMAIL:
                return await self._mail(errand, recipient, story)
            case Channel.PUSH:
                return await self._push(errand, recipient, story, reached, now)
            case Channel.SMS:
                text = sms_text(_rendered(story, recipient, None).short)
                message_id = errand.notice.message_id
                return Delivered(await self._transports.sms.send(recipient.user.phone or "", text, message_id))

    async def _mail(self, errand: Errand, recipient: Recipient, story: Story) -> Delivered:
        topic = RULES[story.kind].topic
        unsubscribe = self._links.link(recipient.user.id, topic) if topic else None
        mail = Mail(
            message_id=errand.notice.message_id,
            to=recipient.user.email or "",
            language=recipient.user.preferences.language,
            rendered=_rendered(story, recipient, unsubscribe),
            at=errand.notice.at,
            unsubscribe=unsubscribe,
        )
        await self._transports.mailer.send(mail)
        return Delivered(mail.message_id)

    async def _push(
        self, errand: Errand, recipient: Recipient, story: Story, reached: AbstractSet[UUID], now: datetime
    ) -> Delivered:
        devices = {token: device_id for device_id, token in recipient.tokens.items() if device_id not in reached}
        rendered = _rendered(story, recipient, None)
        push = Push(
            id=errand.notice.message_id,
            title=rendered.title,
            body=rendered.short,
            data=_data(story),
            ttl_s=_lives_s(story, now),
        )
        result = await self._transports.pusher.send(list(devices), push)
        return Delivered(
            next(iter(result.sent.values()), None),
            [devices[token] for token in result.sent],
            list(result.gone),
            not result.failed,
            result.raise_for_failed,
        )


def _rendered(story: Story, recipient: Recipient, unsubscribe: str | None) -> Rendered:
    chosen = recipient.user.preferences
    return render(story.kind, story.facts, chosen.language, chosen.timezone, unsubscribe)


def _data(story: Story) -> dict[str, str]:
    """What the app opens when the message is touched."""
    told = {"kind": story.kind.value, "link": story.facts.link or ""}
    return {**told, "booking_id": story.facts.booking_id} if isinstance(story.facts, BookingFacts) else told


def _lives_s(story: Story, now: datetime) -> int:
    """For a device that is away: a day, but a reminder up to the start of its visit, an offer while it is held."""
    if story.kind not in _ONLY_IN_TIME or story.needed_by is None:
        return _PUSH_LIVES_S
    return min(_PUSH_LIVES_S, max(0, int((story.needed_by - now).total_seconds())))
