"""The errors of adjustments."""

from grome.common.errors import ApiError


class DebtSmaller(ApiError):
    """A write-off of more than the debt would be a gift; that is goodwill."""

    status, code, title = 409, "debt_smaller", "The barber owes less than this amount"
