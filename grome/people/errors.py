"""The errors of the administration of people."""

from grome.common.errors import ApiError


class OwnAccount(ApiError):
    status, code, title = 409, "own_account", "You cannot do this to your own account"


class AccountDeleted(ApiError):
    status, code, title = 409, "account_deleted", "The account was deleted"
