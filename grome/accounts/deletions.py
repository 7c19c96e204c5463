"""Mark accounts as deleted, and find deleted accounts with data that is still to be erased."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from grome.accounts.events import new_account_event
from grome.accounts.models import User
from grome.accounts.repository import UserRepository
from grome.accounts.sessions import SessionService
from grome.common.clock import Clock
from grome.infrastructure.outbox.models import EventType

_REASON = "account deleted"


class AccountDeletions:
    def __init__(self, users: UserRepository, sessions: SessionService, clock: Clock) -> None:
        self._users, self._sessions, self._clock = users, sessions, clock

    async def mark(self, user_id: UUID, erase_at: datetime) -> User | None:
        """Mark an account as deleted, and end its sessions; nobody can sign in from then on.

        A repeat keeps the first times. Returns None if there is no such account.
        """
        event = new_account_event(EventType.ACCOUNT_DELETION_REQUESTED, self._clock())
        await self._users.mark_deleted(user_id, erase_at, event)
        await self._sessions.end_all(user_id, _REASON)
        return await self._users.find(user_id)

    async def find_due(self, user_id: UUID) -> User | None:
        """Return a deleted account that is to be erased now, without any session. Returns None otherwise."""
        user = await self._users.find(user_id)
        if user is None or user.erase_at is None or user.erase_at > self._clock():
            return None
        await self._sessions.end_all(user_id, _REASON)
        return user

    async def list_due(self, before: datetime, after: UUID | None, limit: int) -> Sequence[UUID]:
        """List the ids of accounts that should have been erased before this moment, oldest first."""
        return await self._users.list_to_erase(before, after, limit)
