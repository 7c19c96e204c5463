"""The errors of accounts."""

from msgspec import Struct

from grome.common.errors import ApiError


class Challenge(Struct, frozen=True):
    """Names a second proof that a sign-in waits for. `challenge` is secret; `kinds` are the proofs that it takes."""

    challenge: str
    kinds: list[str]


class AccountExists(ApiError):
    status, code, title = 409, "account_exists", "An account with this email or phone exists already"


class WrongCredentials(ApiError):
    """The same error after the same time, whether the account is unknown or the password is wrong."""

    status, code, title = 401, "wrong_credentials", "Email, phone or password is wrong"


class AccountSuspended(ApiError):
    """Raised after the right proof only, so that nobody else learns of the suspension."""

    status, code, title = 403, "account_suspended", "This account is suspended; contact support"


class SecondFactorRequired(ApiError):
    """The first proof was right, and `POST /v1/auth/second-factor` takes the second."""

    status, code, title = 401, "second_factor_required", "A second factor is needed to sign in"
    extension_type = Challenge

    def __init__(self, challenge: Challenge) -> None:
        super().__init__(extension=challenge)
        self.challenge = challenge


class RefreshRefused(ApiError):
    status, code, title = 401, "refresh_refused", "This refresh token is not valid; log in again"


class RefreshReused(ApiError):
    """An old token was sent again, and no lost response explains it: its family is revoked (RFC 9700, section 4.14)."""

    status, code, title = 401, "refresh_reused", "This refresh token was used before; log in again on this device"
