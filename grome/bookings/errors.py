"""Define the errors of bookings."""

from grome.common.errors import ApiError, Unavailable


class SlotTaken(ApiError):
    """Another booking has taken a part of this time since the client read the free times."""

    status, code, title = 409, "slot_taken", "The time is already taken"
    remedy = "Ask for the free times again and offer them to the user."


class SeatTaken(SlotTaken):
    """Another booking has taken a seat under a daily cap that was read as free; another seat may be free."""


class SlotNotOffered(ApiError):
    """A rule of the barber's calendar rejects this start.

    `errors` names the rule; the list of free times leaves out the same starts.
    """

    status, code, title = 422, "slot_not_offered", "The barber does not offer this time"
    remedy = "Choose a start from the list of free times."

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence, faults=(("scheduled_at", reason),))


class WrongState(ApiError):
    """The booking is in a state from which this action is not possible, e.g. it has ended."""

    status, code, title = 409, "wrong_state", "The state of the booking does not allow this"
    remedy = "Read the booking again. Offer only the actions that its state allows."


class NotAHouseCall(ApiError):
    """The barber travels to house calls only."""

    status, code, title = 409, "not_a_house_call", "The visit takes place at the barber's shop"
    remedy = "Do not offer the action for visits at the shop."


class OutsideWindow(ApiError):
    """Each action has a window of time around the start of the visit, and the window is closed."""

    status, code, title = 409, "outside_window", "It is too early or too late for this action"
    remedy = "Offer the action only within the window that `detail` names."


class SettlementChanged(ApiError):
    """The fee or the refund has changed since it was shown, e.g. because a deadline has passed."""

    status, code, title = 409, "settlement_changed", "The cost of cancelling differs from the expected cost"
    remedy = "Show the new amounts, and cancel again with them once the user agrees."


class NoLongerOffered(ApiError):
    """The barber has removed a service, or takes no bookings any more."""

    status, code, title = 409, "no_longer_offered", "The barber no longer offers all of these services"
    remedy = "Read the barber again and let the customer choose from the present services."


class HistoryFull(ApiError):
    """The history is full, except for entries that end the booking, answer a proposal or advance the visit."""

    status, code, title = 409, "history_full", "The history of the booking has no room for this change"
    remedy = "Keep the present time, or cancel this booking and book again."


class KeepsChanging(Unavailable):
    """Concurrent changes have won too many times in a row; only a fault in the code can be the reason."""

    def __init__(self) -> None:
        super().__init__("The booking is being changed by too many requests at once; try again.")


class TooLateToReschedule(ApiError):
    """The cancellation policy of the barber has a deadline for other times, and the deadline has passed."""

    status, code, title = 409, "too_late_to_reschedule", "It is too late to reschedule this visit"
    remedy = "Offer to keep or to cancel the visit."


class ChangedMeanwhile(ApiError):
    """The request names a version of the booking, and the booking has a later one."""

    status, code, title = 409, "changed_meanwhile", "The booking has changed since it was read"
    remedy = "Read the booking again, show the change, and repeat the action with the new version."


class NoProposal(ApiError):
    """No other time is proposed, or the answer is up to the other side."""

    status, code, title = 409, "no_proposal", "There is no proposal that you can answer"
    remedy = "Read the booking again; `proposal` says which side answers."


class KeyReused(ApiError):
    """The key belongs to a request with another body, path or account."""

    status, code, title = 422, "idempotency_key_reused", "This Idempotency-Key was used with another body"
    remedy = "Make a new key for each new thing that the client wants, and keep it for repeats only."


class KeyInFlight(ApiError):
    """Two requests with the same key overlap, and the first has no answer yet."""

    status, code, title = (
        409,
        "idempotency_key_in_flight",
        "The first request with this Idempotency-Key is still in progress",
    )
    remedy = "Wait a second and repeat the request with the same key. The answer is that of the first request."


class BookingInFlight(ApiError):
    """Another request that creates the same booking is in progress."""

    status, code, title = 409, "booking_in_flight", "The first request for this booking is still in progress"
    remedy = "Wait a second and repeat the same request."
