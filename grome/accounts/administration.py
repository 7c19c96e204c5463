"""Find, suspend and restore accounts, for admins."""

from typing import Final
from uuid import UUID

from grome.accounts.models import AccountEvent, User
from grome.accounts.repository import UserCursor, UserRepository
from grome.common.actor import Actor, Role
from grome.common.clock import Clock
from grome.common.email_addresses import email_forms
from grome.common.ids import new_id
from grome.common.origin import origin_by
from grome.infrastructure.http import cut_page, decode_cursor
from grome.infrastructure.mongo.client import Document
from grome.infrastructure.mongo.transactions import Transaction
from grome.infrastructure.outbox.models import Change, EventType

_MAX_NAME: Final = 100
_END: Final = "\uffff"  # behind every text with the same beginning


class AccountAdministration:
    def __init__(self, users: UserRepository, clock: Clock) -> None:
        self._users, self._clock = users, clock

    async def list_page(
        self, search: str, role: Role | None, cursor: str | None, limit: int, *, is_suspended: bool | None
    ) -> tuple[list[User], str | None]:
        """Return a page of accounts, the newest first, and its next cursor.

        `search` is an id, or the beginning of a name, an email or a phone number.
        """
        query = _searching(search) if search else {}
        if role:
            query["role"] = role.value
        if is_suspended is not None:
            query["suspended_at"] = {"$ne": None} if is_suspended else None
        found = await self._users.search(query, decode_cursor(cursor, UserCursor), limit + 1)
        return cut_page(found, limit, lambda user: UserCursor(user.id))

    async def suspend(self, transaction: Transaction, actor: Actor, user_id: UUID, reason: str) -> User | None:
        """Suspend an account in a transaction. Returns None for a deleted, suspended or unknown account."""
        event = self._event(actor, EventType.ACCOUNT_SUSPENDED, reason, Change("suspended", before=False, after=True))
        now = self._clock()
        return await self._users.set_suspension(transaction.session, user_id, now, reason, event)

    async def restore(self, transaction: Transaction, actor: Actor, user_id: UUID, reason: str) -> User | None:
        """Restore a suspended account in a transaction. Returns None if the account is not suspended."""
        event = self._event(actor, EventType.ACCOUNT_RESTORED, reason, Change("suspended", before=True, after=False))
        return await self._users.set_suspension(transaction.session, user_id, None, "", event)

    async def record_sign_out(self, actor: Actor, user_id: UUID, reason: str) -> None:
        await self._users.add_event(user_id, self._event(actor, EventType.ACCOUNT_SESSIONS_REVOKED, reason))

    def _event(self, actor: Actor, kind: EventType, reason: str, *changes: Change) -> AccountEvent:
        return AccountEvent(
            id=new_id(),
            type=kind,
            at=self._clock(),
            actor_id=actor.id,
            reason=reason,
            origin=origin_by(actor.id),
            changes=changes,
        )


def _searching(text: str) -> Document:
    try:
        return {"_id": UUID(text)}
    except ValueError:
        pass
    if "@" in text:
        emails = [_beginning(form) for form in email_forms(text)]
        return {"$or": [{field: form} for form in emails for field in ("email", "claimed_email")]}
    if text.startswith("+"):
        number = _beginning(text.replace(" ", ""))
        return {"$or": [{"phone": number}, {"claimed_phone": number}]}
    return {"name": _beginning(text)}


def _beginning(text: str) -> Document:
    return {"$gte": text, "$lt": text + _END}
