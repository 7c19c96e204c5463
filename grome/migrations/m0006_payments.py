"""Add the collections of payments, the ledger and payouts, and the fields of payments in older collections.

Bookings from before have no commission, because their terms knew none. Validators list the types of events and the
kinds of messages, so collections with such a field are applied anew.
"""

from grome.adjustments.repository import ADJUSTMENTS
from grome.audit.repository import COLLECTION as AUDIT
from grome.barbers.repository import COLLECTION as BARBERS
from grome.barbers.repository import COMMISSIONS
from grome.bookings.repository import COLLECTION as BOOKINGS
from grome.infrastructure.mongo.client import Database, apply_collection
from grome.ledger.repository import ENTRIES as LEDGER_ENTRIES
from grome.ledger.repository import TOTALS as LEDGER_TOTALS
from grome.notifications.repository import LOG as NOTIFICATION_LOG
from grome.payments.inbox.repository import STRIPE_EVENTS
from grome.payments.repository import COLLECTIONS as PAYMENTS
from grome.payouts.repository import ACCOUNTS as PAYOUT_ACCOUNTS
from grome.payouts.repository import PAYOUTS
from grome.promos.repository import USES as PROMO_USES
from grome.quotes.repository import COLLECTION as QUOTES
from grome.reconciliation.repository import COLLECTIONS as RECONCILIATION
from grome.reports.repository import COLLECTION as REPORTS
from grome.webhooks.repository import ENDPOINTS as WEBHOOK_ENDPOINTS

COLLECTIONS = (
    ADJUSTMENTS,
    COMMISSIONS,
    LEDGER_ENTRIES,
    LEDGER_TOTALS,
    STRIPE_EVENTS,
    *PAYMENTS,
    PAYOUTS,
    PAYOUT_ACCOUNTS,
    *RECONCILIATION,
)
CHANGED = (AUDIT, BARBERS, BOOKINGS, NOTIFICATION_LOG, PROMO_USES, QUOTES, REPORTS, WEBHOOK_ENDPOINTS)


async def up(database: Database) -> None:
    for spec in (*CHANGED, *COLLECTIONS):
        await apply_collection(database, spec)
