"""Errors of the routes of live connections."""

from grome.common.errors import ApiError


class TooManyRooms(ApiError):
    status, code, title = 409, "too_many_rooms", "The connection is in too many rooms; leave some first"


class TooManyConnections(ApiError):
    status, code, title = 429, "too_many_connections", "The account has too many live connections; close another one"
