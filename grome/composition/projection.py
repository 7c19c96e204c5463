"""The events of all features, as the relay derives them from changed documents."""

from typing import Final

from grome.accounts.events import session_event, user_event
from grome.bookings.events import booking_event
from grome.infrastructure.outbox.models import BOOKINGS, PAYMENTS, REVIEWS, SESSIONS, USERS
from grome.infrastructure.outbox.projection import Projection
from grome.payments.events import payment_event
from grome.reviews.events import review_event

PROJECTION: Final = Projection(
    {
        BOOKINGS: booking_event,
        PAYMENTS: payment_event,
        REVIEWS: review_event,
        USERS: user_event,
        SESSIONS: session_event,
    }
)
