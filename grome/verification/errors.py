"""Define the errors of verifications."""

from grome.common.errors import ApiError


class VerificationChanged(ApiError):
    """The barber has sent new documents, or another admin has decided, since the verification was read."""

    status, code, title = 409, "verification_changed", "The verification has changed; read it again"
    remedy = "Read the verification again and decide about its new version."
