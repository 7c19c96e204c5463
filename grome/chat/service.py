"""Send, change and mark messages."""

from uuid import UUID

from grome.chat.schemas import MarkOut, MessageIn, MessageOut
from grome.common.actor import Actor


class ChatService:
    async def send(self, actor: Actor, booking_id: UUID, body: MessageIn) -> MessageOut:
        """Store a message; returns when a majority of the replica set has it. A repeat returns the first message.

        Raises NotFound, NoChat, ChatClosed, ChatBlocked, ChatFull, TooManyRequests, KeyReused, KeyInFlight or Invalid.
        """
        raise NotImplementedError

    async def mark_read(self, actor: Actor, booking_id: UUID, message_id: UUID) -> MarkOut:
        """Mark the messages up to `message_id` as read, and so as delivered. An older message changes nothing.

        Raises NotFound.
        """
        raise NotImplementedError

    async def mark_delivered(self, actor: Actor, booking_id: UUID, message_id: UUID) -> MarkOut:
        """Mark the messages up to `message_id` as delivered. An older message changes nothing. Raises NotFound."""
        raise NotImplementedError

    async def may_type(self, actor: Actor, booking_id: UUID) -> UUID:
        """Return the account of the other side. Raises NotFound, NoChat, ChatClosed or ChatBlocked."""
        raise NotImplementedError
