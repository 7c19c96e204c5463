"""Read conversations and their messages."""

from collections.abc import Collection, Iterable
from uuid import UUID

from grome.accounts.service import AccountService
from grome.barbers.service import BarberService
from grome.bookings.models import Party
from grome.chat.access import ChatAccess, side_of
from grome.chat.models import Conversation, Message, Side
from grome.chat.photos import MessagePhotos
from grome.chat.repository import (
    AfterConversation,
    AfterMessage,
    BlockRepository,
    ConversationRepository,
    MessageRepository,
)
from grome.chat.rules import Seat, other_party
from grome.chat.schemas import (
    ConversationOut,
    ConversationPage,
    ConversationState,
    MessageOut,
    MessagePage,
    UnreadOut,
    marks_out,
    message_out,
)
from grome.common.actor import Actor
from grome.common.clock import to_utc
from grome.common.errors import NotFound
from grome.infrastructure.http import PageQuery, cut_page, decode_cursor
from grome.infrastructure.mongo.access import visible_to


class ChatQueries:
    def __init__(
        self,
        conversations: ConversationRepository,
        messages: MessageRepository,
        blocks: BlockRepository,
        access: ChatAccess,
        people: tuple[AccountService, BarberService],
        photos: MessagePhotos,
    ) -> None:
        self._conversations, self._messages, self._blocks = conversations, messages, blocks
        self._access, self._photos = access, photos
        self._accounts, self._barbers = people

    async def list_page(self, actor: Actor, booking_id: UUID, query: PageQuery) -> MessagePage:
        """Return a page of messages, the newest first. Raises NotFound or NoChat."""
        seat = await self._access.get_seat(actor, booking_id)
        items, next_cursor = await self.list_messages(booking_id, query)
        # Read after the messages, so that the marks and counts include every message of the page.
        conversation = await self._conversations.find(visible_to(actor), booking_id)
        return MessagePage(await self._state(seat, conversation), items, next_cursor)

    async def get(self, actor: Actor, booking_id: UUID, message_id: UUID) -> MessageOut:
        """Return a message of the actor's conversation. Raises NotFound."""
        message = await self._messages.find(booking_id, message_id)
        if message is None or actor.id not in {message.customer_id, message.barber_id}:
            raise NotFound
        [shown] = await self._present([message])
        return shown

    async def list_messages(self, booking_id: UUID, query: PageQuery) -> tuple[list[MessageOut], str | None]:
        """Return messages and the next cursor, regardless of the reader, for Grome's own use."""
        after = decode_cursor(query.cursor, AfterMessage)
        found = await self._messages.list_page(booking_id, after, query.limit + 1)
        page, next_cursor = cut_page(found, query.limit, lambda row: AfterMessage(row.number))
        return await self._present(page), next_cursor

    async def list_conversations(self, actor: Actor, query: PageQuery) -> ConversationPage:
        """Return a page of the actor's conversations, the newest message first."""
        party, after = side_of(actor), decode_cursor(query.cursor, AfterConversation)
        if after:  # a cursor is client input
            after = AfterConversation(to_utc(after.latest_at, "cursor"), after.booking_id)
        found = await self._conversations.list_page(party, actor.id, after, query.limit + 1)
        page, next_cursor = cut_page(found, query.limit, lambda row: AfterConversation(row.latest_at, row.id))
        latest = await self.list_by_ids({row.latest_id for row in page})
        others = {row.id: row.barber_id if party is Party.CUSTOMER else row.customer_id for row in page}
        names = await self._names(party, set(others.values()))
        items = [
            _conversation_out(row, party, others[row.id], names, latest[row.latest_id])
            for row in page
            if row.latest_id in latest
        ]
        return ConversationPage(items, next_cursor)

    async def count_unread(self, actor: Actor) -> UnreadOut:
        total = await self._conversations.sum_unread(side_of(actor), actor.id)
        return UnreadOut(total.messages, total.conversations)

    async def list_by_ids(self, message_ids: Collection[UUID]) -> dict[UUID, MessageOut]:
        """Return the existing messages with these ids, for Grome's own use."""
        return {item.id: item for item in await self._present(await self._messages.find_many(message_ids))}

    async def find_unread(self, booking_id: UUID, message_id: UUID, reader_id: UUID) -> Message | None:
        """Return the newest message to `reader_id` if the given message is still unread, for a notification.

        Returns None if it was read or deleted, or one side has blocked the other since.
        """
        message = await self._messages.find(booking_id, message_id)
        conversation = await self._conversations.find({}, booking_id)
        if message is None or conversation is None or message.deleted_at:
            return None
        side = conversation.customer if reader_id == conversation.customer_id else conversation.barber
        if message.number <= side.read or await self.are_blocked(conversation.customer_id, conversation.barber_id):
            return None
        latest = await self._messages.find(booking_id, conversation.latest_id)
        return latest if latest and latest.sender_id == message.sender_id and not latest.deleted_at else message

    async def are_blocked(self, one_id: UUID, other_id: UUID) -> bool:
        """Return whether one of two accounts has blocked the other."""
        return await self._blocks.exists_between(one_id, other_id)

    async def filter_blocked(self, one_id: UUID, other_ids: Collection[UUID]) -> frozenset[UUID]:
        """Return the accounts among the others between which and the account there is a block, of either side."""
        return await self._blocks.filter_blocked(one_id, other_ids) if other_ids else frozenset()

    async def _state(self, seat: Seat, conversation: Conversation | None) -> ConversationState:
        you = conversation.side(seat.party) if conversation else Side()
        other = conversation.side(other_party(seat.party)) if conversation else Side()
        is_blocked = await self._access.is_blocked(seat)
        return ConversationState(
            unread=you.unread,
            you=marks_out(you),
            other=marks_out(other),
            can_write=self._access.is_open(seat) and not is_blocked,
            blocked=is_blocked,
            open_until=seat.open_until,
        )

    async def _names(self, party: Party, other_ids: set[UUID]) -> dict[UUID, str]:
        """Return the names of the other sides: of barbers the names of their shops, of others the accounts'."""
        names = await self._accounts.find_names(other_ids)
        if party is Party.CUSTOMER:
            names |= {barber.id: barber.display_name for barber in await self._barbers.list_by_ids(list(other_ids))}
        return names

    async def _present(self, messages: Iterable[Message]) -> list[MessageOut]:
        shown = list(messages)
        links = await self._photos.links({photo for message in shown for photo in message.photos})
        return [message_out(message, links) for message in shown]


def _conversation_out(
    row: Conversation, party: Party, other_id: UUID, names: dict[UUID, str], latest: MessageOut
) -> ConversationOut:
    you, other = row.side(party), row.side(other_party(party))
    return ConversationOut(
        booking_id=row.id,
        other_id=other_id,
        name=names.get(other_id, ""),
        unread=you.unread,
        you=marks_out(you),
        other=marks_out(other),
        latest=latest,
    )
