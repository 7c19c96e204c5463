"""The webhook that Stripe calls."""

from typing import Final

from msgspec import Struct
from sanic import Request

from grome.common.actor import ANYONE
from grome.common.errors import BodyTooLarge
from grome.infrastructure.http import LimitClass, Routes, resolve
from grome.payments.inbox.errors import NotFromStripe
from grome.payments.inbox.service import StripeInbox

stripe_webhook = Routes("stripe", "/v1", about="The address at which Stripe reports changes of payments and accounts.")

# Far above any thin event, and far below the bodies of other routes.
MAX_NOTIFICATION: Final = 64 * 1024


class ReceivedOut(Struct):
    """Empty: Stripe reads the status only."""


@stripe_webhook.post("/stripe/webhook", who=ANYONE, limit=LimitClass.UNLIMITED, refusals=(NotFromStripe, BodyTooLarge))
async def receive_notification(request: Request) -> ReceivedOut:
    """Receive a thin event from Stripe; the `Stripe-Signature` header stands in for an account.

    The event is stored once and processed in the background, so the answer comes at once. Events can come repeatedly
    and in any order.
    """
    if len(request.body) > MAX_NOTIFICATION:
        raise BodyTooLarge
    await resolve(request, StripeInbox).receive(request.body, request.headers.get("stripe-signature", ""))
    return ReceivedOut()
