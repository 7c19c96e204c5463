"""Errors of the routes of live connections."""

from grome.common.errors import ApiError


class UpgradeRequired(ApiError):
    status, code, title = 426, "upgrade_required", "This address is for WebSocket connections"

    def __init__(self) -> None:
        super().__init__(headers={"Upgrade": "websocket", "Connection": "Upgrade"})


class TooManyRooms(ApiError):
    status, code, title = 409, "too_many_rooms", "The connection is in too many rooms; leave some first"


class TooManyConnections(ApiError):
    status, code, title = 429, "too_many_connections", "The account has too many live connections; close another one"
