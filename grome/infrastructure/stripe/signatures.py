"""Check the signature of a notification from Stripe, and decode it."""

import hmac
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final

import msgspec

from grome.infrastructure.stripe.errors import SignatureError
from grome.infrastructure.stripe.models import StripeNotification
from grome.infrastructure.stripe.objects import decode_notification

TOLERANCE_S: Final = 300
_SCHEME: Final = "v1"
# More of them than any rotation needs; each costs a comparison with each secret.
_MAX_SIGNATURES: Final = 10
_MAX_HEADER: Final = 2_000


def verify_notification(raw: bytes, header: str, secrets: Sequence[str], now: datetime) -> StripeNotification:
    """Decode a thin event after a check of its `Stripe-Signature`: by one of `secrets`, within five minutes of `now`.

    The SDK's own check accepts times in the future and reads the system's clock. Raises SignatureError.
    """
    timestamp, signatures = _parse(header)
    signed = b"%s.%s" % (timestamp.encode(), raw)
    # No early end, so that the time of the answer does not tell which secret fitted.
    fits = [
        hmac.compare_digest(hmac.new(secret.encode(), signed, sha256).hexdigest().encode(), signature.encode())
        for secret in secrets
        for signature in signatures
    ]
    if not any(fits):
        raise SignatureError("no signature was made with a secret of ours")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE_S:
        raise SignatureError("the signature is not of this time")
    try:
        return decode_notification(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SignatureError(f"the body is no thin event: {error}") from error


def _parse(header: str) -> tuple[str, list[str]]:
    """Return the time as it was sent, and the signatures of the scheme that we know. Raises SignatureError."""
    if not header.isascii():
        raise SignatureError("the header is not ASCII")
    parts = [part.strip().partition("=") for part in header[:_MAX_HEADER].split(",")]
    times = [value for name, _, value in parts if name == "t"]
    signatures = [value for name, _, value in parts if name == _SCHEME]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdigit() and len(times[0]) < 16):  # noqa: PLR2004
        raise SignatureError("the header names no time")
    if not 0 < len(signatures) <= _MAX_SIGNATURES:
        raise SignatureError("the header has no signature, or too many")
    return times[0], signatures
