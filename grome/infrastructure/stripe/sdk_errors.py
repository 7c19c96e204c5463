"""Map the errors of Stripe's SDK to ours, by the status of the answer."""

import sys
from typing import TYPE_CHECKING, Any, Final

from grome.infrastructure.stripe.errors import StripeDeclinedError, StripeRejectedError, StripeUnsureError

if TYPE_CHECKING:
    from stripe import StripeError

_PAYMENT_REQUIRED: Final = 402
# Nothing was decided: the key is wrong, the object is locked, or there were too many calls.
_TEMPORARY: Final = frozenset({401, 409, 429})
_SERVER_ERRORS: Final = 500
# A repeat under a key with other parameters than before: never sent twice, whatever its status.
_IDEMPOTENCY: Final = "idempotency_error"
_RATE_LIMIT: Final = "rate_limit"


def final_error(error: Exception) -> StripeUnsureError | StripeDeclinedError | StripeRejectedError | None:
    """Return our error for an error of the SDK, or None for an error of another kind."""
    sdk = sys.modules.get("stripe")
    if sdk is None or not isinstance(error, sdk.StripeError):
        return None
    return _mapped(error)


def _mapped(error: "StripeError") -> StripeUnsureError | StripeDeclinedError | StripeRejectedError:
    status, details = error.http_status, _details(error)
    code = str(details.get("code") or details.get("type") or "")
    message = str(details.get("message") or error.user_message or "")
    if status is None:
        return StripeUnsureError(f"no answer: {error.__cause__!r}")
    if status in _TEMPORARY or status >= _SERVER_ERRORS or code == _RATE_LIMIT:
        return StripeUnsureError(f"{status} {code}: {message} ({error.request_id})")
    if status == _PAYMENT_REQUIRED:
        intent = details.get("payment_intent") or details.get("setup_intent") or {}
        return StripeDeclinedError(code, details.get("decline_code"), message, intent.get("id"))
    if details.get("type") == _IDEMPOTENCY:
        code = _IDEMPOTENCY
    return StripeRejectedError(code, message, details.get("param"), status)


def _details(error: "StripeError") -> dict[str, Any]:
    """Return the `error` of the answer's body; empty if the body is none of Stripe's."""
    body = error.json_body
    found = body.get("error") if isinstance(body, dict) else None
    return found if isinstance(found, dict) else {}
