"""Add the fields and collections of account protection: claimed addresses, proofs of identity, and new event types.

Barbers from before approvals are approved: customers found them before.

Validators list the fields of stored objects and the types of events, so collections with a new field or with types of
events are applied anew.
"""

from grome.accounts.repository import SESSIONS, USERS
from grome.adjustments.repository import ADJUSTMENTS
from grome.audit.repository import COLLECTIONS as AUDIT
from grome.barbers.repository import APPROVALS, COMMISSIONS, BarberRepository
from grome.barbers.repository import COLLECTION as BARBERS
from grome.bookings.repository import COLLECTION as BOOKINGS
from grome.chat.repository import COLLECTIONS as CHAT
from grome.codes.repository import COLLECTION as CODES
from grome.factors.repository import COLLECTION as FACTORS
from grome.infrastructure.mongo.client import CollectionSpec, Database, apply_collection
from grome.infrastructure.person_keys.repository import COLLECTION as PERSON_KEYS
from grome.notifications.repository import LOG as NOTIFICATION_LOG
from grome.payments.repository import COLLECTIONS as PAYMENTS
from grome.payouts.repository import ACCOUNTS as PAYOUT_ACCOUNTS
from grome.payouts.repository import PAYOUTS
from grome.photos.repository import COLLECTION as PORTFOLIOS
from grome.privacy.repository import COLLECTION as EXPORTS
from grome.privacy.repository import MARKS as RETENTION_MARKS
from grome.promos.repository import PROMOS
from grome.promos.repository import USES as PROMO_USES
from grome.quotes.repository import COLLECTION as QUOTES
from grome.reconciliation.repository import COLLECTIONS as RECONCILIATION
from grome.reviews.repository import COLLECTION as REVIEWS
from grome.series.repository import COLLECTION as SERIES
from grome.uploads.repository import COLLECTION as UPLOADS
from grome.verification.repository import COLLECTION as VERIFICATIONS
from grome.webhooks.repository import ENDPOINTS as WEBHOOK_ENDPOINTS

# Outbox entries have an origin and changes.
WITH_ORIGIN = (ADJUSTMENTS, BOOKINGS, COMMISSIONS, *CHAT, *PAYMENTS, PAYOUT_ACCOUNTS, PAYOUTS, *RECONCILIATION, REVIEWS)
CHANGED = (*AUDIT, BARBERS, NOTIFICATION_LOG, PROMOS, SESSIONS, USERS, WEBHOOK_ENDPOINTS, *WITH_ORIGIN)
# With an index for exports and deletions of personal data.
INDEXED = (PROMO_USES, QUOTES, SERIES, UPLOADS)
COLLECTIONS: tuple[CollectionSpec, ...] = (
    *(APPROVALS, CODES, EXPORTS, FACTORS, PERSON_KEYS, PORTFOLIOS, RETENTION_MARKS, VERIFICATIONS),
)


async def up(database: Database) -> None:
    for spec in (*CHANGED, *INDEXED, *COLLECTIONS):
        await apply_collection(database, spec)
    await BarberRepository(database).approve_existing()
