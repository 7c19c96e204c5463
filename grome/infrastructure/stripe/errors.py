"""The outcomes of a call to Stripe that did not succeed."""


class StripeUnsureError(Exception):
    """The outcome is unknown or temporary: connection lost, timeout, 401, 409, 429 or 5xx.

    A wrong secret key (401) is an operator's mistake, and decides nothing. The same call must be repeated under the
    same idempotency key.
    """


class StripeDeclinedError(Exception):
    """The card was declined (402): a final answer. `intent_id` names the intent that stays usable, if there is one."""

    def __init__(self, code: str, decline_code: str | None, message: str, intent_id: str | None) -> None:
        super().__init__(message)
        self.code, self.decline_code, self.message, self.intent_id = code, decline_code, message, intent_id

    @property
    def needs_customer(self) -> bool:
        """Return whether the bank wants the customer to confirm the payment in person."""
        return self.code == "authentication_required"


class StripeRejectedError(Exception):
    """Stripe rejects the call as it is (400 or 404), or because of the object's state: a final answer."""

    def __init__(self, code: str, message: str, param: str | None, status: int) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.code, self.message, self.param, self.status = code, message, param, status


class SignatureError(Exception):
    """A notification is forged, stale or unreadable; the message says which."""
