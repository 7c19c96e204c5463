"""What follows from changes: outboxes of accounts, and the collections of messages."""

from grome.accounts.repository import SESSIONS, USERS, SessionRepository, UserRepository
from grome.common.mongo import Database, apply_collection
from grome.notifications import repository as notifications

COLLECTIONS = notifications.COLLECTIONS


async def up(database: Database) -> None:
    for spec in (USERS, SESSIONS, *COLLECTIONS):
        await apply_collection(database, spec)
    await UserRepository(database).complete()
    await SessionRepository(database).complete()
