"""Errors of live connections, as routes and frames show them."""

from grome.common.errors import ApiError, TooManyRequests, Unavailable
from grome.realtime.frames import LiveError


class UpgradeRequired(ApiError):
    status, code, title = 426, "upgrade_required", "This address is for WebSocket connections"

    def __init__(self) -> None:
        super().__init__(headers={"Upgrade": "websocket", "Connection": "Upgrade"})


def live_error(error: ApiError) -> LiveError:
    """Return a refusal as a reply shows it, with all fields at fault in its message."""
    faults = "; ".join(f"{field} {fault}" for field, fault in error.faults)
    message = faults or error.detail or error.title
    return LiveError(error.code, message, isinstance(error, TooManyRequests | Unavailable))
