"""Time-based one-time passwords (RFC 6238) of authenticator apps."""

import hmac
from datetime import datetime
from typing import Final
from uuid import UUID

import pyotp

from grome.infrastructure.secret_keys import Sealer

_STEP_SECONDS: Final = 30
# A phone's clock may be wrong by 30 seconds in each direction.
_DRIFT_STEPS: Final = 1
_ISSUER: Final = "Grome"


class UnreadableTotpError(Exception):
    """The key that sealed a secret is gone: its owner needs a recovery code or another factor."""


def new_totp_secret() -> str:
    """Return 160 random bits in base32."""
    return pyotp.random_base32()


def open_totp_secret(sealer: Sealer, sealed: bytes, user_id: UUID) -> str:
    """Return a stored secret. Raises UnreadableTotpError if its key is not among the secrets keys any more."""
    secret = sealer.open(sealed, user_id.bytes)
    if secret is None:
        raise UnreadableTotpError
    return secret.decode()


def otpauth_url(secret: str, account: str) -> str:
    """Return the address in the QR code for authenticator apps, which show `account` beside the code."""
    return pyotp.TOTP(secret, interval=_STEP_SECONDS).provisioning_uri(name=account, issuer_name=_ISSUER)


def find_step(secret: str, code: str, now: datetime, last_step: int) -> int | None:
    """Return the step of a code, if it is near `now` and later than the last accepted step."""
    current = int(now.timestamp()) // _STEP_SECONDS
    # Counted steps, and not times: the library would bring a time into the zone of the machine.
    by_step = pyotp.HOTP(secret)
    found = None
    for step in range(current - _DRIFT_STEPS, current + _DRIFT_STEPS + 1):
        if hmac.compare_digest(by_step.at(step), code) and step > last_step:
            found = step
    return found
