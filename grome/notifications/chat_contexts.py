"""Load the facts of messages about conversations."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

from grome.chat.queries import ChatQueries
from grome.notifications.message_context import MessageContext
from grome.notifications.models import ChatFacts, Notification
from grome.notifications.people_names import PeopleNames
from grome.notifications.recipients import Recipient

# A reader gets at most one push about a conversation in this time.
_COLLAPSE_WINDOW: Final = timedelta(minutes=1)


class ChatContexts:
    """Loads message contexts. `app_base` is the prefix of links in messages."""

    def __init__(
        self, chat: ChatQueries, names: PeopleNames, is_online: Callable[[UUID], Awaitable[bool]], app_base: str
    ) -> None:
        self._chat, self._names, self._is_online, self._app_base = chat, names, is_online, app_base

    async def find(self, notification: Notification, recipient: Recipient) -> MessageContext | None:
        """Return the context with the newest message; None if the reader is online or has read the message."""
        reader, booking_id = recipient.user, notification.subject_id
        if notification.item_id is None or await self._is_online(reader.id):
            return None
        message = await self._chat.find_unread(booking_id, notification.item_id, reader.id)
        if message is None:
            return None
        if message.sender_id == message.barber_id:
            other_name = (await self._names.shop_name_and_zone(message.barber_id))[0]
        else:
            other_name = await self._names.user_name(message.sender_id)
        facts = ChatFacts(
            booking_id=str(booking_id),
            name=reader.name,
            other_name=other_name,
            words=message.text,
            link=f"{self._app_base}/bookings/{booking_id}/messages",
        )
        return MessageContext(
            recipient=recipient,
            kind=notification.kind,
            facts=facts,
            dedupe_key=str(booking_id),
            dedupe_window=_COLLAPSE_WINDOW,
        )
