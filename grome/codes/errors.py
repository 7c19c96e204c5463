"""The errors of codes."""

from grome.common.errors import ApiError


class CodeRefused(ApiError):
    """A wrong, used, expired or unknown code, or too many tries; the answer does not say which."""

    status, code, title = 422, "code_refused", "The code is wrong, was used before, or has expired"
    remedy = "Ask for the digits again, or request a new code. Only the newest code works."
