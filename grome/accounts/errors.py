"""Every refusal that accounts give."""

from grome.common.errors import ApiError


class AccountExists(ApiError):
    status, code, title = 409, "account_exists", "There is an account with this email or phone"


class WrongCredentials(ApiError):
    """The same answer whether the account or the password is wrong, after the same time."""

    status, code, title = 401, "wrong_credentials", "Email, phone or password is wrong"


class RefreshRefused(ApiError):
    status, code, title = 401, "refresh_refused", "This refresh token is not good; log in again"


class RefreshReused(ApiError):
    """An old token came back that no lost answer explains: its family is revoked (RFC 9700, section 4.14)."""

    status, code, title = 401, "refresh_reused", "This refresh token was used before; log in again on this device"
