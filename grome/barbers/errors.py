"""Define the errors of barbers' profiles."""

from grome.common.errors import ApiError


class ProfileMissing(ApiError):
    """The account of the barber has no profile yet."""

    status, code, title = 409, "profile_missing", "Set up your barber profile first"
    remedy = "Create the profile by `PUT /v1/barbers/me`, then repeat the request."


class TooManyScheduleExceptions(ApiError):
    """The profile has the greatest number of date overrides or of time off."""

    status, code, title = 409, "too_many_openings", "The profile has too many date overrides or too much time off"
    remedy = "Remove entries that are no longer needed, or merge neighbouring days into a single entry."


class CurrencyInUse(ApiError):
    """The currency cannot change while prices exist, because an amount in another currency is another price."""

    status, code, title = 409, "currency_in_use", "The profile has prices in its present currency"
    remedy = "Remove the services and the minimum deposit, change the currency, then set new prices."

    def __init__(self) -> None:
        super().__init__(
            "Remove your services and the minimum deposit, change the currency, then set new prices.",
            faults=(("currency", "cannot change while the profile has prices"),),
        )


class CurrencyDiffers(ApiError):
    """The request names a currency, and the profile has another."""

    status, code, title = 409, "currency_differs", "The prices are in another currency than your profile"
    remedy = "Read the profile, and send the prices in its currency."

    def __init__(self) -> None:
        super().__init__(faults=(("currency", "is not the currency of the profile"),))
