"""The errors of the waitlist."""

from grome.common.errors import ApiError


class WaitingForTooMuch(ApiError):
    """A customer has at most 20 open waitlist entries."""

    status, code, title = 409, "waiting_for_too_much", "You have reached the limit of 20 open waitlist entries"
    remedy = "Let the customer end an entry that is no longer wanted."


class WishCannotBeMet(ApiError):
    """No visit fits into the window, even if no time were taken. `errors` has the stable reason."""

    status, code, title = 422, "wish_cannot_be_met", "No visit is possible within this window"
    remedy = "Widen the window, or choose other services or barbers."

    def __init__(self, field: str, reason: str, sentence: str) -> None:
        super().__init__(sentence, faults=((field, reason),))
