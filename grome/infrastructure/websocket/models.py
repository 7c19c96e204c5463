"""An open WebSocket connection: the socket that is written to, and the listener that hears of its messages."""

from collections.abc import Callable
from typing import Protocol


class Socket(Protocol):
    """One open connection of a client. No method waits, and every method is safe to call after the end."""

    @property
    def subprotocol(self) -> str | None: ...

    def write(self, frame: bytes) -> None:
        """Send whole frames of `framing`, one or several joined. A closing connection drops them."""

    def ping(self) -> None:
        """Send a ping; the client's pong arrives as `SocketListener.pong_received`."""

    def buffered(self) -> int:
        """Return how many bytes are written and not yet taken by the kernel."""

    def close(self, code: int, reason: str = "") -> None:
        """Send a close frame, after which no message arrives. A client that does not close its side is cut off.

        `code` is 1000, 1001, 1002, 1003, 1007 to 1014, or 3000 to 4999; `reason` has at most 123 bytes in UTF-8.
        """

    def abort(self) -> None:
        """Cut the connection without a close frame; unsent bytes are lost."""


class SocketListener(Protocol):
    """Hears of one connection's messages. The methods are called on the event loop and must not block.

    An exception of a method is logged and closes the connection with 1011.
    """

    def message_received(self, message: str | bytes) -> None:
        """Take a whole message: `str` from text frames, `bytes` from binary frames."""

    def pong_received(self) -> None:
        """Note that the client is alive."""

    def closed(self, code: int) -> None:
        """Release everything: called exactly once, last, when the TCP connection is gone.

        `code` is that of the first close frame, from either side: 1005 if that had none, 1006 if there was no frame.
        """


ListenerFactory = Callable[[Socket], SocketListener]
