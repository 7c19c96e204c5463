"""The end of a connection: codes of close frames (RFC 6455, section 7.4), and the time it may take."""

from typing import Final

from websockets.frames import CloseCode
from websockets.server import ServerProtocol

GOING_AWAY: Final = CloseCode.GOING_AWAY
INVALID_DATA: Final = CloseCode.INVALID_DATA
INTERNAL_ERROR: Final = CloseCode.INTERNAL_ERROR
# A client has this long to take the bytes before the close frame, and to close its side.
CLOSE_SECONDS: Final = 5.0


def first_code(protocol: ServerProtocol) -> int:
    """Return the code of the first close frame from either side, or 1006 if there was none."""
    sent, received = protocol.close_sent, protocol.close_rcvd
    first = received if protocol.close_rcvd_then_sent or sent is None else sent
    return int(first.code) if first else int(CloseCode.ABNORMAL_CLOSURE)
