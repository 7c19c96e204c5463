"""Every refusal that bookings give."""

from grome.common.errors import ApiError, Unavailable


class SlotTaken(ApiError):
    status, code, title = 409, "slot_taken", "Somebody else has this time"


class SeatTaken(SlotTaken):
    """Of a daily cap one was taken meanwhile that looked free; another may be."""


class SlotNotOffered(ApiError):
    """`reason` is the rule of availability that refuses the start; the slot list leaves the same starts out."""

    status, code, title = 422, "slot_not_offered", "The barber does not offer this time"

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence, faults=(("scheduled_at", reason),))


class WrongState(ApiError):
    status, code, title = 409, "wrong_state", "The booking is not in a state that allows this"


class OutsideWindow(ApiError):
    status, code, title = 409, "outside_window", "It is too early or too late for this"


class SettlementChanged(ApiError):
    status, code, title = 409, "settlement_changed", "Cancelling costs something else than was expected"


class NoLongerOffered(ApiError):
    status, code, title = 409, "no_longer_offered", "The barber no longer offers all of this"


class HistoryFull(ApiError):
    """The history has no room for this change.

    Ending the booking, answering a proposal or advancing the visit still works.
    """

    status, code, title = 409, "history_full", "The booking was changed so often that this can no longer be added"


class KeepsChanging(Unavailable):
    """So many changes of others in a row that only a fault can be the reason."""

    def __init__(self) -> None:
        super().__init__("The booking keeps changing; try again.")


class TooLateToReschedule(ApiError):
    status, code, title = 409, "too_late_to_reschedule", "It is too late to move this visit"


class ChangedMeanwhile(ApiError):
    status, code, title = 409, "changed_meanwhile", "The booking is not what it was when it was read"


class NoProposal(ApiError):
    status, code, title = 409, "no_proposal", "No other time is proposed, or the answer is not yours to give"


class KeyReused(ApiError):
    status, code, title = 422, "idempotency_key_reused", "This Idempotency-Key came before with another body"


class KeyInFlight(ApiError):
    status, code, title = (
        409,
        "idempotency_key_in_flight",
        "The first request under this Idempotency-Key is not done yet",
    )


class BookingInFlight(ApiError):
    """An id that others know before its booking is stored was used twice at once."""

    status, code, title = 409, "booking_in_flight", "The first request for this booking is not done yet"
