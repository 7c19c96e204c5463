"""The errors of the administration of people."""

from grome.common.errors import ApiError


class OwnAccount(ApiError):
    """Admins cannot suspend, restore or sign out themselves."""

    status, code, title = 409, "own_account", "You cannot do this to your own account"
    remedy = "Ask another admin."


class AccountDeleted(ApiError):
    """The account was deleted, and only its id is kept."""

    status, code, title = 409, "account_deleted", "The account was deleted"
    remedy = "Remove the account from the list. A deletion cannot be undone."
