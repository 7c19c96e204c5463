"""The errors of promo codes."""

from grome.common.errors import ApiError


class PromoRefused(ApiError):
    """The code cannot be used. `reason` is a `RejectionReason`, and the message of the field `promo_code`."""

    status, code, title = 422, "promo_refused", "The promo code cannot be used for this visit"

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence, faults=(("promo_code", reason),))


class TooManyPromos(ApiError):
    status, code, title = 409, "too_many_promos", "You have 500 promos; change one of them instead"


class PromoExists(ApiError):
    status, code, title = 409, "promo_exists", "A promo with this code exists already"
