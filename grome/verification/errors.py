"""Define the errors of verifications."""

from grome.common.errors import ApiError


class VerificationChanged(ApiError):
    status, code, title = 409, "verification_changed", "The verification has changed; read it again"
