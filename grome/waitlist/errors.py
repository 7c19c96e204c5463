"""The errors of the waitlist."""

from grome.common.errors import ApiError


class WaitingForTooMuch(ApiError):
    status, code, title = 409, "waiting_for_too_much", "You have reached the limit of 20 open waitlist entries"


class WishCannotBeMet(ApiError):
    """No visit fits into the window, even if no time were taken. `reason` is a stable code for `field`."""

    status, code, title = 422, "wish_cannot_be_met", "No visit is possible within this window"

    def __init__(self, field: str, reason: str, sentence: str) -> None:
        super().__init__(sentence, faults=((field, reason),))
