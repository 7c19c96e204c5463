"""Close codes of live connections, and the answer of each to the question whether a client may reconnect."""

from enum import IntEnum


class CloseCode(IntEnum):
    """Reasons of the server to end a connection; sent in a `bye` frame and as the WebSocket close code.

    40xx: the same client would fail again, so it must not reconnect. 41xx: reconnect, and resume from the last
    position. 42xx: the account or its session has ended here, so do not reconnect by itself.
    """

    BAD_MESSAGE = 4000
    UNAUTHENTICATED = 4001
    ORIGIN = 4003
    RATE = 4008
    DRAIN = 4100
    SLOW = 4101
    TOKEN_EXPIRED = 4102
    LIFE_LIMIT = 4104
    NO_HEARTBEAT = 4105
    SESSION_REVOKED = 4200
    TOO_MANY_SOCKETS = 4201

    @property
    def may_reconnect(self) -> bool:
        return CloseCode.DRAIN <= self < CloseCode.SESSION_REVOKED

    @property
    def label(self) -> str:
        """Return the name in lower case, for frames and metrics."""
        return self.name.lower()
