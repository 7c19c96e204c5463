"""Every refusal that the waitlist gives."""

from grome.common.errors import Refusal


class WaitingForTooMuch(Refusal):
    status, code, title = 409, "waiting_for_too_much", "You are waiting for as many times as one person may"
