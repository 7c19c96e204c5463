"""Declare that the inbox of Stripe's events belongs to no person."""

from typing import Final

from grome.infrastructure.mongo.personal_documents import Declared, UnownedCollection
from grome.payments.inbox.repository import STRIPE_EVENTS

PERSONAL_DATA: Final[tuple[Declared, ...]] = (
    UnownedCollection(STRIPE_EVENTS, "Ids of objects at Stripe, deleted after 60 days."),
)
