"""The errors of promo codes."""

from grome.common.errors import ApiError


class PromoRefused(ApiError):
    """The code cannot be used for this visit. `errors` has the stable reason."""

    status, code, title = 422, "promo_refused", "The promo code cannot be used for this visit"
    remedy = "Show the reason beside the code, and let the customer book without it or with another code."

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence, faults=(("promo_code", reason),))


class TooManyPromos(ApiError):
    """A barber has at most 500 promos, ended promos included."""

    status, code, title = 409, "too_many_promos", "You have 500 promos; change one of them instead"
    remedy = "Change a promo that is no longer used."


class PromoExists(ApiError):
    """Codes are unique, and this code exists."""

    status, code, title = 409, "promo_exists", "A promo with this code exists already"
    remedy = "Choose another code, or change the promo that has it."
