"""Define the errors of bookings."""

from grome.common.errors import ApiError, Unavailable


class SlotTaken(ApiError):
    status, code, title = 409, "slot_taken", "The time is already taken"


class SeatTaken(SlotTaken):
    """Another booking has taken a seat under a daily cap that was read as free; another seat may be free."""


class SlotNotOffered(ApiError):
    """`reason` is the availability rule that rejects the start; the slot list leaves out the same starts."""

    status, code, title = 422, "slot_not_offered", "The barber does not offer this time"

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence, faults=(("scheduled_at", reason),))


class WrongState(ApiError):
    status, code, title = 409, "wrong_state", "The state of the booking does not allow this"


class NotAHouseCall(ApiError):
    status, code, title = 409, "not_a_house_call", "The visit takes place at the barber's shop"


class OutsideWindow(ApiError):
    status, code, title = 409, "outside_window", "It is too early or too late for this action"


class SettlementChanged(ApiError):
    status, code, title = 409, "settlement_changed", "The cost of cancelling differs from the expected cost"


class NoLongerOffered(ApiError):
    status, code, title = 409, "no_longer_offered", "The barber no longer offers all of these services"


class HistoryFull(ApiError):
    """The history is full, except for entries that end the booking, answer a proposal or advance the visit."""

    status, code, title = 409, "history_full", "The history of the booking has no room for this change"


class KeepsChanging(Unavailable):
    """Concurrent changes have won too many times in a row; only a fault in the code can be the reason."""

    def __init__(self) -> None:
        super().__init__("The booking is being changed by too many requests at once; try again.")


class TooLateToReschedule(ApiError):
    status, code, title = 409, "too_late_to_reschedule", "It is too late to reschedule this visit"


class ChangedMeanwhile(ApiError):
    status, code, title = 409, "changed_meanwhile", "The booking has changed since it was read"


class NoProposal(ApiError):
    status, code, title = 409, "no_proposal", "There is no proposal that you can answer"


class KeyReused(ApiError):
    status, code, title = 422, "idempotency_key_reused", "This Idempotency-Key was used with another body"


class KeyInFlight(ApiError):
    status, code, title = (
        409,
        "idempotency_key_in_flight",
        "The first request with this Idempotency-Key is still in progress",
    )


class BookingInFlight(ApiError):
    """Another request with the same id, chosen before the booking was stored, is in progress."""

    status, code, title = 409, "booking_in_flight", "The first request for this booking is still in progress"
