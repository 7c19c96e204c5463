"""Define the refusal of receipts."""

from grome.common.errors import ApiError


class NothingPaid(ApiError):
    status, code, title = 409, "nothing_paid", "Nothing was paid for this booking, so there is no receipt"
