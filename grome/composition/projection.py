"""The events of all features, as the relay derives them from changed documents."""

from typing import Final

from grome.accounts.events import session_event, user_event
from grome.adjustments.events import adjustment_event
from grome.barbers.events import commission_event, online_event
from grome.bookings.events import booking_event
from grome.chat.events import mark_event, message_event, report_event
from grome.codes.events import code_event
from grome.factors.events import factor_event
from grome.infrastructure.outbox.models import (
    ADJUSTMENTS,
    BARBERS,
    BOOKINGS,
    CODES,
    COMMISSIONS,
    CONVERSATIONS,
    EXPORTS,
    FACTORS,
    FINDINGS,
    MESSAGE_REPORTS,
    MESSAGES,
    PAYMENTS,
    PAYOUT_ACCOUNTS,
    PAYOUTS,
    PROMOS,
    REVIEWS,
    SESSIONS,
    USERS,
    VERIFICATIONS,
    WALK_INS,
)
from grome.infrastructure.outbox.projection import Projection
from grome.payments.events import payment_event
from grome.payouts.events import payout_account_event, payout_event
from grome.privacy.events import export_event
from grome.promos.events import promo_event
from grome.reconciliation.events import finding_event
from grome.reviews.events import review_event
from grome.verification.events import verification_event
from grome.walk_ins.events import walk_in_event

PROJECTION: Final = Projection(
    {
        ADJUSTMENTS: adjustment_event,
        BARBERS: online_event,
        BOOKINGS: booking_event,
        CODES: code_event,
        COMMISSIONS: commission_event,
        CONVERSATIONS: mark_event,
        FACTORS: factor_event,
        MESSAGES: message_event,
        MESSAGE_REPORTS: report_event,
        PAYMENTS: payment_event,
        PAYOUTS: payout_event,
        PAYOUT_ACCOUNTS: payout_account_event,
        FINDINGS: finding_event,
        PROMOS: promo_event,
        REVIEWS: review_event,
        USERS: user_event,
        SESSIONS: session_event,
        VERIFICATIONS: verification_event,
        WALK_INS: walk_in_event,
        EXPORTS: export_event,
    }
)
