"""Read conversations and their messages."""

from collections.abc import Collection
from uuid import UUID

from grome.chat.schemas import MessageOut


class ChatQueries:
    async def list_by_ids(self, message_ids: Collection[UUID]) -> dict[UUID, MessageOut]:
        """Return the existing messages with these ids, for Grome's own use."""
        raise NotImplementedError

    async def are_blocked(self, one_id: UUID, other_id: UUID) -> bool:
        """Return whether one of two accounts has blocked the other."""
        raise NotImplementedError
