"""Define the errors of barbers' profiles."""

from grome.common.errors import ApiError


class ProfileMissing(ApiError):
    status, code, title = 409, "profile_missing", "Set up your barber profile first"


class TooManyScheduleExceptions(ApiError):
    status, code, title = 409, "too_many_openings", "The profile has too many date overrides or too much time off"


class CurrencyInUse(ApiError):
    """Protects prices: an amount in another currency is another price."""

    status, code, title = 409, "currency_in_use", "The profile has prices in its present currency"

    def __init__(self) -> None:
        super().__init__(
            "Remove your services and the minimum deposit, change the currency, then set new prices.",
            faults=(("currency", "cannot change while the profile has prices"),),
        )


class CurrencyDiffers(ApiError):
    status, code, title = 409, "currency_differs", "The prices are in another currency than your profile"

    def __init__(self) -> None:
        super().__init__(faults=(("currency", "is not the currency of the profile"),))
