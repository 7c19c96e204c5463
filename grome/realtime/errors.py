"""Errors of the routes of live connections."""

from grome.common.errors import ApiError


class UpgradeRequired(ApiError):
    status, code, title = 426, "upgrade_required", "This address is for WebSocket connections"

    def __init__(self) -> None:
        super().__init__(headers={"Upgrade": "websocket", "Connection": "Upgrade"})
