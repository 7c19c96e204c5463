"""The errors of second factors."""

from grome.common.errors import ApiError


class ChallengeRefused(ApiError):
    """The challenge is unknown, used or expired, or had too many wrong answers."""

    status, code, title = 401, "challenge_refused", "This challenge is not valid any more; sign in again"
    remedy = "Begin the sign-in again with the first proof."


class WrongFactor(ApiError):
    """The code of the authenticator app or the recovery code is wrong, or was used before."""

    status, code, title = 401, "wrong_factor", "The second factor is wrong, or was used before"
    remedy = "Ask for the next code of the app, or for another recovery code. Check the clock of the phone."


class PasskeyRefused(ApiError):
    """The passkey is unknown, or its answer is wrong; the error does not say which."""

    status, code, title = 401, "passkey_refused", "The answer of the passkey is not accepted"
    remedy = "Begin again with a new challenge, or offer another proof."


class PasskeyNotAdded(ApiError):
    """The answer does not fit the challenge, is too old, or names a passkey that is registered already."""

    status, code, title = 422, "passkey_not_added", "The new passkey is not accepted; begin again"
    remedy = "Begin again with new options. Use an authenticator that is not registered yet."


class TotpNotBegun(ApiError):
    """No secret waits for its first code, or it has waited too long."""

    status, code, title = 409, "totp_not_begun", "No authenticator app waits for its confirmation; begin again"
    remedy = "Begin the setup of the authenticator app again."


class TooManyPasskeys(ApiError):
    """An account has at most ten passkeys."""

    status, code, title = 409, "too_many_passkeys", "Ten passkeys are registered; remove one first"
    remedy = "Let the user remove a passkey that is no longer used."


class FactorRequired(ApiError):
    """An account of this role keeps a second factor; another factor can replace the last."""

    status, code, title = 409, "factor_required", "Your account needs a second factor; add another before this one goes"
    remedy = "Add another second factor, then remove this one."


class FactorNeeded(ApiError):
    """The password alone is no proof for an account with a second factor."""

    status, code, title = 403, "factor_needed", "Confirm that it is you by one of your second factors"
    remedy = "Ask for a code of the authenticator app, a passkey or a recovery code instead of the password."


class NoFactor(ApiError):
    """The action needs an active second factor."""

    status, code, title = 409, "no_factor", "The account has no second factor; add one first"
    remedy = "Add an authenticator app or a passkey first."
