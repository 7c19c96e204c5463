"""Every refusal that barbers' routes give."""

from grome.common.errors import ApiError


class ProfileMissing(ApiError):
    status, code, title = 409, "profile_missing", "Set up your barber profile first"


class TooManyScheduleExceptions(ApiError):
    status, code, title = 409, "too_many_openings", "That is more dates or time off than one profile may have"


class CurrencyInUse(ApiError):
    """A price without its currency would become another price."""

    status, code, title = 409, "currency_in_use", "There are prices in the present currency"

    def __init__(self) -> None:
        super().__init__(
            "Remove your services and the least deposit, change the currency, and set the new prices.",
            faults=(("currency", "cannot change while there are prices"),),
        )


class CurrencyDiffers(ApiError):
    status, code, title = 409, "currency_differs", "Your profile has another currency than these prices"

    def __init__(self) -> None:
        super().__init__(faults=(("currency", "is not the profile's"),))
