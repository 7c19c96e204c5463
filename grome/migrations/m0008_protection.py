"""Add the fields and collections of account protection: claimed addresses, proofs of identity, and new event types.

Validators list the fields of stored objects and the types of events, so collections with a new field or with types of
events are applied anew.
"""

from grome.accounts.repository import SESSIONS, USERS
from grome.audit.repository import COLLECTION as AUDIT
from grome.infrastructure.mongo.client import CollectionSpec, Database, apply_collection
from grome.notifications.repository import LOG as NOTIFICATION_LOG
from grome.webhooks.repository import ENDPOINTS as WEBHOOK_ENDPOINTS

CHANGED = (AUDIT, NOTIFICATION_LOG, SESSIONS, USERS, WEBHOOK_ENDPOINTS)
COLLECTIONS: tuple[CollectionSpec, ...] = ()


async def up(database: Database) -> None:
    for spec in (*CHANGED, *COLLECTIONS):
        await apply_collection(database, spec)
