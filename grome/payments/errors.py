"""The errors of payments."""

from grome.common.errors import ApiError


class PaymentsOff(ApiError):
    status, code, title = 503, "payments_off", "Payments are not set up on this server"


class NothingToPay(ApiError):
    status, code, title = 409, "nothing_to_pay", "Nothing is to be paid for this purpose now"


class AlreadyPaid(ApiError):
    status, code, title = 409, "already_paid", "This payment is made already"


class NotRefundable(ApiError):
    status, code, title = 409, "not_refundable", "The amount cannot be refunded"


class WrongPaymentState(ApiError):
    status, code, title = 409, "wrong_payment_state", "The payment is not in a state that allows this"


class PaymentBusy(ApiError):
    status, code, title = 409, "payment_busy", "Another operation of the payment is under way; try again soon"
