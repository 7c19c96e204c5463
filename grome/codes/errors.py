"""The errors of codes."""

from grome.common.errors import ApiError


class CodeRefused(ApiError):
    """The same error for a wrong, used, expired or unknown code, and after too many tries."""

    status, code, title = 422, "code_refused", "The code is wrong, was used before, or has expired"
