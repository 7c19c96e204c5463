"""Errors of the routes of live connections."""

from grome.common.errors import ApiError


class TooManyRooms(ApiError):
    """A connection can join a limited number of rooms."""

    status, code, title = 409, "too_many_rooms", "The connection is in too many rooms; leave some first"
    remedy = "Leave rooms that are not shown any more."


class TooManyConnections(ApiError):
    """An account has a limited number of live connections at a time."""

    status, code, title = 429, "too_many_connections", "The account has too many live connections; close another one"
    remedy = "Close a connection that is no longer used, and share a connection between the views of a client."
