"""Pays with test cards at the local Stripe, as the customer's app does with Stripe's SDK."""

import re
import time
from typing import Any, Final
from uuid import UUID

import httpx
from msgspec import Struct

from grome.bookings.schemas import BookingOut
from grome.dev.demo.api_client import ApiClient, BrokenPromise
from grome.dev.demo.narrator import expect
from grome.payments.models import PaymentState
from grome.payments.schemas import PaymentIn, PaymentOut, PaymentStarted

SIMPLE_CARD: Final = "4242424242424242"
SECURE_CARD: Final = "4000002760003184"  # asks for 3-D Secure
_ADDRESS: Final = re.compile(r'data-stripe="([^"]+)" data-key="([^"]+)"')
_PATIENCE_S: Final = 30
_PAUSE_S: Final = 0.25


class LocalStripeAddress(Struct, frozen=True):
    url: str
    publishable_key: str


def find_local_stripe(http: httpx.Client) -> LocalStripeAddress | None:
    """Read the address from the page `/pay-demo`; None if there is no such page, because payments are off or real."""
    found = _ADDRESS.search(http.get("/pay-demo").text)
    return LocalStripeAddress(*found.groups()) if found else None


class CardApp:
    """Starts payments as the customer and confirms them at the local Stripe."""

    def __init__(self, customer: ApiClient, stripe: httpx.Client, publishable_key: str) -> None:
        self._customer, self._stripe, self._key = customer, stripe, publishable_key

    def start(self, booking: BookingOut, wanted: PaymentIn, card: str) -> tuple[PaymentStarted, str]:
        """Start a payment, confirm it with a card, and return it with the status at Stripe."""
        path = f"/v1/bookings/{booking.id}/payments"
        started = self._customer.request("POST", path, PaymentStarted, status=201, body=wanted)
        card_field = "payment_method_data[card]"
        form = {
            "client_secret": started.client_secret or "",
            "payment_method_data[type]": "card",
            f"{card_field}[number]": card,
            f"{card_field}[exp_month]": "12",
            f"{card_field}[exp_year]": "2034",
        }
        kind = "setup_intents" if started.kind == "setup" else "payment_intents"
        intent = self._post(f"/v1/{kind}/{_intent_of(started)}/confirm", form)
        return started, intent["status"]

    def authenticate(self, started: PaymentStarted) -> str:
        """Approve 3-D Secure as the customer, and return the status at Stripe."""
        reply = self._stripe.post("/_control/authenticate", json={"id": _intent_of(started), "succeed": True})
        expect(reply.is_success, f"3-D Secure is answered by {reply.text}")
        status: str = reply.json()["status"]
        return status

    def refresh(self, payment_id: UUID) -> PaymentOut:
        """Ask Grome to read the payment at Stripe, as an app does after it has confirmed."""
        return self._customer.request("POST", f"/v1/payments/{payment_id}/refresh", PaymentOut)

    def pay(self, booking: BookingOut, wanted: PaymentIn, expected: PaymentState) -> PaymentOut:
        """Pay with the card that always succeeds, and check the state that follows."""
        started, _ = self.start(booking, wanted, SIMPLE_CARD)
        paid = self.refresh(started.id)
        expect(paid.status is expected, f"the {paid.purpose} is {paid.status}, not {expected}")
        return paid

    def await_state(self, payment_id: UUID, expected: PaymentState) -> PaymentOut:
        """Wait until a worker has brought the payment to a state. Raises BrokenPromise after half a minute."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            payment = self._customer.request("GET", f"/v1/payments/{payment_id}", PaymentOut)
            if payment.status is expected:
                return payment
            if time.monotonic() > deadline:
                raise BrokenPromise(f"The {payment.purpose} is still {payment.status}, not {expected}.")
            time.sleep(_PAUSE_S)

    def _post(self, path: str, form: dict[str, str]) -> dict[str, Any]:
        reply = self._stripe.post(path, data=form, headers={"Authorization": f"Bearer {self._key}"})
        expect(reply.is_success, f"the local Stripe answers {reply.text}")
        intent: dict[str, Any] = reply.json()
        return intent


def _intent_of(started: PaymentStarted) -> str:
    return (started.client_secret or "").partition("_secret")[0]
