"""The refusals of deletions."""

from collections.abc import Sequence

from grome.common.errors import ApiError
from grome.infrastructure.personal_data import OpenMatter


class AccountInUse(ApiError):
    """The account cannot be deleted yet; `errors` names each kind of open matter."""

    status, code, title = 409, "account_in_use", "Something is still open; the account can be deleted afterwards"
    remedy = "Show the open matters. Delete the account once they are closed, e.g. bookings ended and debts paid."

    def __init__(self, matters: Sequence[OpenMatter]) -> None:
        super().__init__(faults=tuple((matter.kind, f"{matter.count} still open") for matter in matters))
