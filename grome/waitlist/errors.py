"""Every refusal that the waitlist gives."""

from grome.common.errors import ApiError


class WaitingForTooMuch(ApiError):
    status, code, title = 409, "waiting_for_too_much", "You are waiting for as many times as one person may"


class WishCannotBeMet(ApiError):
    """`reason` says why no visit fits into the window of `field`, even if nothing were taken."""

    status, code, title = 422, "wish_cannot_be_met", "No visit is possible within this window"

    def __init__(self, field: str, reason: str, sentence: str) -> None:
        super().__init__(sentence, faults=((field, reason),))
