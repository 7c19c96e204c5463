"""The errors of accounts."""

from msgspec import Struct

from grome.common.errors import ApiError


class Challenge(Struct, frozen=True):
    """Names a second proof that a sign-in waits for. `challenge` is secret; `kinds` are the proofs that it takes."""

    challenge: str
    kinds: list[str]


class WrongCredentials(ApiError):
    """The same error after the same time, whether the account is unknown or the password is wrong."""

    status, code, title = 401, "wrong_credentials", "Email, phone or password is wrong"


class WrongPassword(WrongCredentials):
    """The actor is signed in, so that the client must not take the answer for an expired token."""

    status, code, title = 403, "wrong_password", "The current password is wrong"


class NoAddress(ApiError):
    status, code, title = 409, "no_address", "The account has no address of this kind"


class AddressVerified(ApiError):
    status, code, title = 409, "address_verified", "The address is verified already"


class AddressTaken(ApiError):
    """Raised after the right code only: the client can read messages to the address."""

    status, code, title = 409, "address_taken", "The address is the verified address of another account"


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
