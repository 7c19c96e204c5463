"""The errors of accounts."""

from grome.common.errors import ApiError


class AccountExists(ApiError):
    status, code, title = 409, "account_exists", "An account with this email or phone exists already"


class WrongCredentials(ApiError):
    """The same error after the same time, whether the account is unknown or the password is wrong."""

    status, code, title = 401, "wrong_credentials", "Email, phone or password is wrong"


class RefreshRefused(ApiError):
    status, code, title = 401, "refresh_refused", "This refresh token is not valid; log in again"


class RefreshReused(ApiError):
    """An old token was sent again, and no lost response explains it: its family is revoked (RFC 9700, section 4.14)."""

    status, code, title = 401, "refresh_reused", "This refresh token was used before; log in again on this device"
