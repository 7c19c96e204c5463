"""The errors of adjustments."""

from grome.common.errors import ApiError


class DebtSmaller(ApiError):
    """A write-off cannot exceed the debt of the barber."""

    status, code, title = 409, "debt_smaller", "The barber owes less than this amount"
    remedy = "Read the balance again and write off at most the debt. An amount beyond it is goodwill."
