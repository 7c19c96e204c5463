"""The errors of second factors."""

from grome.common.errors import ApiError


class ChallengeRefused(ApiError):
    """One error for an unknown, used or expired challenge, and for a challenge with too many wrong answers."""

    status, code, title = 401, "challenge_refused", "This challenge is not valid any more; sign in again"


class WrongFactor(ApiError):
    """The same error for a wrong and for a used code."""

    status, code, title = 401, "wrong_factor", "The second factor is wrong, or was used before"


class PasskeyRefused(ApiError):
    """The same error for an unknown passkey and for a wrong answer, so that nobody learns which it was."""

    status, code, title = 401, "passkey_refused", "The answer of the passkey is not accepted"


class PasskeyNotAdded(ApiError):
    status, code, title = 422, "passkey_not_added", "The new passkey is not accepted; begin again"


class TotpNotBegun(ApiError):
    status, code, title = 409, "totp_not_begun", "No authenticator app waits for its confirmation; begin again"


class TooManyPasskeys(ApiError):
    status, code, title = 409, "too_many_passkeys", "Ten passkeys are registered; remove one first"


class FactorRequired(ApiError):
    """An account of this role keeps a second factor; another factor can replace the last."""

    status, code, title = 409, "factor_required", "Your account needs a second factor; add another before this one goes"


class FactorNeeded(ApiError):
    """The password alone is no proof for an account with a second factor."""

    status, code, title = 403, "factor_needed", "Confirm that it is you by one of your second factors"


class NoFactor(ApiError):
    status, code, title = 409, "no_factor", "The account has no second factor; add one first"
