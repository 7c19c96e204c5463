"""Define the refusal of receipts."""

from grome.common.errors import ApiError


class NothingPaid(ApiError):
    """Receipts confirm payments, and no payment was received for this booking."""

    status, code, title = 409, "nothing_paid", "Nothing was paid for this booking, so there is no receipt"
    remedy = "Offer the receipt after the payment."
