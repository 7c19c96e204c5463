"""The errors of accounts."""

from msgspec import Struct

from grome.common.errors import ApiError


class Challenge(Struct, frozen=True):
    """Names the second proof that a sign-in waits for."""

    challenge: str
    """Secret token of this sign-in, for `POST /v1/auth/second-factor`; valid for five minutes and five proofs."""
    kinds: list[str]
    """Proofs that complete the sign-in: `totp`, `passkey`, `recovery_code`, or `code`, which was sent to a verified
    address."""


class WrongCredentials(ApiError):
    """No account matches the address and the password. Unknown accounts give the same error."""

    status, code, title = 401, "wrong_credentials", "Email, phone or password is wrong"
    remedy = "Ask the user for the password again, or offer the reset of the password."


class WrongPassword(WrongCredentials):
    """The user is signed in, and the password that confirms the action is wrong."""

    status, code, title = 403, "wrong_password", "The current password is wrong"
    remedy = "Ask for the current password again. The session stays valid, so do not sign the user out."


class NoAddress(ApiError):
    """The account has no e-mail address or phone number that could be verified."""

    status, code, title = 409, "no_address", "The account has no address of this kind"
    remedy = "Add the address first, by `PATCH /v1/me`."


class AddressVerified(ApiError):
    """The address of the account needs no further code."""

    status, code, title = 409, "address_verified", "The address is verified already"
    remedy = "Read the account again; nothing else is to do."


class AddressTaken(ApiError):
    """The code is right, and the address has been verified by another account."""

    status, code, title = 409, "address_taken", "The address is the verified address of another account"
    remedy = "Use another address, or sign in to the other account."


class AccountSuspended(ApiError):
    """An admin has suspended the account; only a correct proof of identity gets this answer."""

    status, code, title = 403, "account_suspended", "This account is suspended; contact support"
    remedy = "Show the user how to contact support. A repeat fails until an admin restores the account."


class SecondFactorRequired(ApiError):
    """The first proof was right, and `POST /v1/auth/second-factor` takes the second."""

    status, code, title = 401, "second_factor_required", "A second factor is needed to sign in"
    remedy = "Ask for one of the proofs in `kinds`, and send it with `challenge` to `POST /v1/auth/second-factor`."
    extension_type = Challenge

    def __init__(self, challenge: Challenge) -> None:
        super().__init__(extension=challenge)
        self.challenge = challenge


class RefreshRefused(ApiError):
    """The refresh token is unknown, expired, or belongs to a session that has ended."""

    status, code, title = 401, "refresh_refused", "This refresh token is not valid; log in again"
    remedy = "Delete the stored tokens and ask the user to sign in."


class RefreshReused(ApiError):
    """An old refresh token was sent again, and no lost response explains it.

    Its session is revoked (RFC 9700, section 4.14).
    """

    status, code, title = 401, "refresh_reused", "This refresh token was used before; log in again on this device"
    remedy = (
        "Delete the stored tokens and ask the user to sign in. Let only one refresh run at a time, and store the "
        "new token at once."
    )
