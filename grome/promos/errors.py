"""Every refusal that promo codes give."""

from grome.common.errors import ApiError


class PromoRefused(ApiError):
    """`reason` is one of `RejectionReason`, and stands as the message of the field `promo_code`."""

    status, code, title = 422, "promo_refused", "The promo code cannot be used for this"

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence, faults=(("promo_code", reason),))


class TooManyPromos(ApiError):
    status, code, title = 409, "too_many_promos", "You have 500 promos already; change one of them"


class PromoExists(ApiError):
    status, code, title = 409, "promo_exists", "There is a promo with this code already"
