"""The errors of payments."""

from grome.common.errors import ApiError


class PaymentsOff(ApiError):
    """The operator has set no key of Stripe, so that no card can be charged."""

    status, code, title = 503, "payments_off", "Payments are not set up on this server"
    remedy = "Do not offer card payments. Operators set `GROME_STRIPE_SECRET_KEY`."


class NothingToPay(ApiError):
    """The state of the booking has no payment for this purpose, or the amount is below the least of cards."""

    status, code, title = 409, "nothing_to_pay", "Nothing is to be paid for this purpose now"
    remedy = "Read the booking; `detail` says why. Do not offer the payment."


class AlreadyPaid(ApiError):
    """The card was charged for this purpose, or is authorised or scheduled to be."""

    status, code, title = 409, "already_paid", "This payment is made already"
    remedy = "Read the payments of the booking and show the state."


class NotRefundable(ApiError):
    """Less than this amount is left to refund, or the key belongs to a refund of another amount."""

    status, code, title = 409, "not_refundable", "The amount cannot be refunded"
    remedy = "Read the payment and refund at most the rest. Use a new `Idempotency-Key` for another amount."


class WrongPaymentState(ApiError):
    """The payment is in a state from which this action is not possible, e.g. it is disputed."""

    status, code, title = 409, "wrong_payment_state", "The payment is not in a state that allows this"
    remedy = "Read the payment again; `detail` names the reason."


class PaymentBusy(ApiError):
    """Stripe has not confirmed an earlier operation of the same payment."""

    status, code, title = 409, "payment_busy", "Another operation of the payment is under way; try again soon"
    remedy = "Wait a few seconds, read the payment, and repeat the request if it is still needed."
