"""Every refusal that barbers' routes give."""

from grome.common.errors import Refusal


class ProfileMissing(Refusal):
    status, code, title = 409, "profile_missing", "Set up your barber profile first"


class TooManyOpenings(Refusal):
    status, code, title = 409, "too_many_openings", "That is more dates or time off than one profile may have"
