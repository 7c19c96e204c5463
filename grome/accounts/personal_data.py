"""Declare the personal data of accounts and login sessions, and anonymise the account of a deleted person."""

from collections.abc import AsyncIterator
from typing import Final

from grome.accounts.events import new_account_event
from grome.accounts.repository import SESSIONS, USERS, UserRepository
from grome.common.clock import Clock
from grome.infrastructure.mongo.client import Database
from grome.infrastructure.mongo.personal_documents import (
    Declared,
    Fate,
    PersonalCollection,
    PersonalDocuments,
    Share,
)
from grome.infrastructure.outbox.models import EventType
from grome.infrastructure.personal_data import Exported, ExportedRecord, Person

_ACCOUNTS: Final = PersonalCollection(
    spec=USERS,
    shares=(
        Share(
            owner="_id",
            fate=Fate.ANONYMISED,
            exported=(
                "_id",
                "email",
                "phone",
                "claimed_email",
                "claimed_phone",
                "password_changed_at",
                "name",
                "role",
                "email_verified",
                "phone_verified",
                "preferences",
                "created_at",
                "suspended_at",
                "suspension_reason",
            ),
            reason="The id, the role and the dates of the account stay, because bookings and payments refer to it.",
        ),
    ),
    internal=frozenset({"password_hash", "outbox", "deleted_at", "erase_at"}),
    handled_apart=True,
)
PERSONAL_DATA: Final[tuple[Declared, ...]] = (
    PersonalCollection(
        spec=SESSIONS,
        shares=(
            Share(
                owner="user_id",
                fate=Fate.ERASED,
                exported=(
                    "_id",
                    "device",
                    "country",
                    "methods",
                    "authenticated_at",
                    "first_seen",
                    "last_seen",
                    "expires_at",
                    "ends_at",
                    "revoked_at",
                    "revoked_why",
                ),
            ),
        ),
        internal=frozenset({"role", "generation", "parent", "token_hash", "previous_hash", "rotated_at", "notice"}),
    ),
    _ACCOUNTS,
)


class AccountData(PersonalDocuments):
    """The account itself. It is anonymised last; the same write records the event `account.deleted`."""

    def __init__(self, database: Database, users: UserRepository, clock: Clock) -> None:
        super().__init__(database, _ACCOUNTS)
        self._users, self._clock = users, clock

    async def export(self, person: Person) -> AsyncIterator[Exported]:
        """Yield the account as its profile shows it: nothing tells whether an address belongs to another account."""
        async for exported in super().export(person):
            if isinstance(exported, ExportedRecord):
                fields = dict(exported.fields)
                for name in ("email", "phone"):
                    claimed = fields.pop(f"claimed_{name}", None)
                    fields[name] = fields.get(name) or claimed
                yield ExportedRecord(exported.name, fields)

    async def erase(self, person: Person) -> None:
        await self._users.anonymise(person.id, new_account_event(EventType.ACCOUNT_DELETED, self._clock()))
