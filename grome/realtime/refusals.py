"""Refusals in frames."""

from grome.common.errors import ApiError, TooManyRequests, Unavailable
from grome.realtime.frames import LiveError


def live_error(error: ApiError) -> LiveError:
    """Return a refusal as a reply shows it, with all fields at fault in its message."""
    faults = "; ".join(f"{field} {fault}" for field, fault in error.faults)
    message = faults or error.detail or error.title
    return LiveError(error.code, message, isinstance(error, TooManyRequests | Unavailable))
