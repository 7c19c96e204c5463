"""Build the quotas of the settings."""

from typing import Final

from config.sections.accounts import LimitSettings
from grome.infrastructure.rate_limits.models import LimitClass, Quota

_MINUTE_S: Final = 60.0
_QUARTER_HOUR_S: Final = 900.0


def quotas_of(settings: LimitSettings) -> dict[LimitClass, Quota]:
    amounts = {
        LimitClass.READ: (settings.read, _MINUTE_S),
        LimitClass.WRITE: (settings.write, _MINUTE_S),
        LimitClass.SEARCH: (settings.search, _MINUTE_S),
        LimitClass.SIGN_IN: (settings.sign_in, _MINUTE_S),
        LimitClass.CODES: (settings.codes, _QUARTER_HOUR_S),
        LimitClass.COSTLY: (settings.costly, _MINUTE_S),
    }
    return {limit: Quota(limit.value, amount, window_s) for limit, (amount, window_s) in amounts.items()}
