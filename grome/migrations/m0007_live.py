"""Add the fields and collections of live connections: the preference `show_last_seen`, and outboxes for live clients.

Validators list the fields of stored objects and the types of events, so collections with a new field or with types of
events are applied anew.
"""

from grome.accounts.repository import USERS
from grome.audit.repository import COLLECTION as AUDIT
from grome.barbers.repository import COLLECTION as BARBERS
from grome.bookings.repository import COLLECTION as BOOKINGS
from grome.chat.repository import COLLECTIONS as CHAT
from grome.infrastructure.mongo.client import Database, apply_collection
from grome.notifications.repository import LOG as NOTIFICATION_LOG
from grome.uploads.repository import COLLECTION as UPLOADS
from grome.walk_ins.repository import COLLECTION as WALK_INS
from grome.webhooks.repository import ENDPOINTS as WEBHOOK_ENDPOINTS

CHANGED = (AUDIT, BARBERS, BOOKINGS, NOTIFICATION_LOG, USERS, WALK_INS, WEBHOOK_ENDPOINTS)
COLLECTIONS = (UPLOADS, *CHAT)


async def up(database: Database) -> None:
    for spec in (*CHANGED, *COLLECTIONS):
        await apply_collection(database, spec)
